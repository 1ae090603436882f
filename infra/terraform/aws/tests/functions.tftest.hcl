# What each function may do and what it is told. These plans read nothing but the account's number and random passwords, from an emulator
# that AWS_ENDPOINT_URL names; Terraform's mock providers cannot make passwords.

variables {
  region     = "eu-central-1"
  repository = "https://github.com/acme/flags.git"
  store      = { bucket = "acme-flags", prefix = "shop" }
  emulated   = true

  publishing = { refresh_urls = ["https://flags.example.org/hooks/refresh"] }
}

override_resource {
  target          = module.queue.aws_sqs_queue.this
  override_during = plan
  values          = { arn = "the-queue", url = "https://sqs.eu-central-1.amazonaws.com/123456789012/burgee.fifo" }
}

override_resource {
  target          = module.queue.aws_sqs_queue.dead_letters
  override_during = plan
  values          = { arn = "the-dead-letters", url = "https://sqs.eu-central-1.amazonaws.com/123456789012/burgee-dead-letters.fifo" }
}

override_resource {
  target          = module.webhook_secret.aws_secretsmanager_secret.this
  override_during = plan
  values          = { arn = "the-webhook-secret" }
}

override_resource {
  target          = module.git_token.aws_secretsmanager_secret.this
  override_during = plan
  values          = { arn = "the-git-token" }
}

override_resource {
  target          = module.refresh_secret[0].aws_secretsmanager_secret.this
  override_during = plan
  values          = { arn = "the-refresh-secret" }
}

override_resource {
  target          = module.registry_password[0].aws_secretsmanager_secret.this
  override_during = plan
  values          = { arn = "the-registry-password" }
}

