"""What to do about refusals of S3 that mean the same to those who read and those who write."""

from __future__ import annotations

# Refusals of who asks: other credentials may do.
OUTDATED = ("ExpiredToken", "InvalidToken", "TokenRefreshRequired", "InvalidAccessKeyId", "SignatureDoesNotMatch")

RENEW = "renew or replace it"
NO_BUCKET = "check the bucket's name in the URL of the store, and the endpoint"
WRONG_REGION = "say the bucket's region in the URL of the store, as ?region=eu-central-1, or set AWS_REGION"
MISSING_OR_DENIED = "without s3:ListBucket on the bucket an object that is missing is refused in the same words"
