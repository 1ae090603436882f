# Reconciles what no event told: a message to the queue, again and again.

resource "aws_scheduler_schedule" "this" {
  #checkov:skip=CKV_AWS_297: the service's own key encrypts it; the message is a word and an instant
  name                = var.name
  description         = "Tells publish to look at the repository."
  schedule_expression = var.minutes == 1 ? "rate(1 minute)" : "rate(${var.minutes} minutes)"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = var.queue_arn
    role_arn = aws_iam_role.this.arn

    # Written out, for jsonencode would write `<` as an escape in which the scheduler does not find its attribute. The
    # instant makes each message another one: equal ones within five minutes would count as one.
    input = "{\"format\":1,\"cause\":\"timer\",\"tick\":\"<aws.scheduler.scheduled-time>\"}"

    sqs_parameters {
      message_group_id = var.group
    }

    # A tick that is late by a quarter of an hour has been overtaken by the next ones.
    retry_policy {
      maximum_event_age_in_seconds = 900
      maximum_retry_attempts       = 10
    }
  }

  depends_on = [aws_iam_role_policy.this]
}

resource "aws_iam_role" "this" {
  name        = "${var.name}-${var.region}"
  description = "What the schedule ${var.name} may do."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "scheduler.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = var.account } }
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  name = "rights"
  role = aws_iam_role.this.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["sqs:SendMessage"], Resource = [var.queue_arn] }]
  })
}
