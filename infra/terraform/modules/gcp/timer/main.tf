# Reconciles what no event told: a message to the queue, again and again.

resource "google_cloud_scheduler_job" "this" {
  name        = var.name
  region      = var.region
  description = "Tells publish to look at the repository."
  schedule    = var.minutes == 60 ? "0 * * * *" : "*/${var.minutes} * * * *"

  pubsub_target {
    topic_name = var.topic
    data       = base64encode(jsonencode({ format = 1, cause = "timer", tick = "scheduler" }))
  }
}
