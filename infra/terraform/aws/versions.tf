terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}

# The endpoint is Amazon's, or that of AWS_ENDPOINT_URL.
provider "aws" {
  region                      = var.region
  skip_credentials_validation = var.emulated
  skip_metadata_api_check     = var.emulated
  s3_use_path_style           = var.emulated

  default_tags {
    tags = merge({ burgee = var.name }, var.tags)
  }
}
