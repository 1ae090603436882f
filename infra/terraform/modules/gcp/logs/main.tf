# What the functions say, kept for as long as is asked, and apart from the rest of the project.

resource "google_logging_project_bucket_config" "this" {
  project        = var.project
  location       = var.region
  bucket_id      = var.name
  description    = "Logs of ${var.name}."
  retention_days = var.retention_days
}

resource "google_logging_project_sink" "this" {
  name                   = var.name
  destination            = "logging.googleapis.com/${google_logging_project_bucket_config.this.id}"
  filter                 = local.filter
  unique_writer_identity = true
}

locals {
  filter = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=(${join(" OR ", [for name in var.services : "\"${name}\""])})"
}
