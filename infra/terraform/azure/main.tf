# One deployment: a repository, a store in a container, and the three functions between them and whoever asks.
#
# Everything is encrypted with keys that Microsoft holds. Keys of one's own would need rights for every identity, and
# protect from nobody who may work as one of them.

data "azurerm_client_config" "this" {}

locals {
  manifest = jsondecode(file("${var.packages}/manifest.json"))
  packages = {
    for name, function in local.manifest.functions : name => {
      file   = "${var.packages}/${function.zip}"
      sha256 = function.sha256
    }
  }

  # Names that there is one of in the world end with it.
  suffix = substr(sha256("${var.subscription}/${var.name}"), 0, 8)
  plain  = replace(var.name, "-", "")

  account = coalesce(var.store.account, "${local.plain}${local.suffix}")
  path    = var.store.prefix == "" ? "" : "${var.store.prefix}/"
  store   = "azblob://${join("/", compact([local.account, var.store.container, var.store.prefix]))}"
  queues  = trimsuffix(module.store.queue_endpoint, "/")
  tries   = 5

  # The package that brings what verifies is fifty times as large, and begins later.
  forms = length(var.evaluation.verify_keys) > 0 ? { evaluate = "evaluate-verify" } : {}

  # Of a resource id, the vault and the key: /subscriptions/S/resourceGroups/G/providers/Microsoft.KeyVault/vaults/V/keys/K.
  signers = [for key in var.publishing.signing_keys : "azurekms://${lower(split("/", key)[8])}.vault.azure.net/keys/${split("/", key)[10]}"]

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

resource "azurerm_resource_group" "this" {
  name     = var.name
  location = var.location
  tags     = merge({ burgee = var.name }, var.tags)
}

module "store" {
  source = "../modules/azure/store"

  account           = local.account
  container         = var.store.container
  path              = local.path
  resource_group    = azurerm_resource_group.this.name
  resource_group_id = azurerm_resource_group.this.id
  location          = azurerm_resource_group.this.location
  public            = var.public_container
  role_prefix       = "${var.name}-${local.suffix}"
  tags              = azurerm_resource_group.this.tags
}

module "queue" {
  source = "../modules/azure/queue"

  name              = var.name
  account_id        = module.store.account_id
  resource_group_id = azurerm_resource_group.this.id
  role_prefix       = "${var.name}-${local.suffix}"
}

module "vault" {
  source = "../modules/azure/vault"

  name           = "${var.name}-${local.suffix}"
  resource_group = azurerm_resource_group.this.name
  location       = azurerm_resource_group.this.location
  tenant_id      = data.azurerm_client_config.this.tenant_id
  officer_id     = data.azurerm_client_config.this.object_id
  tags           = azurerm_resource_group.this.tags
}

module "logs" {
  source = "../modules/azure/logs"

  name           = var.name
  resource_group = azurerm_resource_group.this.name
  location       = azurerm_resource_group.this.location
  retention_days = var.log_retention_days
  tags           = azurerm_resource_group.this.tags
}

locals {
  reads_secret = { role_name = "Key Vault Secrets User" }

  functions = {
    webhook = {
      memory_mb   = 512
      instances   = 40
      concurrency = 20
      environment = {
        AzureWebJobsDisableHomepage = "true"
        BURGEE_QUEUE                = "${local.queues}/${module.queue.name}"
        BURGEE_REPOSITORY           = var.repository
        BURGEE_CONFIG_REF           = var.publishing.config_ref
        BURGEE_WEBHOOK_SECRET       = module.webhook_secret.reference
      }
      rotations = { webhook_secret = var.rotations.webhook_secret }
      rights = {
        queue = { scope = module.queue.id, role_name = "Storage Queue Data Message Sender" }
        index = {
          scope     = module.store.container_id
          role_id   = module.store.reads
          condition = "@Resource[Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path] StringEquals '${local.path}environments/index.json'"
        }
        secret = merge(local.reads_secret, { scope = module.webhook_secret.scope })
      }
    }
    publish = {
      memory_mb   = var.publishing.memory_mb
      instances   = 1
      concurrency = null
      environment = {
        BURGEE_QUEUE              = "${local.queues}/${module.queue.name}"
        BURGEE_DEAD_LETTERS       = "${local.queues}/${module.queue.dead_letters_name}"
        BURGEE_TRIES              = local.tries
        BURGEE_REPOSITORY         = var.repository
        BURGEE_CONFIG_REF         = var.publishing.config_ref
        BURGEE_GIT_HOST           = var.publishing.git_host
        BURGEE_GIT_API            = var.publishing.git_api
        BURGEE_GIT_TOKEN          = module.git_token.reference
        BURGEE_MIRRORS            = join(",", var.mirrors)
        BURGEE_ALLOWED_MIRRORS    = join(",", var.publishing.allowed_mirrors)
        BURGEE_OCI_USERNAME       = var.registry_username
        BURGEE_OCI_PASSWORD       = one(module.registry_password[*].reference)
        BURGEE_REFRESH_URLS       = join(",", var.publishing.refresh_urls)
        BURGEE_REFRESH_SECRET     = one(module.refresh_secret[*].reference)
        BURGEE_SIGNING_KEYS       = join(",", local.signers)
        BURGEE_SIGNATURE_VALIDITY = length(local.signers) > 0 ? var.publishing.signature_validity_seconds : null
        RECONCILE_SCHEDULE        = var.reconcile_minutes == 60 ? "0 0 * * * *" : "0 */${var.reconcile_minutes} * * * *"

        # The queue that the host waits for, and how often it hands a message over.
        BurgeeQueue__queueServiceUri                               = local.queues
        BurgeeQueue__credential                                    = "managedidentity"
        AzureFunctionsJobHost__extensions__queues__maxDequeueCount = local.tries
      }
      rotations = { for secret in ["git_token", "refresh_secret", "registry_password"] : secret => var.rotations[secret] }
      rights = merge(
        {
          store        = { scope = module.store.container_id, role_id = module.store.writes }
          queue        = { scope = module.queue.id, role_id = module.queue.works }
          dead_letters = { scope = module.queue.dead_letters_id, role_name = "Storage Queue Data Message Sender" }
          secret       = merge(local.reads_secret, { scope = module.git_token.scope })
        },
        { for refresh in module.refresh_secret[*].scope : "refresh_secret" => merge(local.reads_secret, { scope = refresh }) },
        { for registry in module.registry_password[*].scope : "registry_password" => merge(local.reads_secret, { scope = registry }) },
        { for key in var.publishing.signing_keys : "signs_${sha256(key)}" => { scope = key, role_name = "Key Vault Crypto User" } },
      )
    }
    evaluate = {
      memory_mb   = var.evaluation.memory_mb
      instances   = var.evaluation.instances
      concurrency = var.evaluation.concurrency
      environment = {
        AzureWebJobsDisableHomepage = "true"
        BURGEE_MIRRORS              = join(",", var.mirrors)
        BURGEE_AUTH                 = var.public_evaluation ? "none" : "token"
        BURGEE_TOKENS               = join(",", local.tokens)
        BURGEE_TTL                  = var.evaluation.ttl_seconds
        BURGEE_ENVIRONMENT          = var.evaluation.environment
        BURGEE_CORS_ORIGINS         = join(",", var.evaluation.cors_origins)
        BURGEE_KEEP                 = "/tmp/burgee"
        BURGEE_VERIFY_KEYS          = join(",", var.evaluation.verify_keys)
        BURGEE_VERIFY_REPOSITORY    = var.evaluation.verify_repository
      }
      rotations = {}
      rights    = { store = { scope = module.store.container_id, role_id = module.store.reads } }
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
  source   = "../modules/azure/function"
  for_each = toset(["evaluate", "publish", "webhook"])

  name           = "${var.name}-${each.key}-${local.suffix}"
  host_account   = "${local.plain}${substr(each.key, 0, 1)}${local.suffix}"
  subscription   = var.subscription
  resource_group = azurerm_resource_group.this.name
  location       = azurerm_resource_group.this.location
  package        = local.packages[lookup(local.forms, each.key, each.key)]
  deploys        = var.deploys
  python         = local.manifest.python
  memory_mb      = local.functions[each.key].memory_mb
  instances      = local.functions[each.key].instances
  concurrency    = local.functions[each.key].concurrency
  environment    = local.environments[each.key]
  rotations      = local.functions[each.key].rotations
  rights         = local.functions[each.key].rights
  insights       = module.logs.insights
  tags           = azurerm_resource_group.this.tags
}

module "webhook_secret" {
  source = "../modules/azure/secret"

  name     = "webhook-secret"
  purpose  = "What the Git host signs deliveries with. Made by Terraform; burgee connect gives it to the host."
  rotation = var.rotations.webhook_secret
  vault_id = module.vault.id
}

module "git_token" {
  source = "../modules/azure/secret"

  name     = "git-token"
  purpose  = "Token that reads the repository and writes commit statuses. Blank until a person puts one there."
  vault_id = module.vault.id
}

module "refresh_secret" {
  source = "../modules/azure/secret"
  count  = length(var.publishing.refresh_urls) > 0 ? 1 : 0

  name     = "refresh-secret"
  purpose  = "What refresh hooks are signed with. Made by Terraform; self-hosted readers need it as BURGEE_REFRESH_SECRET."
  rotation = var.rotations.refresh_secret
  vault_id = module.vault.id
}

module "registry_password" {
  source = "../modules/azure/secret"
  count  = var.registry_username == null ? 0 : 1

  name     = "registry-password"
  purpose  = "Password with which mirrors in registries are written. Blank until a person puts one there."
  vault_id = module.vault.id
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

resource "azurerm_key_vault_secret" "client_token" {
  #checkov:skip=CKV_AZURE_41: clients hold its other half; a new number in rotations makes another one
  count = local.makes_token ? 1 : 0

  name             = "client-token"
  key_vault_id     = module.vault.id
  content_type     = "Token with which clients ask to evaluate. Made by Terraform."
  value_wo         = random_password.client_token[0].result
  value_wo_version = var.rotations.client_token
}

module "alarms" {
  source = "../modules/azure/alarms"

  name           = var.name
  resource_group = azurerm_resource_group.this.name
  location       = azurerm_resource_group.this.location
  action_groups  = var.alarm_action_groups
  insights_id    = module.logs.insights_id
  publish        = module.function["publish"].name
  webhook        = module.function["webhook"].name
  evaluate       = module.function["evaluate"].name
  silence        = var.reconcile_minutes <= 5 ? "PT30M" : var.reconcile_minutes <= 20 ? "PT2H" : "PT6H"
  tags           = azurerm_resource_group.this.tags
}

# Azure deletes an account with all that is in it, and does not ask. Made last and so destroyed first: when this refuses,
# nothing is gone.
resource "terraform_data" "releases" {
  input = var.force_destroy

  provisioner "local-exec" {
    when        = destroy
    interpreter = ["sh", "-ec"]
    command     = self.output ? "true" : "echo 'the releases would be gone: set force_destroy = true and apply that before' >&2; exit 1"
  }

  depends_on = [
    azurerm_key_vault_secret.client_token,
    module.alarms,
    module.function,
    module.git_token,
    module.queue,
    module.refresh_secret,
    module.registry_password,
    module.store,
    module.webhook_secret,
  ]
}
