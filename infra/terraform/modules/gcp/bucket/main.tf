# The bucket of a store, and who may do what in it. Releases and blobs are for ever: nobody here may delete or replace them.

locals {
  objects = "projects/_/buckets/${google_storage_bucket.this.name}/objects/${var.path}"

  # Google's storage asks for the right to delete of whoever replaces an object. Heads, the index and static snapshots are
  # replaced all the time; blobs and the log by number never are.
  replaceable = join(" && ", [
    "resource.name.startsWith(\"${local.objects}\")",
    "!resource.name.startsWith(\"${local.objects}blobs/\")",
    "resource.name.extract(\"/releases/{number}.json\") == \"\"",
  ])
}

resource "google_storage_bucket" "this" {
  #checkov:skip=CKV_GCP_62: who reads is told by data access audit logs where that is wanted
  name          = var.name
  location      = var.location
  force_destroy = var.force_destroy

  uniform_bucket_level_access = true
  public_access_prevention    = var.public ? "inherited" : "enforced"

  # Versions let a head that somebody broke by hand be put back.
  versioning {
    enabled = true
  }

  # What was deleted for good can be had back for a week.
  soft_delete_policy {
    retention_duration_seconds = 7 * 24 * 3600
  }

  # Pages of any origin: what everybody may read, a page may read too. Flipt's client needs to see the ETag.
  dynamic "cors" {
    for_each = var.public ? ["everybody"] : []

    content {
      origin          = ["*"]
      method          = ["GET", "HEAD"]
      response_header = ["ETag"]
      max_age_seconds = 300
    }
  }

  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }

    condition {
      age = 1
    }
  }

  # Heads, the index and static snapshots are replaced all the time. The newest of the replaced versions stay in any case:
  # a release is written once, so that one which somebody replaced by hand is kept.
  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      with_state                 = "ARCHIVED"
      matches_prefix             = ["${var.path}environments/"]
      days_since_noncurrent_time = 30
      num_newer_versions         = 10
    }
  }

  # What readers say of themselves, `environments/*/instances/`, has no prefix of its own: the custom time is what a
  # writer of it has to give. Nothing writes it yet.
  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      days_since_custom_time = 7
    }
  }
}

resource "google_storage_bucket_iam_member" "reader" {
  bucket = google_storage_bucket.this.name
  role   = "roles/storage.objectViewer"
  member = var.reader
}

resource "google_storage_bucket_iam_member" "index_reader" {
  bucket = google_storage_bucket.this.name
  role   = "roles/storage.objectViewer"
  member = var.index_reader

  condition {
    title      = "the index of environments"
    expression = "resource.name == \"${local.objects}environments/index.json\""
  }
}

resource "google_project_iam_custom_role" "writes" {
  role_id     = "${replace(var.role_prefix, "-", "_")}_writes_releases"
  title       = "Writes releases (${var.role_prefix})"
  description = "Reads, lists and makes objects. Replacing one takes the role beside this one."
  permissions = ["storage.objects.create", "storage.objects.get", "storage.objects.list"]
}

resource "google_project_iam_custom_role" "replaces" {
  role_id     = "${replace(var.role_prefix, "-", "_")}_replaces_heads"
  title       = "Replaces heads (${var.role_prefix})"
  description = "Is granted for what is replaced: heads, the index, static snapshots."
  permissions = ["storage.objects.delete"]
}

resource "google_storage_bucket_iam_member" "writer" {
  bucket = google_storage_bucket.this.name
  role   = google_project_iam_custom_role.writes.id
  member = var.writer
}

resource "google_storage_bucket_iam_member" "replacer" {
  bucket = google_storage_bucket.this.name
  role   = google_project_iam_custom_role.replaces.id
  member = var.writer

  condition {
    title       = "neither blobs nor releases"
    description = "What is replaced all the time."
    expression  = local.replaceable
  }
}

# Google grants nothing to everybody under a condition, so that the log by number and `instances` are public as well.
resource "google_storage_bucket_iam_member" "everybody" {
  #checkov:skip=CKV_GCP_28: only where public_bucket asks for it
  count = var.public ? 1 : 0

  bucket = google_storage_bucket.this.name
  role   = "roles/storage.legacyObjectReader"
  member = "allUsers"
}
