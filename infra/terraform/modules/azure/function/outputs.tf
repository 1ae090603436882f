output "name" {
  description = "Name of the function."
  value       = azurerm_function_app_flex_consumption.this.name
}

output "identity" {
  description = "Object id of the function's identity, once it may do what it has to."
  value       = azurerm_function_app_flex_consumption.this.identity[0].principal_id
  depends_on  = [azurerm_role_assignment.this]
}

output "url" {
  description = "The function's URL without a slash at its end."
  value       = "https://${azurerm_function_app_flex_consumption.this.default_hostname}"
}

output "deployed" {
  description = "What it was deployed with: digest of the package, rotations of secrets."
  value       = local.deployed
}
