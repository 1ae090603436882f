# What was accepted, until it is done; and what could not be done.

resource "google_pubsub_topic" "this" {
  #checkov:skip=CKV_GCP_83: Google's own key encrypts it; a message says which ref may have moved
  name = var.name
}

resource "google_pubsub_topic" "dead_letters" {
  #checkov:skip=CKV_GCP_83: as with the other topic
  name = "${var.name}-dead-letters"
}

# Pushed to the consumer, which is nobody else's to ask. One message of a repository after the other, where its sender
# gave them an ordering key.
resource "google_pubsub_subscription" "this" {
  name                       = "${var.name}-publish"
  topic                      = google_pubsub_topic.this.id
  ack_deadline_seconds       = 600
  message_retention_duration = local.fourteen_days
  enable_message_ordering    = true

  push_config {
    push_endpoint = var.consumer_url

    oidc_token {
      service_account_email = google_service_account.pusher.email
      audience              = var.consumer_url
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead_letters.id
    max_delivery_attempts = var.tries
  }

  # It would be gone after a month without a message.
  expiration_policy {
    ttl = ""
  }

  depends_on = [google_cloud_run_service_iam_member.pusher]
}

# Without a subscription a dead letter would be lost.
resource "google_pubsub_subscription" "dead_letters" {
  name                       = "${var.name}-dead-letters"
  topic                      = google_pubsub_topic.dead_letters.id
  ack_deadline_seconds       = 60
  message_retention_duration = local.fourteen_days

  expiration_policy {
    ttl = ""
  }
}

resource "google_service_account" "pusher" {
  account_id   = "${var.name}-push"
  display_name = "Delivers messages of ${var.name} to publish."
}

resource "google_cloud_run_service_iam_member" "pusher" {
  location = var.region
  service  = var.consumer
  role     = "roles/run.invoker"
  member   = google_service_account.pusher.member
}

resource "google_pubsub_topic_iam_member" "sender" {
  topic  = google_pubsub_topic.this.id
  role   = "roles/pubsub.publisher"
  member = var.sender
}

resource "google_pubsub_topic_iam_member" "buries" {
  for_each = { consumer = var.consumer_member, pubsub = local.pubsub }

  topic  = google_pubsub_topic.dead_letters.id
  role   = "roles/pubsub.publisher"
  member = each.value
}

# What it takes from the subscription when it moves a message to the dead letters.
resource "google_pubsub_subscription_iam_member" "pubsub" {
  subscription = google_pubsub_subscription.this.id
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub
}

locals {
  pubsub        = "serviceAccount:service-${var.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
  fourteen_days = "${14 * 24 * 3600}s"
}
