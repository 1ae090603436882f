# What is refused before anything is made. Each run gives as many wrong values as there are variables for them.

mock_provider "google" {}

variables {
  project    = "acme-flags"
  region     = "europe-west1"
  repository = "https://github.com/acme/flags.git"
}

run "names_and_addresses_that_would_fail_later" {
  command = plan

  variables {
    name           = "Flags of the shop"
    project        = "Acme Flags"
    region         = "Belgium"
    repository     = "git@git.example.org:acme/flags.git"
    store          = { bucket = "flags.example.org" }
    alarm_channels = ["on-call@example.org"]
    packages       = "tests"
  }

  expect_failures = [var.name, var.project, var.region, var.repository, var.store, var.alarm_channels, var.packages]
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
    reconcile_minutes  = 7
    log_retention_days = 0
  }

  expect_failures = [var.store, var.evaluation, var.reconcile_minutes, var.log_retention_days]
}

run "sizes_that_the_platform_does_not_have" {
  command = plan

  variables {
    publishing = { memory_mb = 128 }
    evaluation = { memory_mb = 128 }
  }

  expect_failures = [var.publishing, var.evaluation]
}

run "tokens_that_nobody_would_check" {
  command = plan

  variables {
    public_evaluation = true
    client_tokens     = ["sha256:0000000000000000000000000000000000000000000000000000000000000000"]
  }

  expect_failures = [var.client_tokens]
}

run "a_git_host_that_nothing_says_the_kind_of" {
  command = plan

  variables {
    repository = "https://git.example.org/acme/flags.git"
  }

  expect_failures = [check.git_host]
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

run "keys_that_are_none" {
  command = plan

  variables {
    publishing = { signing_keys = ["projects/acme-keys/locations/europe/keyRings/flags/cryptoKeys/burgee"] }
    evaluation = { verify_keys = ["-----BEGIN PRIVATE KEY-----"] }
  }

  expect_failures = [var.publishing, var.evaluation]
}

run "signatures_that_end_before_anybody_signs_anew" {
  command = plan

  variables {
    publishing        = { signing_keys = ["projects/acme-keys/locations/europe/keyRings/flags/cryptoKeys/burgee/cryptoKeyVersions/1"], signature_validity_seconds = 600 }
    evaluation        = { verify_repository = "https://github.com/acme/flags" }
    reconcile_minutes = 5
  }

  expect_failures = [var.publishing, var.evaluation]
}
