# Tokens, the queue, the timer and the outputs. Nothing is made: the provider is a mock.

mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }

  mock_resource "google_cloudfunctions2_function" {
    defaults = { service_config = { uri = "https://burgee-abcdefghij-ew.a.run.app" } }
  }
}

variables {
  project    = "acme-flags"
  region     = "europe-west1"
  repository = "https://github.com/acme/flags.git"
}

run "one_token_is_made_and_evaluate_knows_its_digest" {
  assert {
    condition     = can(regex("^sha256:[0-9a-f]{64}$", local.environments.evaluate.BURGEE_TOKENS))
    error_message = "BURGEE_TOKENS is no digest"
  }

  assert {
    condition     = local.environments.evaluate.BURGEE_TOKENS == "sha256:${nonsensitive(sha256(random_password.client_token[0].result))}"
    error_message = "it is another one's digest"
  }

  assert {
    condition     = local.environments.evaluate.BURGEE_AUTH == "token" && output.client_token_secret == "burgee-client-token"
    error_message = "evaluate does not want a token, or clients cannot get theirs"
  }
}

run "given_tokens_count_and_none_is_made" {
  variables {
    client_tokens = [
      "sha256:0000000000000000000000000000000000000000000000000000000000000000 production/* expires=2027-06-30",
      "sha256:1111111111111111111111111111111111111111111111111111111111111111",
    ]
  }

  assert {
    condition     = local.environments.evaluate.BURGEE_TOKENS == join(",", var.client_tokens)
    error_message = "BURGEE_TOKENS is ${local.environments.evaluate.BURGEE_TOKENS}"
  }

  assert {
    condition     = length(random_password.client_token) == 0 && output.client_token_secret == null
    error_message = "a token was made as well"
  }
}

run "public_evaluation_has_no_tokens" {
  variables {
    public_evaluation = true
  }

  assert {
    condition     = local.environments.evaluate.BURGEE_AUTH == "none" && !can(local.environments.evaluate.BURGEE_TOKENS)
    error_message = "evaluate still wants a token"
  }
}

run "what_functions_are_told_of_the_queue_is_what_is_made" {
  assert {
    condition     = local.environments.webhook.BURGEE_QUEUE == "pubsub://acme-flags/burgee"
    error_message = "the webhook sends to ${local.environments.webhook.BURGEE_QUEUE}"
  }

  assert {
    condition     = endswith(local.environments.publish.BURGEE_QUEUE, "/burgee?subscription=${module.queue.subscription}")
    error_message = "publish works ${local.environments.publish.BURGEE_QUEUE}, and there is ${module.queue.subscription}"
  }

  assert {
    condition     = endswith(local.environments.publish.BURGEE_DEAD_LETTERS, "/burgee-dead-letters?subscription=${module.queue.dead_letters}")
    error_message = "publish buries in ${local.environments.publish.BURGEE_DEAD_LETTERS}"
  }

  assert {
    condition     = jsondecode(module.timer.message) == { format = 1, cause = "timer", tick = "scheduler" } && module.timer.schedule == "*/5 * * * *"
    error_message = "the timer says ${module.timer.message} at ${module.timer.schedule}"
  }
}

run "what_is_not_set_is_left_out" {
  variables {
    store      = { bucket = "acme-store", prefix = "shop" }
    publishing = { git_host = "gitea", allowed_mirrors = ["s3://acme-*", "oci://ghcr.io/acme/*"] }
  }

  assert {
    condition     = output.store == "gs://acme-store/shop"
    error_message = "it is ${output.store}"
  }

  assert {
    condition = keys(local.environments.publish) == [
      "BURGEE_ALLOWED_MIRRORS", "BURGEE_DEAD_LETTERS", "BURGEE_GIT_HOST", "BURGEE_QUEUE", "BURGEE_REPOSITORY", "BURGEE_STORE", "BURGEE_TRIES", "GIT_TOKEN_ROTATION",
    ]
    error_message = join(" ", keys(local.environments.publish))
  }

  assert {
    condition     = keys(local.functions.publish.secrets) == ["BURGEE_GIT_TOKEN"] && keys(local.functions.webhook.secrets) == ["BURGEE_WEBHOOK_SECRET"] && length(local.functions.evaluate.secrets) == 0
    error_message = "a function is told of a secret that it does not need"
  }
}

