# What somebody has to look at. Each alarm compares one metric over five minutes with a threshold.

locals {
  alarms = {
    dead-letters = {
      description = "Messages could not be worked: see their attribute `reason`, mend it, and start a redrive."
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = var.dead_letters }
      statistic   = "Maximum"
      above       = 0
    }
    queue-age = {
      description = "Messages wait for long: is publish throttled, or does it fail?"
      namespace   = "AWS/SQS"
      metric      = "ApproximateAgeOfOldestMessage"
      dimensions  = { QueueName = var.queue }
      statistic   = "Maximum"
      above       = var.oldest_message_seconds
    }
    publish-errors = {
      description = "Invocations of publish ended in an error or ran out of time: see its log."
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = var.publish }
      statistic   = "Sum"
      above       = 0
    }
    publish-failed = {
      description = "Publish could not do what it was told: see its log. Mistakes in flag files do not count."
      namespace   = var.name
      metric      = "PublishFailed"
      dimensions  = { service = "publish" }
      statistic   = "Sum"
      above       = 0
    }
    webhook-errors = {
      description = "Invocations of the webhook ended in an error: the Git host's deliveries may have been lost until the timer's next look."
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = var.webhook }
      statistic   = "Sum"
      above       = 0
    }
    evaluate-errors = {
      description = "Invocations of evaluate ended in an error or ran out of time: see its log."
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = var.evaluate }
      statistic   = "Sum"
      above       = 0
    }
    evaluate-stale = {
      description = "Evaluate answers from releases that it could not renew: can it read the bucket?"
      namespace   = local.stale.namespace
      metric      = local.stale.name
      dimensions  = null
      statistic   = "Sum"
      above       = 0
    }
  }

  stale = one(aws_cloudwatch_log_metric_filter.stale.metric_transformation)
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.above
  period              = 300
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.topic_arns
  ok_actions          = var.topic_arns
}

resource "aws_cloudwatch_log_metric_filter" "stale" {
  name           = "${var.name}-evaluate-stale"
  log_group_name = var.evaluate_log_group
  pattern        = "\"burgee: stale\""

  metric_transformation {
    name      = "EvaluateStale"
    namespace = var.name
    value     = "1"
  }
}
