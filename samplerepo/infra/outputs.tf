output "pictures_bucket" {
  description = "Name of the bucket that holds the pictures."
  value       = aws_s3_bucket.pictures.bucket
}