run "refresh_hooks_are_signed" {
  variables {
    publishing = { refresh_urls = ["https://flags.example.org/hooks/refresh"] }
  }

  assert {
    condition     = keys(local.functions.publish.secrets) == ["BURGEE_GIT_TOKEN", "BURGEE_REFRESH_SECRET"] && output.refresh_secret == "burgee-refresh-secret"
    error_message = "publish does not know what to sign with"
  }
}

run "mirrors_are_told_to_both_and_the_login_to_publish" {
  variables {
    mirrors = [
      "s3://acme-flags-mirror/shop?region=us-east-1&endpoint=https://s3.example.org",
      "azblob://acmeflags/the-flags",
      "gs://acme_flags.example/shop?endpoint=http://10.0.0.7:4443",
      "oci://registry.example.org:5000/acme/flags_of.shop",
    ]
    registry_username = "robot$acme+flags"
    rotations         = { registry_password = 2 }
  }

  assert {
    condition     = alltrue([for name in ["publish", "evaluate"] : local.environments[name].BURGEE_MIRRORS == join(",", var.mirrors)]) && !can(local.environments.webhook.BURGEE_MIRRORS)
    error_message = "they are told otherwise"
  }

  assert {
    condition     = local.environments.publish.BURGEE_OCI_USERNAME == "robot$acme+flags" && local.functions.publish.secrets.BURGEE_OCI_PASSWORD.name == "burgee-registry-password"
    error_message = "publish cannot log in"
  }

  assert {
    condition     = [for name, function in local.functions : name if can(function.secrets.BURGEE_OCI_PASSWORD)] == ["publish"]
    error_message = "another function is told of the password"
  }

  assert {
    condition     = local.environments.publish.REGISTRY_PASSWORD_ROTATION == "2" && local.functions.evaluate.timeout_seconds == 38
    error_message = "publish does not read the password anew, or evaluate has too little time for five places"
  }

  assert {
    condition     = [for name, variables in local.environments : name if can(variables.BURGEE_OCI_USERNAME)] == ["publish"]
    error_message = "another function is told of the login"
  }

  assert {
    condition     = output.registry_password_secret == "burgee-registry-password" && strcontains(output.next_steps, "terraform apply\n\n   And the password of robot$acme+flags at the registry")
    error_message = output.next_steps
  }
}

run "without_a_login_there_is_no_secret_for_one" {
  variables {
    mirrors = ["oci://ghcr.io/acme/flags"]
  }

  assert {
    condition     = length(module.registry_password) == 0 && output.registry_password_secret == null && !strcontains(output.next_steps, "And the password")
    error_message = "there is a secret that nobody reads"
  }
}

run "releases_are_signed_and_verified_by_the_keys_that_are_named" {
  variables {
    publishing = { signing_keys = ["projects/acme-keys/locations/europe/keyRings/flags/cryptoKeys/burgee/cryptoKeyVersions/1"] }
    evaluation = { verify_keys = ["ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "ecdsa-p256-sha256:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB=="], verify_repository = "https://github.com/acme/flags" }
  }

  assert {
    condition     = local.environments.publish.BURGEE_SIGNING_KEYS == "gcpkms://projects/acme-keys/locations/europe/keyRings/flags/cryptoKeys/burgee/cryptoKeyVersions/1" && local.environments.publish.BURGEE_SIGNATURE_VALIDITY == "3600"
    error_message = "publish signs with ${local.environments.publish.BURGEE_SIGNING_KEYS}"
  }

  assert {
    condition     = [for grant in google_kms_crypto_key_iam_member.signs : "${grant.crypto_key_id} ${grant.role} ${grant.member == local.identities["publish"].member}"] == ["projects/acme-keys/locations/europe/keyRings/flags/cryptoKeys/burgee roles/cloudkms.signerVerifier true"]
    error_message = "publish may not sign, or more than that"
  }

  assert {
    condition     = contains(keys(google_project_service.this), "cloudkms.googleapis.com")
    error_message = "nobody turns the service on"
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
  assert {
    condition     = length(local.forms) == 0 && length(regexall("SIGN|VERIFY", jsonencode(local.environments))) == 0
    error_message = "a function is told of keys that nobody named"
  }
}
