# One deployment: a repository, a store in a bucket, and the three functions between them and whoever asks.
#
# Everything is encrypted with keys that Amazon holds. Keys of one's own would need rights in every role, money for every
# one of them, and protect from nobody who may use these roles.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  account  = data.aws_caller_identity.current.account_id
  manifest = jsondecode(file("${var.packages}/manifest.json"))
  packages = {
    for name, function in local.manifest.functions : name => {
      file    = "${var.packages}/${function.zip}"
      sha256  = function.sha256
      handler = function.handler
    }
  }

  # Known before anything is made, so that rights do not wait for the bucket.
  bucket     = coalesce(var.store.bucket, "${var.name}-${local.account}-${var.region}")
  path       = var.store.prefix == "" ? "" : "${var.store.prefix}/"
  bucket_arn = "arn:${data.aws_partition.current.partition}:s3:::${local.bucket}"
  objects    = "${local.bucket_arn}/${local.path}"
  store      = "s3://${join("/", compact([local.bucket, var.store.prefix]))}?region=${var.region}"

  # Messages of one repository are worked one after the other.
  group = sha256(var.repository)

  tries         = 5
  recovery_days = var.force_destroy ? 0 : 7

  # Each place that hangs takes seven seconds: half for the index, half for a head.
  evaluate_seconds = 10 + 7 * length(var.mirrors)

  # The package that brings what verifies is fifty times as large, and begins later.
  forms = length(var.evaluation.verify_keys) > 0 ? { evaluate = "evaluate-verify" } : {}

  signers = [for key in var.publishing.signing_keys : "awskms:///${key}"]

  # How URLs of mirrors are written, by their scheme: with another one evaluate would not start.
  mirror_prefix   = "(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*"
  mirror_endpoint = "endpoint=https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9_-]+)*"
  mirror_forms = {
    s3     = "^s3://[A-Za-z0-9._-]{3,255}${local.mirror_prefix}([?](region=[a-z0-9-]{1,40}(&${local.mirror_endpoint})?|${local.mirror_endpoint}))?$"
    azblob = "^azblob://[a-z0-9]{3,24}/[a-z0-9](-?[a-z0-9]){2,62}${local.mirror_prefix}([?]${local.mirror_endpoint})?$"
    gs     = "^gs://[a-z0-9._-]{3,222}${local.mirror_prefix}([?]${local.mirror_endpoint})?$"
    oci    = "^oci://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+([?]${local.mirror_endpoint})?$"
  }
}

# Publishing goes on without; commits get no status, and `burgee connect` asks for it.
check "git_host" {
  assert {
    condition     = var.publishing.git_host != null || can(regex("^https?://([^/]+[.])?(github[.]com|gitlab[.]com|bitbucket[.]org|codeberg[.]org|gitea[.]com|ghe[.]com)/", var.repository))
    error_message = "The URL of the repository does not say what kind of host it is at: set git_host in publishing to github, gitlab, gitea, forgejo or bitbucket."
  }
}

module "bucket" {
  source = "../modules/aws/bucket"

  name          = local.bucket
  path          = local.path
  public        = var.public_bucket
  tls_only      = !var.emulated
  force_destroy = var.force_destroy

  # moto forgets the number, for which the provider would wait in vain.
  kept_versions = var.emulated ? null : 10

  # Made last and so destroyed first: while it holds releases, nothing else is gone when that fails.
  depends_on = [module.alarms, module.function, module.git_token, module.queue, module.registry_password, module.timer, module.webhook_secret]
}

module "queue" {
  source = "../modules/aws/queue"

  name                     = var.name
  consumer                 = module.function["publish"].name
  consumer_timeout_seconds = var.publishing.timeout_seconds
  tries                    = local.tries
}

module "timer" {
  source = "../modules/aws/timer"

  name      = "${var.name}-timer"
  region    = var.region
  account   = local.account
  minutes   = var.reconcile_minutes
  queue_arn = module.queue.arn
  group     = local.group
}

