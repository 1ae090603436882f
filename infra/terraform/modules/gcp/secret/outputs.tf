output "name" {
  description = "Name of the secret."
  value       = google_secret_manager_secret.this.secret_id
}

output "version" {
  description = "The version that counts, once its reader may read it: the one that was made, or the newest that a person put there."
  value       = var.rotation == null ? "latest" : google_secret_manager_secret_version.this.version
  depends_on  = [google_secret_manager_secret_iam_member.reader, google_secret_manager_secret_version.this]
}
