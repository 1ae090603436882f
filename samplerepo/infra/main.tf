provider "aws" {
  region = var.region

  default_tags {
    tags = {
      application = "harbour"
      environment = var.environment
    }
  }
}

# Pictures of what the shop sells.
resource "aws_s3_bucket" "pictures" {
  bucket = "harbour-pictures-${var.environment}"
}

resource "aws_s3_bucket_public_access_block" "pictures" {
  bucket                  = aws_s3_bucket.pictures.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "pictures" {
  bucket = aws_s3_bucket.pictures.id

  versioning_configuration {
    status = var.environment == "production" ? "Enabled" : "Suspended"
  }
}