locals {
  functions = {
    webhook = {
      description     = "Checks what the Git host tells, and queues it."
      memory_mb       = 256
      timeout_seconds = 20
      has_url         = true
      environment = {
        BURGEE_QUEUE              = module.queue.url
        BURGEE_REPOSITORY         = var.repository
        BURGEE_CONFIG_REF         = var.publishing.config_ref
        BURGEE_WEBHOOK_SECRET_ARN = module.webhook_secret.arn
      }
      rights = [
        { actions = ["sqs:SendMessage"], resources = [module.queue.arn] },
        { actions = ["s3:GetObject"], resources = ["${local.objects}environments/index.json"] },
        { actions = ["secretsmanager:GetSecretValue"], resources = [module.webhook_secret.arn] },
      ]
    }
    publish = {
      description          = "Publishes what the queue says may have moved."
      memory_mb            = var.publishing.memory_mb
      timeout_seconds      = var.publishing.timeout_seconds
      reserved_concurrency = var.publishing.reserved_concurrency
      environment = {
        BURGEE_QUEUE              = module.queue.url
        BURGEE_DEAD_LETTERS       = module.queue.dead_letters_url
        BURGEE_TRIES              = local.tries
        BURGEE_REPOSITORY         = var.repository
        BURGEE_CONFIG_REF         = var.publishing.config_ref
        BURGEE_GIT_HOST           = var.publishing.git_host
        BURGEE_GIT_API            = var.publishing.git_api
        BURGEE_GIT_TOKEN_ARN      = module.git_token.arn
        BURGEE_MIRRORS            = join(",", var.mirrors)
        BURGEE_ALLOWED_MIRRORS    = join(",", var.publishing.allowed_mirrors)
        BURGEE_OCI_USERNAME       = var.registry_username
        BURGEE_OCI_PASSWORD_ARN   = one(module.registry_password[*].arn)
        BURGEE_REFRESH_URLS       = join(",", var.publishing.refresh_urls)
        BURGEE_REFRESH_SECRET_ARN = one(module.refresh_secret[*].arn)
        BURGEE_SIGNING_KEYS       = join(",", local.signers)
        BURGEE_SIGNATURE_VALIDITY = length(local.signers) > 0 ? var.publishing.signature_validity_seconds : null
      }
      rights = concat([
        {
          actions = ["s3:GetObject", "s3:PutObject"]
          resources = [
            "${local.objects}blobs/*",
            "${local.objects}environments/*",
            "${local.objects}probe.json",
          ]
        },
        # Without it an object that is missing is refused like one that may not be read.
        { actions = ["s3:ListBucket"], resources = [local.bucket_arn] },
        {
          actions = [
            "sqs:ChangeMessageVisibility",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ReceiveMessage",
          ]
          resources = [module.queue.arn]
        },
        { actions = ["sqs:SendMessage"], resources = [module.queue.dead_letters_arn] },
        {
          actions   = ["secretsmanager:GetSecretValue"]
          resources = concat([module.git_token.arn], module.refresh_secret[*].arn, module.registry_password[*].arn)
        },
      ], [for key in var.publishing.signing_keys : { actions = ["kms:GetPublicKey", "kms:Sign"], resources = [key] }])
    }
    evaluate = {
      description     = "Answers what a flag is, for Flipt's and OpenFeature's clients."
      memory_mb       = var.evaluation.memory_mb
      timeout_seconds = local.evaluate_seconds
      has_url         = true
      environment = {
        BURGEE_MIRRORS           = join(",", var.mirrors)
        BURGEE_AUTH              = var.public_evaluation ? "none" : "token"
        BURGEE_TOKENS            = join(",", local.tokens)
        BURGEE_TTL               = var.evaluation.ttl_seconds
        BURGEE_ENVIRONMENT       = var.evaluation.environment
        BURGEE_CORS_ORIGINS      = join(",", var.evaluation.cors_origins)
        BURGEE_KEEP              = "/tmp/burgee"
        BURGEE_VERIFY_KEYS       = join(",", var.evaluation.verify_keys)
        BURGEE_VERIFY_REPOSITORY = var.evaluation.verify_repository
      }
      rights = [
        { actions = ["s3:GetObject"], resources = ["${local.objects}blobs/*", "${local.objects}environments/*"] },
        { actions = ["s3:ListBucket"], resources = [local.bucket_arn] },
      ]
    }
  }

  powertools = {
    for name in ["webhook", "publish"] : name => {
      POWERTOOLS_SERVICE_NAME      = name
      POWERTOOLS_METRICS_NAMESPACE = var.name
      POWERTOOLS_LOG_LEVEL         = "INFO"
    }
  }

  # What is not set is left out.
  environments = {
    for name, function in local.functions : name => {
      for variable, value in merge(function.environment, lookup(local.powertools, name, {}), { BURGEE_STORE = local.store }) :
      variable => tostring(value) if value != null && value != ""
    }
  }
}

