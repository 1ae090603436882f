# Tokens, what functions are told and what they may do. Nothing is made: the provider is a mock, and no package is handed
# over.

mock_provider "azurerm" {
  mock_resource "azurerm_storage_account" {
    defaults = {
      primary_blob_endpoint  = "https://acmeflags.blob.core.windows.net/"
      primary_queue_endpoint = "https://acmeflags.queue.core.windows.net/"
    }
  }

  mock_resource "azurerm_key_vault_secret" {
    defaults = { versionless_id = "https://burgee.vault.azure.net/secrets/one" }
  }
}

variables {
  subscription = "00000000-0000-0000-0000-000000000000"
  location     = "westeurope"
  repository   = "https://github.com/acme/flags.git"
  deploys      = false

  # What was made can be taken away again at the end.
  force_destroy = true
}

run "one_token_is_made_and_evaluate_knows_its_digest" {
  assert {
    condition     = local.environments.evaluate.BURGEE_TOKENS == "sha256:${nonsensitive(sha256(random_password.client_token[0].result))}"
    error_message = "it is another one's digest"
  }

  assert {
    condition     = local.environments.evaluate.BURGEE_AUTH == "token" && output.client_token_secret == "client-token"
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

run "functions_are_told_of_the_queue_and_of_where_secrets_are" {
  assert {
    condition     = local.environments.webhook.BURGEE_QUEUE == "https://acmeflags.queue.core.windows.net/burgee" && local.environments.publish.BURGEE_DEAD_LETTERS == "https://acmeflags.queue.core.windows.net/burgee-poison"
    error_message = "the queue is ${local.environments.webhook.BURGEE_QUEUE}, its dead letters are in ${local.environments.publish.BURGEE_DEAD_LETTERS}"
  }

  assert {
    condition     = local.environments.webhook.BURGEE_WEBHOOK_SECRET == "@Microsoft.KeyVault(SecretUri=https://burgee.vault.azure.net/secrets/one)"
    error_message = "it is ${local.environments.webhook.BURGEE_WEBHOOK_SECRET}"
  }

  assert {
    condition     = local.environments.publish.AzureFunctionsJobHost__extensions__queues__maxDequeueCount == local.environments.publish.BURGEE_TRIES
    error_message = "the host gives up at another try than publish does"
  }

  assert {
    condition     = local.environments.publish.RECONCILE_SCHEDULE == "0 */5 * * * *" && local.environments.publish.BurgeeQueue__queueServiceUri == "https://acmeflags.queue.core.windows.net"
    error_message = "the host waits for another queue, or the timer for another minute"
  }
}

run "what_is_not_set_is_left_out" {
  variables {
    store      = { account = "acmeflags", prefix = "shop" }
    publishing = { git_host = "gitea" }
  }

  assert {
    condition     = output.store == "azblob://acmeflags/flags/shop"
    error_message = "it is ${output.store}"
  }

  assert {
    condition = [for name in keys(local.environments.publish) : name if startswith(name, "BURGEE_")] == [
      "BURGEE_DEAD_LETTERS", "BURGEE_GIT_HOST", "BURGEE_GIT_TOKEN", "BURGEE_QUEUE", "BURGEE_REPOSITORY", "BURGEE_STORE", "BURGEE_TRIES",
    ]
    error_message = join(" ", keys(local.environments.publish))
  }
}

run "each_function_may_do_what_it_has_to_and_no_more" {
  variables {
    publishing = { refresh_urls = ["https://flags.example.org/hooks/refresh"] }
    store      = { prefix = "shop" }
  }

  assert {
    condition     = keys(local.functions.evaluate.rights) == ["store"] && local.functions.evaluate.rights.store.role_id == module.store.reads
    error_message = "evaluate: ${join(" ", keys(local.functions.evaluate.rights))}"
  }

  assert {
    condition     = keys(local.functions.publish.rights) == ["dead_letters", "queue", "refresh_secret", "secret", "store"] && local.functions.publish.rights.store.role_id == module.store.writes
    error_message = "publish: ${join(" ", keys(local.functions.publish.rights))}"
  }

  assert {
    condition     = keys(local.functions.webhook.rights) == ["index", "queue", "secret"] && endswith(local.functions.webhook.rights.index.condition, "StringEquals 'shop/environments/index.json'")
    error_message = "webhook: ${local.functions.webhook.rights.index.condition}"
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
    condition     = local.environments.publish.BURGEE_OCI_USERNAME == "robot$acme+flags" && local.environments.publish.BURGEE_OCI_PASSWORD == "@Microsoft.KeyVault(SecretUri=https://burgee.vault.azure.net/secrets/one)"
    error_message = "publish cannot log in"
  }

  assert {
    condition     = [for name, function in local.functions : name if can(function.rights.registry_password)] == ["publish"] && local.functions.publish.rights.registry_password.scope == module.registry_password[0].scope
    error_message = "publish may not read the password, or another function may"
  }

  assert {
    condition     = local.functions.publish.rotations.registry_password == 2
    error_message = "publish is not told to read the password anew"
  }

  assert {
    condition     = [for name, variables in local.environments : name if can(variables.BURGEE_OCI_USERNAME)] == ["publish"]
    error_message = "another function is told of the login"
  }

  assert {
    condition     = output.registry_password_secret == "registry-password" && strcontains(output.next_steps, "terraform apply\n\n   And the password of robot$acme+flags at the registry")
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
    publishing = { signing_keys = ["/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/keys/providers/Microsoft.KeyVault/vaults/Acme-Keys/keys/burgee"] }
    evaluation = { verify_keys = ["ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "ecdsa-p256-sha256:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB=="], verify_repository = "https://github.com/acme/flags" }
  }

  assert {
    condition     = local.environments.publish.BURGEE_SIGNING_KEYS == "azurekms://acme-keys.vault.azure.net/keys/burgee" && local.environments.publish.BURGEE_SIGNATURE_VALIDITY == "3600"
    error_message = "publish signs with ${local.environments.publish.BURGEE_SIGNING_KEYS}"
  }

  assert {
    condition     = [for name, right in local.functions.publish.rights : right if startswith(name, "signs_")] == [{ scope = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/keys/providers/Microsoft.KeyVault/vaults/Acme-Keys/keys/burgee", role_name = "Key Vault Crypto User" }]
    error_message = "publish may not sign, or more than that"
  }

  assert {
    condition     = length(regexall("Crypto", jsonencode([local.functions.webhook.rights, local.functions.evaluate.rights]))) == 0
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
  assert {
    condition     = length(local.forms) == 0 && length(regexall("SIGN|VERIFY", jsonencode(local.environments))) == 0
    error_message = "a function is told of keys that nobody named"
  }
}
