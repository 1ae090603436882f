# Who may do what in the bucket.

mock_provider "google" {
  mock_resource "google_project_iam_custom_role" {
    defaults = { id = "projects/acme-flags/roles/one" }
  }
}

variables {
  name         = "acme-store"
  location     = "europe-west1"
  path         = "shop/"
  role_prefix  = "shop-flags"
  reader       = "serviceAccount:evaluate@acme-flags.iam.gserviceaccount.com"
  index_reader = "serviceAccount:webhook@acme-flags.iam.gserviceaccount.com"
  writer       = "serviceAccount:publish@acme-flags.iam.gserviceaccount.com"
}

run "a_private_bucket_lets_nobody_else_in" {
  module {
    source = "../modules/gcp/bucket"
  }

  assert {
    condition     = google_storage_bucket.this.public_access_prevention == "enforced" && google_storage_bucket.this.uniform_bucket_level_access
    error_message = "somebody could make an object public"
  }

  assert {
    condition     = length(google_storage_bucket_iam_member.everybody) == 0 && length(google_storage_bucket.this.cors) == 0
    error_message = "everybody may read"
  }
}

run "a_public_bucket_is_read_and_not_listed" {
  module {
    source = "../modules/gcp/bucket"
  }

  variables {
    public = true
  }

  assert {
    condition     = google_storage_bucket_iam_member.everybody[0].member == "allUsers" && google_storage_bucket_iam_member.everybody[0].role == "roles/storage.legacyObjectReader"
    error_message = "everybody has ${google_storage_bucket_iam_member.everybody[0].role}"
  }

  assert {
    condition     = google_storage_bucket.this.cors[0].response_header == tolist(["ETag"])
    error_message = "pages do not see ETags"
  }
}

run "nobody_deletes_or_replaces_blobs_and_releases" {
  module {
    source = "../modules/gcp/bucket"
  }

  assert {
    condition     = !contains(google_project_iam_custom_role.writes.permissions, "storage.objects.delete") && google_project_iam_custom_role.replaces.permissions == toset(["storage.objects.delete"])
    error_message = "writing is deleting"
  }

  assert {
    condition     = google_storage_bucket_iam_member.replacer.condition[0].expression == "resource.name.startsWith(\"projects/_/buckets/acme-store/objects/shop/\") && !resource.name.startsWith(\"projects/_/buckets/acme-store/objects/shop/blobs/\") && resource.name.extract(\"/releases/{number}.json\") == \"\""
    error_message = "it is ${google_storage_bucket_iam_member.replacer.condition[0].expression}"
  }

  assert {
    condition     = google_storage_bucket_iam_member.index_reader.condition[0].expression == "resource.name == \"projects/_/buckets/acme-store/objects/shop/environments/index.json\""
    error_message = "the webhook reads more than the index"
  }

  assert {
    condition = alltrue([
      for rule in google_storage_bucket.this.lifecycle_rule :
      one(rule.action).type != "Delete" || one(rule.condition).matches_prefix == tolist(["shop/environments/"]) || one(rule.condition).days_since_custom_time == 7
    ])
    error_message = "a rule takes blobs"
  }
}
