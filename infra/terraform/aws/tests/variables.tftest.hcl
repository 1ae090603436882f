# What is refused before anything is made. Each run gives as many wrong values as there are variables for them.

variables {
  region     = "eu-central-1"
  repository = "https://git.example.org/acme/flags.git"
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

run "secrets_where_they_do_not_belong" {
  command = plan

  variables {
    repository    = "https://user:token@git.example.org/acme/flags.git"
    client_tokens = ["my client token"]
  }

  expect_failures = [var.repository, var.client_tokens]
}

run "values_that_the_functions_would_refuse" {
  command = plan

  variables {
    store              = { prefix = "shop/" }
    publishing         = { git_host = "sourceforge" }
    evaluation         = { cors_origins = ["https://shop.example.org/"] }
    reconcile_minutes  = 0.5
    log_retention_days = 42
  }

  expect_failures = [var.store, var.publishing, var.evaluation, var.reconcile_minutes, var.log_retention_days]
}

run "tokens_that_nobody_would_check" {
  command = plan

  variables {
    public_evaluation = true
    client_tokens     = ["sha256:0000000000000000000000000000000000000000000000000000000000000000"]
  }

  expect_failures = [var.client_tokens]
}