module "function" {
  source   = "../modules/aws/function"
  for_each = local.functions

  name                 = "${var.name}-${each.key}"
  description          = each.value.description
  region               = var.region
  package              = local.packages[lookup(local.forms, each.key, each.key)]
  runtime              = "python${local.manifest.python}"
  architecture         = local.manifest.architecture
  memory_mb            = each.value.memory_mb
  timeout_seconds      = each.value.timeout_seconds
  environment          = local.environments[each.key]
  rights               = each.value.rights
  has_url              = lookup(each.value, "has_url", false)
  reserved_concurrency = lookup(each.value, "reserved_concurrency", null)
  log_retention_days   = var.log_retention_days
}

module "webhook_secret" {
  source = "../modules/aws/secret"

  name          = "${var.name}-webhook-secret"
  description   = "What the Git host signs deliveries to ${var.name} with. Made by Terraform; `burgee connect --secret-arn` gives it to the host."
  rotation      = var.rotations.webhook_secret
  recovery_days = local.recovery_days
}

module "git_token" {
  source = "../modules/aws/secret"

  name          = "${var.name}-git-token"
  description   = "Token with which ${var.name} reads ${var.repository} and writes commit statuses. Empty until a person puts it there with `aws secretsmanager put-secret-value`."
  recovery_days = local.recovery_days
}

module "refresh_secret" {
  source = "../modules/aws/secret"
  count  = length(var.publishing.refresh_urls) > 0 ? 1 : 0

  name          = "${var.name}-refresh-secret"
  description   = "What ${var.name} signs refresh hooks with. Made by Terraform; self-hosted readers need it as BURGEE_REFRESH_SECRET."
  rotation      = var.rotations.refresh_secret
  recovery_days = local.recovery_days
}

module "registry_password" {
  source = "../modules/aws/secret"
  count  = var.registry_username == null ? 0 : 1

  name          = "${var.name}-registry-password"
  description   = "Password with which ${var.name} writes to registries that are its mirrors. Empty until a person puts it there with `aws secretsmanager put-secret-value`."
  recovery_days = local.recovery_days
}

# The one client token that is made when none is given. Its digest is a variable of evaluate, and a digest can be made
# of what the state holds alone: whoever does not want it there gives client_tokens.
locals {
  makes_token = !var.public_evaluation && length(var.client_tokens) == 0
  made        = [for token in aws_secretsmanager_secret_version.client_token : "sha256:${nonsensitive(sha256(token.secret_string))}"]
  tokens      = local.makes_token ? local.made : var.client_tokens
}

data "aws_secretsmanager_random_password" "client_token" {
  count = local.makes_token ? 1 : 0

  password_length     = 48
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret" "client_token" {
  #checkov:skip=CKV_AWS_149: as with the other secrets
  #checkov:skip=CKV2_AWS_57: clients hold its other half; a new number in rotations makes another one
  count = local.makes_token ? 1 : 0

  name_prefix             = "${var.name}-client-token-"
  description             = "Token with which clients ask ${var.name} to evaluate. Made by Terraform."
  recovery_window_in_days = local.recovery_days
}

resource "aws_secretsmanager_secret_version" "client_token" {
  count = local.makes_token ? 1 : 0

  secret_id     = aws_secretsmanager_secret.client_token[0].id
  secret_string = data.aws_secretsmanager_random_password.client_token[0].random_password

  lifecycle {
    # Another password is made each time; the first one holds.
    ignore_changes       = [secret_string]
    replace_triggered_by = [terraform_data.client_token]
  }
}

resource "terraform_data" "client_token" {
  count = local.makes_token ? 1 : 0

  input = var.rotations.client_token
}

module "alarms" {
  source = "../modules/aws/alarms"

  name                   = var.name
  topic_arns             = var.alarm_topic_arns
  publish                = module.function["publish"].name
  webhook                = module.function["webhook"].name
  evaluate               = module.function["evaluate"].name
  evaluate_log_group     = module.function["evaluate"].log_group
  queue                  = module.queue.name
  dead_letters           = module.queue.dead_letters_name
  oldest_message_seconds = 900
}
