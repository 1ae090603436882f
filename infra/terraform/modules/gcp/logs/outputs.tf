output "bucket" {
  description = "Id of the log bucket."
  value       = google_logging_project_bucket_config.this.id
}

output "filter" {
  description = "Which lines are kept in it."
  value       = google_logging_project_sink.this.filter
}
