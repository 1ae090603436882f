"""burgee on AWS, as Terraform deploys it, on one machine: `make aws-local`."""
