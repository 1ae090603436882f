# What was accepted, in order, until it is done; and what could not be done.

resource "aws_sqs_queue" "this" {
  name                        = "${var.name}.fifo"
  fifo_queue                  = true
  content_based_deduplication = true
  sqs_managed_sse_enabled     = true
  message_retention_seconds   = local.fourteen_days

  # Amazon's advice is six times, so that nothing is received twice while it is tried again. That does no harm here, and
  # after a crash the whole group waits for this time.
  visibility_timeout_seconds = 2 * var.consumer_timeout_seconds

  lifecycle {
    # It is of the resource below, and not every server gives it back in the same bytes.
    ignore_changes = [redrive_policy]
  }
}

resource "aws_sqs_queue" "dead_letters" {
  name                        = "${var.name}-dead-letters.fifo"
  fifo_queue                  = true
  content_based_deduplication = true
  sqs_managed_sse_enabled     = true
  message_retention_seconds   = local.fourteen_days
}

# By itself, so that both queues are made at the same time: the provider waits half a minute for each.
resource "aws_sqs_queue_redrive_policy" "this" {
  queue_url = aws_sqs_queue.this.url
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = var.tries
  })
}

resource "aws_lambda_event_source_mapping" "this" {
  event_source_arn        = aws_sqs_queue.this.arn
  function_name           = var.consumer
  batch_size              = 10
  function_response_types = ["ReportBatchItemFailures"]
}

locals {
  # The most that SQS has.
  fourteen_days = 14 * 24 * 3600
}
