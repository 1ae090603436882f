output "insights" {
  description = "Connection string for functions."
  value       = azurerm_application_insights.this.connection_string
}

output "insights_id" {
  description = "Id of what can be asked for lines."
  value       = azurerm_application_insights.this.id
}

output "name" {
  description = "Name of what can be asked for lines."
  value       = azurerm_application_insights.this.name
}
