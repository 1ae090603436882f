output "name" {
  description = "Name of the bucket."
  value       = google_storage_bucket.this.name
}

output "replaceable" {
  description = "Condition under which the writer may replace an object."
  value       = local.replaceable
}
