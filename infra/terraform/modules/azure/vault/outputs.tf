output "id" {
  description = "Id of the vault, once its officer may put secrets there."
  value       = azurerm_key_vault.this.id
  depends_on  = [azurerm_role_assignment.officer]
}

output "name" {
  description = "Name of the vault."
  value       = azurerm_key_vault.this.name
}
