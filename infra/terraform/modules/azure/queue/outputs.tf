output "name" {
  description = "Name of the queue."
  value       = azurerm_storage_queue.this.name
}

output "id" {
  description = "Id of the queue."
  value       = azurerm_storage_queue.this.id
}

output "dead_letters_name" {
  description = "Name of the queue of dead letters."
  value       = azurerm_storage_queue.dead_letters.name
}

output "dead_letters_id" {
  description = "Id of the queue of dead letters."
  value       = azurerm_storage_queue.dead_letters.id
}

output "works" {
  description = "Id of the role that works the queue."
  value       = azurerm_role_definition.works.role_definition_resource_id
}
