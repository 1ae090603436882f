# A function from a zip, as an account that may do what others grant it.

resource "google_storage_bucket_object" "package" {
  bucket = var.packages_bucket
  name   = "${var.name}-${var.package.sha256}.zip"
  source = var.package.file

  lifecycle {
    precondition {
      condition     = filesha256(var.package.file) == var.package.sha256
      error_message = "${var.package.file} is not the zip that manifest.json speaks of; make both again with `make package`."
    }
  }
}

resource "google_cloudfunctions2_function" "this" {
  name        = var.name
  location    = var.region
  description = var.description

  build_config {
    runtime           = var.runtime
    entry_point       = var.package.entry_point
    service_account   = var.builder
    docker_repository = var.images

    source {
      storage_source {
        bucket = google_storage_bucket_object.package.bucket
        object = google_storage_bucket_object.package.name
      }
    }
  }

  service_config {
    service_account_email            = var.identity
    available_memory                 = "${var.memory_mb}Mi"
    available_cpu                    = "1"
    timeout_seconds                  = var.timeout_seconds
    max_instance_count               = var.instances
    max_instance_request_concurrency = var.concurrency
    ingress_settings                 = var.has_url ? "ALLOW_ALL" : "ALLOW_INTERNAL_ONLY"
    environment_variables            = var.environment

    dynamic "secret_environment_variables" {
      for_each = var.secrets

      content {
        key        = secret_environment_variables.key
        project_id = var.project
        secret     = secret_environment_variables.value.name
        version    = secret_environment_variables.value.version
      }
    }
  }
}

# Everybody may ask: the function itself knows senders by signature and clients by token, which IAM does not know.
resource "google_cloud_run_service_iam_member" "everybody" {
  #checkov:skip=CKV_GCP_102: Git hosts and SDKs have no Google account; the function checks signatures and tokens
  count = var.has_url ? 1 : 0

  location = var.region
  service  = google_cloudfunctions2_function.this.name
  role     = "roles/run.invoker"
  member   = "allUsers"
}
