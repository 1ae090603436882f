output "names" {
  description = "Names of the alarms."
  value       = [for alarm in google_monitoring_alert_policy.this : alarm.display_name]
}
