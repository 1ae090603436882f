# The bucket of a store. Nothing here lets anybody delete: releases and blobs are for ever.

locals {
  environments = "${aws_s3_bucket.this.arn}/${var.path}environments"

  # What clients read of a store. The log by number and `instances`, which says who reads, are not among it.
  readable = [
    "${aws_s3_bucket.this.arn}/${var.path}blobs/*",
    "${local.environments}/index.json",
    "${local.environments}/*/head.json",
    "${local.environments}/*/internal/*",
  ]

  tls_only = {
    Sid       = "TlsOnly"
    Effect    = "Deny"
    Principal = "*"
    Action    = "s3:*"
    Resource  = [aws_s3_bucket.this.arn, "${aws_s3_bucket.this.arn}/*"]
    Condition = { Bool = { "aws:SecureTransport" = "false" } }
  }

  everybody_reads = {
    Sid       = "EverybodyReads"
    Effect    = "Allow"
    Principal = "*"
    Action    = "s3:GetObject"
    Resource  = local.readable
  }

  statements = concat(
    [for statement in [local.tls_only] : statement if var.tls_only],
    [for statement in [local.everybody_reads] : statement if var.public],
  )
}

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_18: who reads is told by CloudTrail's data events where that is wanted; a bucket of logs is the account's to have
  #checkov:skip=CKV_AWS_144: a store is copied by mirrors, each with its own head; a replica would show half of a release
  #checkov:skip=CKV_AWS_145: SSE-S3 needs no rights to a key from readers; nothing in a store is secret to those who may read it
  #checkov:skip=CKV2_AWS_6: the block below lets a public policy through where public_bucket asks for it, and no ACL ever
  #checkov:skip=CKV2_AWS_62: nobody waits for events of this bucket; readers ask for the head
  bucket        = var.name
  force_destroy = var.force_destroy
}

# Versions let a head that somebody broke by hand be put back.
resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  #checkov:skip=CKV_AWS_54: only where public_bucket asks for it
  #checkov:skip=CKV_AWS_56: only where public_bucket asks for it
  bucket                  = aws_s3_bucket.this.id
  block_public_acls       = true
  ignore_public_acls      = true
  block_public_policy     = !var.public
  restrict_public_buckets = !var.public
}

resource "aws_s3_bucket_policy" "this" {
  count = length(local.statements) > 0 ? 1 : 0

  bucket = aws_s3_bucket.this.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = local.statements
  })

  # A public policy is refused while the block of public policies stands.
  depends_on = [aws_s3_bucket_public_access_block.this]
}

# Pages of any origin: what everybody may read, a page may read too. Flipt's client needs to see the ETag.
resource "aws_s3_bucket_cors_configuration" "this" {
  count = var.public ? 1 : 0

  bucket = aws_s3_bucket.this.id

  cors_rule {
    allowed_origins = ["*"]
    allowed_methods = ["GET", "HEAD"]
    allowed_headers = ["authorization", "cache-control", "if-none-match", "x-flipt-accept-server-version", "x-flipt-environment"]
    expose_headers  = ["ETag"]
    max_age_seconds = 300
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    id     = "incomplete-uploads"
    status = "Enabled"

    filter {
      prefix = var.path
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  # Heads, the index and static snapshots are replaced all the time. A rule cannot name them without `releases/`, for
  # its filter is a prefix without wildcards, and environments are named in the repository. But the newest of the replaced
  # versions stay in any case: a release is written once, so that one which somebody replaced by hand is kept.
  rule {
    id     = "replaced-versions"
    status = "Enabled"

    filter {
      prefix = "${var.path}environments/"
    }

    noncurrent_version_expiration {
      noncurrent_days           = 30
      newer_noncurrent_versions = var.kept_versions
    }

    expiration {
      expired_object_delete_marker = true
    }
  }

  # What readers say of themselves, `environments/*/instances/`, has no prefix of its own either: the tag is what a
  # writer of it has to give. Nothing writes it yet.
  rule {
    id     = "instances"
    status = "Enabled"

    filter {
      tag {
        key   = "burgee"
        value = "instance"
      }
    }

    expiration {
      days = 7
    }

    noncurrent_version_expiration {
      noncurrent_days = 1
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}
