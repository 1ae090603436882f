# What somebody has to look at. Each alarm compares one metric over five minutes with a threshold.

locals {
  alarms = {
    dead-letters = {
      description = "Messages could not be worked: see their attribute `reason`, mend it, and start a redrive."
      filter      = "metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\" AND resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=\"${var.dead_letters}\""
      aligner     = "ALIGN_MAX"
      above       = 0
    }
    queue-age = {
      description = "Messages wait for long: does publish fail, or is it not reached?"
      filter      = "metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" AND resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=\"${var.subscription}\""
      aligner     = "ALIGN_MAX"
      above       = var.oldest_message_seconds
    }
    publish-errors = {
      description = "Publish ended, ran out of time or of memory: see its log."
      filter      = local.counted["publish-errors"]
      aligner     = "ALIGN_DELTA"
      above       = 0
    }
    publish-failed = {
      description = "Publish could not do what it was told: see its log. Mistakes in flag files do not count."
      filter      = local.counted["publish-failed"]
      aligner     = "ALIGN_DELTA"
      above       = 0
    }
    webhook-errors = {
      description = "The webhook answered with an error of its own: the Git host's deliveries may have been lost until the timer's next look."
      filter      = local.failing[var.webhook]
      aligner     = "ALIGN_DELTA"
      above       = 0
    }
    evaluate-errors = {
      description = "Evaluate answered with an error of its own, or has nothing to answer from: see its log."
      filter      = local.failing[var.evaluate]
      aligner     = "ALIGN_DELTA"
      above       = 0
    }
    evaluate-stale = {
      description = "Evaluate answers from releases that it could not renew: can it read the bucket?"
      filter      = local.counted["evaluate-stale"]
      aligner     = "ALIGN_DELTA"
      above       = 0
    }
  }

  # Lines of logs that are counted.
  lines = {
    publish-errors = "resource.labels.service_name=\"${var.publish}\" AND log_id(\"run.googleapis.com/varlog/system\") AND severity>=ERROR"
    publish-failed = "resource.labels.service_name=\"${var.publish}\" AND jsonPayload.metric=\"PublishFailed\""
    evaluate-stale = "resource.labels.service_name=\"${var.evaluate}\" AND jsonPayload.message:\"burgee: stale\""
  }

  counted = {
    for name, metric in google_logging_metric.this :
    name => "metric.type=\"logging.googleapis.com/user/${metric.name}\" AND resource.type=\"cloud_run_revision\""
  }

  failing = {
    for service in [var.webhook, var.evaluate] :
    service => "metric.type=\"run.googleapis.com/request_count\" AND resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${service}\" AND metric.labels.response_code_class=\"5xx\""
  }
}

resource "google_logging_metric" "this" {
  for_each = local.lines

  name   = "${var.name}-${each.key}"
  filter = "resource.type=\"cloud_run_revision\" AND ${each.value}"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
  }
}

resource "google_monitoring_alert_policy" "this" {
  for_each = local.alarms

  display_name          = "${var.name}-${each.key}"
  combiner              = "OR"
  notification_channels = var.channels

  documentation {
    content   = each.value.description
    mime_type = "text/markdown"
  }

  conditions {
    display_name = each.key

    condition_threshold {
      filter          = each.value.filter
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.above
      duration        = "0s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = each.value.aligner
        cross_series_reducer = each.value.aligner == "ALIGN_MAX" ? "REDUCE_MAX" : "REDUCE_SUM"
      }
    }
  }

  # Half an hour is the least that Google offers.
  alert_strategy {
    auto_close = "1800s"
  }
}
