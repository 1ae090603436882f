output "name" {
  description = "Name of the function and of its service."
  value       = google_cloudfunctions2_function.this.name
}

output "url" {
  description = "The function's URL without a slash at its end."
  value       = trimsuffix(google_cloudfunctions2_function.this.service_config[0].uri, "/")
}
