output "name" {
  description = "Name of the bucket, once its policy and versions are in force."
  value       = aws_s3_bucket_versioning.this.bucket
}

output "arn" {
  description = "ARN of the bucket."
  value       = aws_s3_bucket.this.arn
}

output "domain" {
  description = "Where Amazon has the bucket's objects."
  value       = aws_s3_bucket.this.bucket_regional_domain_name
}

output "policy" {
  description = "The bucket's policy; null without one."
  value       = one(aws_s3_bucket_policy.this[*].policy)
}
