output "names" {
  description = "Names of the alarms."
  value       = [for alarm in azurerm_monitor_scheduled_query_rules_alert_v2.this : alarm.name]
}
