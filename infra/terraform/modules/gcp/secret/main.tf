# A secret whose value this state never holds: made here and handed on without being written down, or put there later.

resource "google_secret_manager_secret" "this" {
  secret_id = var.name

  annotations = {
    purpose = var.purpose
  }

  replication {
    auto {}
  }
}

ephemeral "random_password" "this" {
  length  = 48
  special = false
}

# A function is not deployed while a secret that it names has no version. Until a person puts a value there, it is a
# blank, which counts as none.
resource "google_secret_manager_secret_version" "this" {
  secret                 = google_secret_manager_secret.this.id
  secret_data_wo         = var.rotation == null ? " " : ephemeral.random_password.this.result
  secret_data_wo_version = coalesce(var.rotation, 1)
}

resource "google_secret_manager_secret_iam_member" "reader" {
  secret_id = google_secret_manager_secret.this.id
  role      = "roles/secretmanager.secretAccessor"
  member    = var.reader
}
