# A function from a zip, with a role that may do what is listed, and a log that ends.

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_158: the service's own key encrypts it; a log holds no secrets and no evaluation contexts
  #checkov:skip=CKV_AWS_338: log_retention_days is the team's choice
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention_days
}

resource "aws_iam_role" "this" {
  name        = "${var.name}-${var.region}"
  description = "What the function ${var.name} may do."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  name = "rights"
  role = aws_iam_role.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for right in concat(var.rights, [local.writes_its_log]) : {
        Effect   = "Allow"
        Action   = right.actions
        Resource = right.resources
      }
    ]
  })
}

locals {
  writes_its_log = {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.this.arn}:*"]
  }
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_50: tracing is another library in every cold start; the log has what one invocation did
  #checkov:skip=CKV_AWS_116: nothing invokes it asynchronously; what publish could not do is in the queue's dead letters
  #checkov:skip=CKV_AWS_117: it reads from public services and Amazon's; in a VPC it would need a NAT gateway
  #checkov:skip=CKV_AWS_173: no variable is secret: secrets are named by ARN, tokens are digests
  #checkov:skip=CKV_AWS_272: who may change the function may sign too; the manifest's digest is checked below
  function_name                  = var.name
  description                    = var.description
  role                           = aws_iam_role.this.arn
  filename                       = var.package.file
  source_code_hash               = filebase64sha256(var.package.file)
  handler                        = var.package.handler
  runtime                        = var.runtime
  architectures                  = [var.architecture]
  memory_size                    = var.memory_mb
  timeout                        = var.timeout_seconds
  reserved_concurrent_executions = coalesce(var.reserved_concurrency, -1)

  environment {
    variables = var.environment
  }

  lifecycle {
    precondition {
      condition     = filesha256(var.package.file) == var.package.sha256
      error_message = "${var.package.file} is not the zip that manifest.json speaks of; make both again with `make package`."
    }
  }

  # Lambda would make the log group itself, without an end, and an event source is refused until the role may read it.
  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy.this]
}

# Everybody may ask: the function itself knows senders by signature and clients by token, which IAM does not know. It
# answers CORS itself too, so the URL has none.
resource "aws_lambda_function_url" "this" {
  #checkov:skip=CKV_AWS_258: Git hosts and SDKs cannot sign for IAM; the function checks signatures and tokens
  count = var.has_url ? 1 : 0

  function_name      = aws_lambda_function.this.function_name
  authorization_type = "NONE"
}

resource "aws_lambda_permission" "url" {
  #checkov:skip=CKV_AWS_301: a URL for Git hosts and SDKs is public
  count = var.has_url ? 1 : 0

  statement_id           = "everybody-asks-the-url"
  action                 = "lambda:InvokeFunctionUrl"
  function_name          = aws_lambda_function_url.this[0].function_name
  function_url_auth_type = "NONE"
  principal              = "*"
}

# URLs made since October 2025 want this permission as well. Later versions 6 of the provider can bind it to the URL
# (`invoked_via_function_url`), version 5 cannot. Without the condition other AWS accounts may invoke the function
# directly. That gives them no more than the URL does: whatever an event holds is a stranger's there as well, and counts
# by the signature over its body or by its token alone. What comes back is the same answer.
resource "aws_lambda_permission" "function" {
  #checkov:skip=CKV_AWS_301: a URL for Git hosts and SDKs is public
  count = var.has_url ? 1 : 0

  statement_id  = "everybody-asks-the-function"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function_url.this[0].function_name
  principal     = "*"
}
