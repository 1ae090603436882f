output "account" {
  description = "Name of the storage account."
  value       = azurerm_storage_account.this.name
}

output "account_id" {
  description = "Id of the storage account."
  value       = azurerm_storage_account.this.id
}

output "blob_endpoint" {
  description = "URL of its blobs, with a slash at its end."
  value       = azurerm_storage_account.this.primary_blob_endpoint
}

output "queue_endpoint" {
  description = "URL of its queues, with a slash at its end."
  value       = azurerm_storage_account.this.primary_queue_endpoint
}

output "container" {
  description = "Name of the container."
  value       = azurerm_storage_container.this.name
}

output "container_id" {
  description = "Id of the container, once it is kept as it should be."
  value       = azurerm_storage_container.this.id
  depends_on  = [azurerm_storage_management_policy.this]
}

output "reads" {
  description = "Id of the role that reads."
  value       = azurerm_role_definition.reads.role_definition_resource_id
}

output "writes" {
  description = "Id of the role that writes."
  value       = azurerm_role_definition.writes.role_definition_resource_id
}
