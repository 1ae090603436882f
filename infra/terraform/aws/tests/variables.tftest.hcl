# What is refused before anything is made. Each run gives as many wrong values as there are variables for them.

variables {
  region     = "eu-central-1"
  repository = "https://github.com/acme/flags.git"
  emulated   = true
}

run "names_and_addresses_that_would_fail_later" {
  command = plan

  variables {
    name             = "Flags of the shop"
    region           = "Frankfurt"
    repository       = "git@git.example.org:acme/flags.git"
    store            = { bucket = "flags.example.org" }
    alarm_topic_arns = ["on-call@example.org"]
    packages         = "tests"
  }

  expect_failures = [var.name, var.region, var.repository, var.store, var.alarm_topic_arns, var.packages]
}

run "secrets_where_they_do_not_belong_and_hosts_that_nobody_knows" {
  command = plan

  variables {
    publishing    = { git_host = "sourceforge" }
    repository    = "https://user:token@git.example.org/acme/flags.git"
    client_tokens = ["my client token"]
  }

  expect_failures = [var.publishing, var.repository, var.client_tokens]
}

run "values_that_the_functions_would_refuse" {
  command = plan

  variables {
    store              = { prefix = "shop/" }
    evaluation         = { cors_origins = ["https://shop.example.org/"] }
    reconcile_minutes  = 0.5
    log_retention_days = 42
  }

  expect_failures = [var.store, var.evaluation, var.reconcile_minutes, var.log_retention_days]
}

run "tokens_that_nobody_would_check" {
  command = plan

  variables {
    public_evaluation = true
    client_tokens     = ["sha256:0000000000000000000000000000000000000000000000000000000000000000"]
  }

  expect_failures = [var.client_tokens]
}

run "tokens_and_addresses_with_which_functions_would_not_start" {
  command = plan

  variables {
    repository    = "https://github.com/flags"
    store         = { prefix = "a/../b" }
    publishing    = { git_api = "https://git.example.org/api/v1?x=1" }
    client_tokens = ["sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 production/* expires=2027-13-45"]
  }

  expect_failures = [var.repository, var.store, var.publishing, var.client_tokens]
}

run "repositories_whose_names_a_shell_would_read" {
  command = plan

  variables {
    repository    = "https://github.com/acme/fl$(id)ags"
    client_tokens = ["sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 PRODUCTION/*"]
  }

  expect_failures = [var.repository, var.client_tokens]
}

run "tokens_as_they_are_printed" {
  command = plan

  variables {
    client_tokens = ["sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 production/* staging/mobile +history expires=2027-06-30T12:00:00Z"]
  }

  assert {
    condition     = strcontains(local.environments.evaluate.BURGEE_TOKENS, "expires=2027-06-30T12:00:00Z")
    error_message = "an entry with scopes and an instant is not taken"
  }
}

run "mirrors_with_credentials" {
  command = plan

  variables {
    mirrors = ["s3://acme-flags", "oci://bot:password@ghcr.io/acme/flags"]
  }

  expect_failures = [var.mirrors]
}

run "mirrors_that_are_two" {
  command = plan

  variables {
    mirrors = ["s3://acme-flags", "gs://acme-flags/shop,s3://acme-flags/shop"]
  }

  expect_failures = [var.mirrors]
}

run "mirrors_that_a_publisher_cannot_write" {
  command = plan

  variables {
    mirrors = ["s3://acme-flags", "https://flags.example.org"]
  }

  expect_failures = [var.mirrors]
}

run "mirrors_that_are_one_bundle" {
  command = plan

  variables {
    mirrors = ["s3://acme-flags", "oci://ghcr.io/acme/flags:production"]
  }

  expect_failures = [var.mirrors]
}

run "mirrors_with_a_query_of_another_scheme" {
  command = plan

  variables {
    mirrors = ["s3://acme-flags", "gs://acme-flags/shop?region=europe-west1"]
  }

  expect_failures = [var.mirrors]
}

run "mirrors_with_a_blank" {
  command = plan

  variables {
    mirrors = ["s3://acme-flags", "azblob://acmeflags/flags/the shop"]
  }

  expect_failures = [var.mirrors]
}

run "a_login_that_no_registry_would_be_shown" {
  command = plan

  variables {
    mirrors           = ["s3://acme-flags/shop"]
    publishing        = { allowed_mirrors = ["gs://acme-*"] }
    registry_username = "acme-bot"
  }

  expect_failures = [var.registry_username]
}

run "a_login_with_its_password" {
  command = plan

  variables {
    mirrors           = ["oci://ghcr.io/acme/flags"]
    registry_username = "acme-bot:password"
  }

  expect_failures = [var.registry_username]
}

run "mirrors_that_lambda_could_not_hold" {
  command = plan

  variables {
    mirrors = [for number in range(20) : "s3://acme-flags-mirror/number/${number}"]
  }

  expect_failures = [var.mirrors]
}

run "keys_that_are_none" {
  command = plan

  variables {
    publishing = { signing_keys = ["alias/burgee"] }
    evaluation = { verify_keys = ["-----BEGIN PRIVATE KEY-----"] }
  }

  expect_failures = [var.publishing, var.evaluation]
}

run "signatures_that_end_before_anybody_signs_anew" {
  command = plan

  variables {
    publishing        = { signing_keys = ["arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"], signature_validity_seconds = 600 }
    evaluation        = { verify_repository = "https://github.com/acme/flags" }
    reconcile_minutes = 5
  }

  expect_failures = [var.publishing, var.evaluation]
}
