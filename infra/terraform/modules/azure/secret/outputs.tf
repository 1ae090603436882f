output "name" {
  description = "Name of the secret."
  value       = azurerm_key_vault_secret.this.name
}

output "scope" {
  description = "Id of the secret without a version, for who may read it."
  value       = azurerm_key_vault_secret.this.resource_versionless_id
}

output "reference" {
  description = "What a function's variable holds instead of the value, which the platform puts there."
  value       = "@Microsoft.KeyVault(SecretUri=${azurerm_key_vault_secret.this.versionless_id})"
}
