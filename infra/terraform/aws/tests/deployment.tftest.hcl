# Tokens, the timer and the outputs. As with the functions, AWS_ENDPOINT_URL names an emulator.

variables {
  region     = "eu-central-1"
  repository = "https://github.com/acme/flags.git"
  store      = { bucket = "acme-flags" }
  emulated   = true
}

run "one_token_is_made_and_evaluate_knows_its_digest" {
  command = plan

  assert {
    condition     = can(regex("^sha256:[0-9a-f]{64}$", local.environments.evaluate.BURGEE_TOKENS))
    error_message = "BURGEE_TOKENS is no digest"
  }

  assert {
    condition     = local.environments.evaluate.BURGEE_AUTH == "token"
    error_message = "evaluate does not want a token"
  }

  assert {
    condition     = length(aws_secretsmanager_secret.client_token) == 1
    error_message = "clients cannot get their token"
  }
}

run "given_tokens_count_and_none_is_made" {
  command = plan

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
    condition     = length(aws_secretsmanager_secret.client_token) == 0 && output.client_token_secret_arn == null
    error_message = "a token was made as well"
  }
}

run "public_evaluation_has_no_tokens" {
  command = plan

  variables {
    public_evaluation = true
  }

  assert {
    condition     = local.environments.evaluate.BURGEE_AUTH == "none" && !can(local.environments.evaluate.BURGEE_TOKENS)
    error_message = "evaluate still wants a token"
  }

  assert {
    condition     = length(aws_secretsmanager_secret.client_token) == 0
    error_message = "a token was made that nobody asks for"
  }
}

run "the_timer_the_bucket_and_the_store_are_as_said" {
  command = plan

  variables {
    reconcile_minutes = 1
  }

  assert {
    condition     = module.timer.message == "{\"format\":1,\"cause\":\"timer\",\"tick\":\"<aws.scheduler.scheduled-time>\"}"
    error_message = "it says ${module.timer.message}"
  }

  assert {
    condition     = module.bucket.policy == null && output.snapshots_url == null
    error_message = "the bucket's policy would deny it"
  }

  assert {
    condition     = output.store == "s3://acme-flags?region=eu-central-1"
    error_message = "it is ${output.store}"
  }
}
