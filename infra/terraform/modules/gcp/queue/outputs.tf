output "topic" {
  description = "Id of the topic."
  value       = google_pubsub_topic.this.id
}

output "subscription" {
  description = "Name of the subscription that is pushed."
  value       = google_pubsub_subscription.this.name
}

output "dead_letters" {
  description = "Name of the subscription that holds dead letters."
  value       = google_pubsub_subscription.dead_letters.name
}