run "each_function_may_do_what_it_has_to_and_nothing_else" {
  command = plan

  assert {
    condition = jsonencode(local.functions.evaluate.rights) == jsonencode([
      {
        actions   = ["s3:GetObject"]
        resources = ["arn:aws:s3:::acme-flags/shop/blobs/*", "arn:aws:s3:::acme-flags/shop/environments/*"]
      },
      { actions = ["s3:ListBucket"], resources = ["arn:aws:s3:::acme-flags"] },
    ])
    error_message = "evaluate may do something else"
  }

  assert {
    condition = jsonencode(local.functions.webhook.rights) == jsonencode([
      { actions = ["sqs:SendMessage"], resources = ["the-queue"] },
      { actions = ["s3:GetObject"], resources = ["arn:aws:s3:::acme-flags/shop/environments/index.json"] },
      { actions = ["secretsmanager:GetSecretValue"], resources = ["the-webhook-secret"] },
    ])
    error_message = "the webhook may do something else"
  }

  assert {
    condition = toset(flatten([for right in local.functions.publish.rights : setproduct(right.actions, right.resources)])) == toset(flatten([
      setproduct(["s3:GetObject", "s3:PutObject"], ["arn:aws:s3:::acme-flags/shop/blobs/*", "arn:aws:s3:::acme-flags/shop/environments/*", "arn:aws:s3:::acme-flags/shop/probe.json"]),
      setproduct(["s3:ListBucket"], ["arn:aws:s3:::acme-flags"]),
      setproduct(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"], ["the-queue"]),
      setproduct(["sqs:SendMessage"], ["the-dead-letters"]),
      setproduct(["secretsmanager:GetSecretValue"], ["the-git-token", "the-refresh-secret"]),
    ]))
    error_message = "publish may do something else"
  }

  assert {
    condition = alltrue(flatten([
      for function in local.functions : [
        for right in function.rights : concat(
          [for action in right.actions : !strcontains(action, "*") && !strcontains(action, "s3:Delete")],
          [for resource in right.resources : !startswith(resource, "*")],
        )
      ]
    ]))
    error_message = "a right is too wide"
  }
}

run "without_a_prefix_keys_begin_with_the_bucket" {
  command = plan

  variables {
    store = { bucket = "acme-flags" }
  }

  assert {
    condition     = local.functions.evaluate.rights[0].resources[0] == "arn:aws:s3:::acme-flags/blobs/*"
    error_message = "evaluate reads ${local.functions.evaluate.rights[0].resources[0]}"
  }
}

run "what_is_not_set_is_not_a_variable" {
  command = plan

  assert {
    condition     = join(" ", keys(local.environments.evaluate)) == "BURGEE_AUTH BURGEE_KEEP BURGEE_STORE BURGEE_TOKENS BURGEE_TTL"
    error_message = "evaluate has ${join(" ", keys(local.environments.evaluate))}"
  }

  assert {
    condition     = length(setintersection(keys(local.environments.publish), ["BURGEE_ALLOWED_MIRRORS", "BURGEE_CONFIG_REF", "BURGEE_GIT_API", "BURGEE_GIT_HOST"])) == 0
    error_message = "publish has ${join(" ", keys(local.environments.publish))}"
  }
}

run "what_is_set_reaches_the_functions" {
  command = plan

  variables {
    evaluation = { environment = "production", ttl_seconds = 2.5, cors_origins = ["https://shop.example.org", "http://localhost:*"] }
    publishing = {
      config_ref      = "release"
      git_host        = "gitea"
      git_api         = "https://git.example.org/api/v1"
      allowed_mirrors = ["gs://acme-*", "oci://registry.example.org/acme"]
      refresh_urls    = ["https://flags.example.org/hooks/refresh"]
    }
  }

  assert {
    condition = [for name in ["BURGEE_ENVIRONMENT", "BURGEE_TTL", "BURGEE_CORS_ORIGINS"] : local.environments.evaluate[name]] == [
      "production", "2.5", "https://shop.example.org,http://localhost:*",
    ]
    error_message = "evaluate is told otherwise"
  }

  assert {
    condition = [for name in ["BURGEE_CONFIG_REF", "BURGEE_GIT_HOST", "BURGEE_GIT_API", "BURGEE_ALLOWED_MIRRORS", "BURGEE_REFRESH_URLS"] : local.environments.publish[name]] == [
      "release", "gitea", "https://git.example.org/api/v1", "gs://acme-*,oci://registry.example.org/acme", "https://flags.example.org/hooks/refresh",
    ]
    error_message = "publish is told otherwise"
  }

  assert {
    condition     = local.environments.webhook.BURGEE_CONFIG_REF == "release" && local.environments.publish.POWERTOOLS_SERVICE_NAME == "publish"
    error_message = "the webhook or Powertools are told otherwise"
  }
}

run "mirrors_are_told_to_both_and_the_login_to_publish" {
  command = plan

  variables {
    mirrors = [
      "s3://acme-flags-mirror/shop?region=us-east-1&endpoint=https://s3.example.org",
      "azblob://acmeflags/the-flags",
      "gs://acme_flags.example/shop?endpoint=http://10.0.0.7:4443",
      "oci://registry.example.org:5000/acme/flags_of.shop",
    ]
    registry_username = "robot$acme+flags"
  }

  assert {
    condition     = alltrue([for name in ["publish", "evaluate"] : local.environments[name].BURGEE_MIRRORS == join(",", var.mirrors)]) && !can(local.environments.webhook.BURGEE_MIRRORS)
    error_message = "they are told otherwise"
  }

  assert {
    condition     = local.environments.publish.BURGEE_OCI_USERNAME == "robot$acme+flags" && local.environments.publish.BURGEE_OCI_PASSWORD_ARN == "the-registry-password"
    error_message = "publish cannot log in"
  }

  assert {
    condition     = [for name, variables in local.environments : name if length(regexall("OCI|registry-password", jsonencode(variables))) > 0] == ["publish"]
    error_message = "another function is told of the login"
  }

  assert {
    condition     = [for name, function in local.functions : name if strcontains(jsonencode(function.rights), "the-registry-password")] == ["publish"]
    error_message = "another function may read the password"
  }

  assert {
    condition     = local.functions.evaluate.timeout_seconds == 38 && output.registry_password_secret_arn == "the-registry-password"
    error_message = "evaluate has ${local.functions.evaluate.timeout_seconds} seconds for five places"
  }

  assert {
    condition     = strcontains(local.password_step, "--secret-id the-registry-password ") && startswith(local.password_step, "\n\n   And the password of robot$acme+flags")
    error_message = local.password_step
  }
}

run "without_a_login_there_is_no_secret_for_one" {
  command = plan

  variables {
    mirrors = ["oci://ghcr.io/acme/flags"]
  }

  assert {
    condition     = length(module.registry_password) == 0 && output.registry_password_secret_arn == null && local.password_step == ""
    error_message = "there is a secret that nobody reads"
  }
}

run "releases_are_signed_and_verified_by_the_keys_that_are_named" {
  command = plan

  variables {
    publishing = { signing_keys = ["arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"] }
    evaluation = { verify_keys = ["ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "ecdsa-p256-sha256:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB=="], verify_repository = "https://github.com/acme/flags" }
  }

  assert {
    condition     = local.environments.publish.BURGEE_SIGNING_KEYS == "awskms:///arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab" && local.environments.publish.BURGEE_SIGNATURE_VALIDITY == "3600"
    error_message = "publish signs with ${local.environments.publish.BURGEE_SIGNING_KEYS}"
  }

  assert {
    condition = jsonencode([for right in local.functions.publish.rights : right if strcontains(jsonencode(right), "kms")]) == jsonencode([
      { actions = ["kms:GetPublicKey", "kms:Sign"], resources = ["arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"] },
    ])
    error_message = "publish may not sign, or more than that"
  }

  assert {
    condition     = length(regexall("kms", jsonencode([local.functions.webhook.rights, local.functions.evaluate.rights]))) == 0
    error_message = "another function may sign"
  }

  assert {
    condition     = local.environments.evaluate.BURGEE_VERIFY_KEYS == join(",", var.evaluation.verify_keys) && local.environments.evaluate.BURGEE_VERIFY_REPOSITORY == "https://github.com/acme/flags"
    error_message = "evaluate verifies otherwise"
  }

  assert {
    condition     = lookup(local.forms, "evaluate", null) == "evaluate-verify" && [for name, variables in local.environments : name if can(variables.BURGEE_VERIFY_KEYS)] == ["evaluate"]
    error_message = "evaluate does not bring what verifies, or another function is told to"
  }
}

run "without_keys_nothing_is_signed_and_evaluate_is_the_small_one" {
  command = plan

  assert {
    condition     = length(local.forms) == 0 && length(regexall("SIGN|VERIFY", jsonencode(local.environments))) == 0
    error_message = "a function is told of keys that nobody named"
  }
}
