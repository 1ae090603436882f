output "webhook_url" {
  description = "Where the Git host delivers pushes: `burgee connect --url`."
  value       = module.function["webhook"].url
}

output "evaluate_url" {
  description = "Base URL for Flipt's REST and OpenFeature's OFREP clients."
  value       = module.function["evaluate"].url
}

output "account" {
  description = "Name of the storage account."
  value       = module.store.account
}

output "container" {
  description = "Name of the container."
  value       = module.store.container
}

output "store" {
  description = "URL of the store: BURGEE_STORE of whoever reads or publishes."
  value       = local.store
}

output "snapshots_url" {
  description = "Followed by `/<environment>`, the base URL of Flipt's client SDKs; null unless the container is public."
  value       = var.public_container ? "${module.store.blob_endpoint}${module.store.container}/${local.path}environments" : null
}

output "queue_url" {
  description = "URL of the queue."
  value       = "${local.queues}/${module.queue.name}"
}

output "dead_letter_url" {
  description = "URL of the queue of dead letters."
  value       = "${local.queues}/${module.queue.dead_letters_name}"
}

output "vault" {
  description = "Name of the vault with the secrets."
  value       = module.vault.name
}

output "webhook_secret" {
  description = "Name of the secret that the Git host signs with."
  value       = module.webhook_secret.name
}

output "git_token_secret" {
  description = "Name of the secret for the Git token, which a person puts there."
  value       = module.git_token.name
}

output "client_token_secret" {
  description = "Name of the secret with the client token that was made; null where none was."
  value       = one(azurerm_key_vault_secret.client_token[*].name)
}

output "refresh_secret" {
  description = "Name of the secret that refresh hooks are signed with; null without refresh_urls."
  value       = one(module.refresh_secret[*].name)
}

output "registry_password_secret" {
  description = "Name of the secret for the password at registries, which a person puts there; null without registry_username."
  value       = one(module.registry_password[*].name)
}

output "insights" {
  description = "Name of what can be asked for the functions' lines."
  value       = module.logs.name
}

output "functions" {
  description = "Names of the functions, object ids of their identities, and what they were deployed with."
  value = {
    for name, function in module.function : name => {
      name     = function.name
      identity = function.identity
      deployed = function.deployed
    }
  }
}

output "next_steps" {
  description = "What is left to do, once."
  value       = <<-EOT
    1. Give publish a token that reads the repository and writes commit statuses:
         read -rs GIT_TOKEN
         printf %s "$GIT_TOKEN" | az keyvault secret set --vault-name ${module.vault.name} --name ${module.git_token.name} --file /dev/stdin --encoding utf-8 --output none
         # rotations = { git_token = 2 } in terraform.tfvars, then
         terraform apply${local.password_step}

    2. Have the Git host tell of pushes:
         read -rs BURGEE_GIT_TOKEN && export BURGEE_GIT_TOKEN
         az keyvault secret show --vault-name ${module.vault.name} --name ${module.webhook_secret.name} --query value --output tsv |
           burgee connect --url ${module.function["webhook"].url} --repository ${var.repository}${local.host} --secret-file -

    3. Push, or wait ${var.reconcile_minutes} minutes, and see the release:
         burgee status --store '${local.store}'

    4. Ask:
         ${local.ask}
  EOT
}

locals {
  told = { host = var.publishing.git_host, api = var.publishing.git_api }
  password_step = var.registry_username == null ? "" : join("\n", [
    "", "",
    "   And the password of ${var.registry_username} at the registry, with which mirrors there are written:",
    "     read -rs REGISTRY_PASSWORD",
    "     printf %s \"$REGISTRY_PASSWORD\" | az keyvault secret set --vault-name ${module.vault.name} --name ${one(module.registry_password[*].name)} --file /dev/stdin --encoding utf-8 --output none",
    "     # rotations = { registry_password = 2 } in terraform.tfvars, then",
    "     terraform apply",
  ])
  host = join("", [for option, value in local.told : " --${option} ${value}" if value != null])
  token = (
    var.public_evaluation ? "" :
    local.makes_token ? " -H \"Authorization: Bearer $(az keyvault secret show --vault-name ${module.vault.name} --name ${one(azurerm_key_vault_secret.client_token[*].name)} --query value --output tsv)\"" :
    " -H \"Authorization: Bearer $CLIENT_TOKEN\""
  )
  ask = "curl -sX POST${local.token} ${module.function["evaluate"].url}/ofrep/v1/evaluate/flags -d '{\"context\":{\"targetingKey\":\"user-1\"}}'"
}
