output "message" {
  description = "What the job sends."
  value       = base64decode(google_cloud_scheduler_job.this.pubsub_target[0].data)
}

output "schedule" {
  description = "When it does."
  value       = google_cloud_scheduler_job.this.schedule
}
