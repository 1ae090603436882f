# Who may read the bucket. This module makes no passwords, so that a mock provider is enough.

mock_provider "aws" {
  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::acme-flags" }
  }
}

variables {
  name = "acme-flags"
  path = "shop/"
}

run "a_private_bucket_wants_tls_and_lets_nobody_else_in" {
  module {
    source = "../modules/aws/bucket"
  }

  assert {
    condition     = [for statement in jsondecode(output.policy).Statement : statement.Effect] == ["Deny"]
    error_message = "the policy is ${output.policy}"
  }

  assert {
    condition     = aws_s3_bucket_public_access_block.this.restrict_public_buckets && aws_s3_bucket_public_access_block.this.block_public_policy
    error_message = "a public policy would be let through"
  }

  assert {
    condition     = length(aws_s3_bucket_cors_configuration.this) == 0
    error_message = "pages may ask a private bucket"
  }
}

run "a_public_bucket_shows_what_clients_read_and_not_who_reads" {
  module {
    source = "../modules/aws/bucket"
  }

  variables {
    public   = true
    tls_only = false
  }

  assert {
    condition = jsondecode(output.policy).Statement == [{
      Sid       = "EverybodyReads"
      Effect    = "Allow"
      Principal = "*"
      Action    = "s3:GetObject"
      Resource = [
        "arn:aws:s3:::acme-flags/shop/blobs/*",
        "arn:aws:s3:::acme-flags/shop/environments/index.json",
        "arn:aws:s3:::acme-flags/shop/environments/*/head.json",
        "arn:aws:s3:::acme-flags/shop/environments/*/internal/*",
      ]
    }]
    error_message = "the policy is ${output.policy}"
  }

  assert {
    condition     = aws_s3_bucket_public_access_block.this.block_public_acls && aws_s3_bucket_public_access_block.this.ignore_public_acls
    error_message = "an ACL could make more of it public"
  }

  assert {
    condition     = one(aws_s3_bucket_cors_configuration.this[0].cors_rule).expose_headers == toset(["ETag"])
    error_message = "pages do not see ETags"
  }
}

run "blobs_never_expire" {
  module {
    source = "../modules/aws/bucket"
  }

  assert {
    condition = alltrue([
      for rule in aws_s3_bucket_lifecycle_configuration.this.rule :
      length(rule.expiration) + length(rule.noncurrent_version_expiration) == 0 || one(rule.filter).prefix == "shop/environments/" || length(one(rule.filter).tag) == 1
    ])
    error_message = "a rule takes blobs"
  }
}
