# One deployment: a repository, a store in a bucket, and the three functions between them and whoever asks.
#
# Everything is encrypted with keys that Google holds. Keys of one's own would need rights for every account, and protect
# from nobody who may work as one of them.

data "google_project" "this" {
  project_id = var.project

  depends_on = [google_project_service.this]
}

# They stay when this deployment goes: others in the project may use them.
resource "google_project_service" "this" {
  for_each = toset(concat([
    "artifactregistry.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudfunctions.googleapis.com",
    "cloudscheduler.googleapis.com",
    "iam.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "storage.googleapis.com",
  ], length(var.publishing.signing_keys) > 0 ? ["cloudkms.googleapis.com"] : []))

  service            = each.key
  disable_on_destroy = false
}

locals {
  manifest = jsondecode(file("${var.packages}/manifest.json"))
  packages = {
    for name, function in local.manifest.functions : name => {
      file        = "${var.packages}/${function.zip}"
      sha256      = function.sha256
      entry_point = trimprefix(function.handler, "main.")
    }
  }

  bucket = coalesce(var.store.bucket, "${var.name}-${var.project}")
  path   = var.store.prefix == "" ? "" : "${var.store.prefix}/"
  store  = "gs://${join("/", compact([local.bucket, var.store.prefix]))}"

  # As whom each function works; nobody else does.
  identities = google_service_account.function
  tries      = 5

  # Each place that hangs takes seven seconds: half for the index, half for a head.
  evaluate_seconds = 10 + 7 * length(var.mirrors)

  # The package that brings what verifies is fifty times as large, and begins later.
  forms = length(var.evaluation.verify_keys) > 0 ? { evaluate = "evaluate-verify" } : {}

  signers      = [for version in var.publishing.signing_keys : "gcpkms://${version}"]
  signing_keys = toset([for version in var.publishing.signing_keys : split("/cryptoKeyVersions/", version)[0]])

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

resource "google_service_account" "function" {
  for_each = toset(["evaluate", "publish", "webhook"])

  account_id   = "${var.name}-${each.key}"
  display_name = "The function ${each.key} of ${var.name}."

  depends_on = [google_project_service.this]
}

module "bucket" {
  source = "../modules/gcp/bucket"

  name          = local.bucket
  location      = var.region
  path          = local.path
  public        = var.public_bucket
  force_destroy = var.force_destroy
  role_prefix   = var.name
  reader        = local.identities["evaluate"].member
  index_reader  = local.identities["webhook"].member
  writer        = local.identities["publish"].member

  # Made last and so destroyed first: while it holds releases, nothing else is gone when that fails.
  depends_on = [module.alarms, module.function, module.git_token, module.logs, module.queue, module.registry_password, module.timer, module.webhook_secret]
}

resource "google_kms_crypto_key_iam_member" "signs" {
  for_each = local.signing_keys

  crypto_key_id = each.key
  role          = "roles/cloudkms.signerVerifier"
  member        = local.identities["publish"].member

  depends_on = [google_project_service.this]
}

module "queue" {
  source = "../modules/gcp/queue"

  name            = var.name
  region          = var.region
  project_number  = data.google_project.this.number
  sender          = local.identities["webhook"].member
  consumer        = module.function["publish"].name
  consumer_member = local.identities["publish"].member
  consumer_url    = module.function["publish"].url
  tries           = local.tries
}

module "timer" {
  source = "../modules/gcp/timer"

  name    = "${var.name}-timer"
  region  = var.region
  topic   = module.queue.topic
  minutes = var.reconcile_minutes
}

locals {
  # Names instead of what the queue's module gives, which waits for the functions' URLs.
  queue        = "pubsub://${var.project}/${var.name}"
  subscription = "${local.queue}?subscription=${var.name}-publish"
  dead_letters = "pubsub://${var.project}/${var.name}-dead-letters?subscription=${var.name}-dead-letters"

  optional_secrets = {
    BURGEE_REFRESH_SECRET = one(module.refresh_secret)
    BURGEE_OCI_PASSWORD   = one(module.registry_password)
  }

  functions = {
    webhook = {
      description     = "Checks what the Git host tells, and queues it."
      memory_mb       = 512
      timeout_seconds = 20
      instances       = 10
      concurrency     = 20
      environment = {
        BURGEE_QUEUE      = local.queue
        BURGEE_REPOSITORY = var.repository
        BURGEE_CONFIG_REF = var.publishing.config_ref
      }
      secrets = { BURGEE_WEBHOOK_SECRET = module.webhook_secret }
    }
    publish = {
      description     = "Publishes what the queue says may have moved."
      memory_mb       = var.publishing.memory_mb
      timeout_seconds = var.publishing.timeout_seconds
      instances       = 1
      concurrency     = 1
      environment = {
        BURGEE_QUEUE              = local.subscription
        BURGEE_DEAD_LETTERS       = local.dead_letters
        BURGEE_TRIES              = local.tries
        BURGEE_REPOSITORY         = var.repository
        BURGEE_CONFIG_REF         = var.publishing.config_ref
        BURGEE_GIT_HOST           = var.publishing.git_host
        BURGEE_GIT_API            = var.publishing.git_api
        BURGEE_MIRRORS            = join(",", var.mirrors)
        BURGEE_ALLOWED_MIRRORS    = join(",", var.publishing.allowed_mirrors)
        BURGEE_OCI_USERNAME       = var.registry_username
        BURGEE_REFRESH_URLS       = join(",", var.publishing.refresh_urls)
        BURGEE_SIGNING_KEYS       = join(",", local.signers)
        BURGEE_SIGNATURE_VALIDITY = length(local.signers) > 0 ? var.publishing.signature_validity_seconds : null

        # Another number starts publish anew, which then reads what a person put there.
        GIT_TOKEN_ROTATION         = var.rotations.git_token
        REGISTRY_PASSWORD_ROTATION = var.registry_username == null ? null : var.rotations.registry_password
      }
      secrets = merge(
        { BURGEE_GIT_TOKEN = module.git_token },
        { for name, secret in local.optional_secrets : name => secret if secret != null },
      )
    }
    evaluate = {
      description     = "Answers what a flag is, for Flipt's and OpenFeature's clients."
      memory_mb       = var.evaluation.memory_mb
      timeout_seconds = local.evaluate_seconds
      instances       = var.evaluation.instances
      concurrency     = var.evaluation.concurrency
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
      secrets = {}
    }
  }

  # What is not set is left out.
  environments = {
    for name, function in local.functions : name => {
      for variable, value in merge(function.environment, { BURGEE_STORE = local.store }) :
      variable => tostring(value) if value != null && value != ""
    }
  }
}

module "function" {
  source   = "../modules/gcp/function"
  for_each = toset(["evaluate", "publish", "webhook"])

  name            = "${var.name}-${each.key}"
  description     = local.functions[each.key].description
  project         = var.project
  region          = var.region
  package         = local.packages[lookup(local.forms, each.key, each.key)]
  packages_bucket = google_storage_bucket.packages.name
  builder         = google_service_account.builder.id
  images          = google_artifact_registry_repository.images.id
  runtime         = "python${replace(local.manifest.python, ".", "")}"
  identity        = local.identities[each.key].email
  memory_mb       = local.functions[each.key].memory_mb
  timeout_seconds = local.functions[each.key].timeout_seconds
  instances       = local.functions[each.key].instances
  concurrency     = local.functions[each.key].concurrency
  environment     = local.environments[each.key]
  secrets         = local.functions[each.key].secrets
  has_url         = each.key != "publish"

  depends_on = [
    google_artifact_registry_repository_iam_member.builder_images,
    google_project_iam_member.builder_log,
    google_project_iam_member.builder_packages,
    google_project_service.this,
  ]
}

# What functions are built from. Every package that is deployed is made again from a checkout.
resource "google_storage_bucket" "packages" {
  #checkov:skip=CKV_GCP_62: it holds what a checkout makes again at any time
  #checkov:skip=CKV_GCP_78: an object's name holds its digest, so that none is ever replaced
  name                        = "${local.bucket}-packages"
  location                    = var.region
  force_destroy               = true
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
}

# Builds run the platform's own builder over a zip and its list of pinned packages. Google's default account for it may
# change most of a project; this one reads packages, and writes images and its log.
resource "google_service_account" "builder" {
  account_id   = "${var.name}-build"
  display_name = "Builds the functions of ${var.name}."

  depends_on = [google_project_service.this]
}

resource "google_project_iam_member" "builder_log" {
  project = var.project
  role    = "roles/logging.logWriter"
  member  = google_service_account.builder.member
}

# Google copies a package to a bucket of its own before it builds.
resource "google_project_iam_member" "builder_packages" {
  project = var.project
  role    = "roles/storage.objectViewer"
  member  = google_service_account.builder.member

  condition {
    title      = "packages"
    expression = "resource.name.startsWith(\"projects/_/buckets/gcf-v2-sources-${data.google_project.this.number}-\") || resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.packages.name}/\")"
  }
}

resource "google_artifact_registry_repository_iam_member" "builder_images" {
  location   = google_artifact_registry_repository.images.location
  repository = google_artifact_registry_repository.images.name
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.builder.member
}

resource "google_artifact_registry_repository" "images" {
  #checkov:skip=CKV_GCP_84: Google's own key encrypts it; an image is made again from a checkout
  location      = var.region
  repository_id = var.name
  description   = "Images that the functions of ${var.name} are built to."
  format        = "DOCKER"

  cleanup_policies {
    id     = "the newest"
    action = "KEEP"

    most_recent_versions {
      keep_count = 3
    }
  }

  cleanup_policies {
    id     = "the old"
    action = "DELETE"

    condition {
      tag_state  = "ANY"
      older_than = "${30 * 24 * 3600}s"
    }
  }

  depends_on = [google_project_service.this]
}

module "webhook_secret" {
  source = "../modules/gcp/secret"

  name     = "${var.name}-webhook-secret"
  purpose  = "What the Git host signs deliveries to ${var.name} with. Made by Terraform; burgee connect gives it to the host."
  rotation = var.rotations.webhook_secret
  reader   = local.identities["webhook"].member

  depends_on = [google_project_service.this]
}

module "git_token" {
  source = "../modules/gcp/secret"

  name    = "${var.name}-git-token"
  purpose = "Token with which ${var.name} reads ${var.repository} and writes commit statuses. Blank until a person puts one there with gcloud secrets versions add."
  reader  = local.identities["publish"].member

  depends_on = [google_project_service.this]
}

module "refresh_secret" {
  source = "../modules/gcp/secret"
  count  = length(var.publishing.refresh_urls) > 0 ? 1 : 0

  name     = "${var.name}-refresh-secret"
  purpose  = "What ${var.name} signs refresh hooks with. Made by Terraform; self-hosted readers need it as BURGEE_REFRESH_SECRET."
  rotation = var.rotations.refresh_secret
  reader   = local.identities["publish"].member

  depends_on = [google_project_service.this]
}

module "registry_password" {
  source = "../modules/gcp/secret"
  count  = var.registry_username == null ? 0 : 1

  name    = "${var.name}-registry-password"
  purpose = "Password with which ${var.name} writes to registries that are its mirrors. Blank until a person puts one there with gcloud secrets versions add."
  reader  = local.identities["publish"].member

  depends_on = [google_project_service.this]
}

# The one client token that is made when none is given. Its digest is a variable of evaluate, and a digest can be made
# of what the state holds alone: whoever does not want it there gives client_tokens.
locals {
  makes_token = !var.public_evaluation && length(var.client_tokens) == 0
  made        = [for token in random_password.client_token : "sha256:${nonsensitive(sha256(token.result))}"]
  tokens      = local.makes_token ? local.made : var.client_tokens
}

resource "random_password" "client_token" {
  count = local.makes_token ? 1 : 0

  length  = 48
  special = false
  keepers = { rotation = var.rotations.client_token }
}

resource "google_secret_manager_secret" "client_token" {
  count = local.makes_token ? 1 : 0

  secret_id   = "${var.name}-client-token"
  annotations = { purpose = "Token with which clients ask ${var.name} to evaluate. Made by Terraform." }

  replication {
    auto {}
  }

  depends_on = [google_project_service.this]
}

resource "google_secret_manager_secret_version" "client_token" {
  count = local.makes_token ? 1 : 0

  secret                 = google_secret_manager_secret.client_token[0].id
  secret_data_wo         = random_password.client_token[0].result
  secret_data_wo_version = var.rotations.client_token
}

module "logs" {
  source = "../modules/gcp/logs"

  name           = var.name
  project        = var.project
  region         = var.region
  services       = [for function in module.function : function.name]
  retention_days = var.log_retention_days
}

module "alarms" {
  source = "../modules/gcp/alarms"

  name                   = var.name
  channels               = var.alarm_channels
  publish                = module.function["publish"].name
  webhook                = module.function["webhook"].name
  evaluate               = module.function["evaluate"].name
  subscription           = module.queue.subscription
  dead_letters           = module.queue.dead_letters
  oldest_message_seconds = 900
}
