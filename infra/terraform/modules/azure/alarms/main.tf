# What somebody has to look at. Azure has no metric of one queue's length, so that every alarm is a question to the log.

locals {
  alarms = {
    dead-letters = {
      description = "Messages could not be worked: see their `reason`, mend it, and start a redrive."
      query       = "${local.lines.publish} | where line.metric == 'DeadLetters' or message has 'Moving message to queue'"
      operator    = "GreaterThan"
      than        = 0
      window      = "PT5M"
    }
    publish-silent = {
      description = "Publish has done nothing for long, not even what the timer tells it: does it start, and does it get messages?"
      query       = "${local.lines.publish} | where line.message == 'job done'"
      operator    = "LessThan"
      than        = 1
      window      = var.silence
    }
    publish-errors = {
      description = "A try of publish ended in an error, one that is made again included, or ran out of time: see its log."
      query       = "requests | where cloud_RoleName =~ '${var.publish}' and success == false"
      operator    = "GreaterThan"
      than        = 0
      window      = "PT5M"
    }
    publish-failed = {
      description = "Publish could not do what it was told: see its log. Mistakes in flag files do not count."
      query       = "${local.lines.publish} | where line.metric == 'PublishFailed'"
      operator    = "GreaterThan"
      than        = 0
      window      = "PT5M"
    }
    webhook-errors = {
      description = "The webhook answered with an error of its own: the Git host's deliveries may have been lost until the timer's next look."
      query       = "requests | where cloud_RoleName =~ '${var.webhook}' and toint(resultCode) >= 500"
      operator    = "GreaterThan"
      than        = 0
      window      = "PT5M"
    }
    evaluate-errors = {
      description = "Evaluate answered with an error of its own, or has nothing to answer from: see its log."
      query       = "requests | where cloud_RoleName =~ '${var.evaluate}' and toint(resultCode) >= 500"
      operator    = "GreaterThan"
      than        = 0
      window      = "PT5M"
    }
    evaluate-stale = {
      description = "Evaluate answers from releases that it could not renew: can it read the container?"
      query       = "${local.lines.evaluate} | where message has 'burgee: stale'"
      operator    = "GreaterThan"
      than        = 0
      window      = "PT5M"
    }
  }

  lines = {
    for function, name in { publish = var.publish, evaluate = var.evaluate } :
    function => "traces | where cloud_RoleName =~ '${name}' | extend line = parse_json(message)"
  }
}

resource "azurerm_monitor_scheduled_query_rules_alert_v2" "this" {
  for_each = local.alarms

  name                    = "${var.name}-${each.key}"
  resource_group_name     = var.resource_group
  location                = var.location
  tags                    = var.tags
  description             = each.value.description
  scopes                  = [var.insights_id]
  severity                = 2
  evaluation_frequency    = "PT5M"
  window_duration         = each.value.window
  auto_mitigation_enabled = true

  criteria {
    query                   = each.value.query
    time_aggregation_method = "Count"
    operator                = each.value.operator
    threshold               = each.value.than
  }

  action {
    action_groups = var.action_groups
  }
}
