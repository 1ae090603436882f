variable "name" {
  type        = string
  description = "Name of the deployment: what it makes begins with it. One deployment is for one repository."
  default     = "burgee"

  validation {
    condition     = can(regex("^[a-z](-?[a-z0-9])+$", var.name)) && length(var.name) >= 3 && length(var.name) <= 15
    error_message = "name is 3 to 15 of a-z, 0-9 and single '-' between them, and begins with a letter, as in burgee or shop-flags."
  }
}

variable "subscription" {
  type        = string
  description = "Id of the subscription that everything is made in."

  validation {
    condition     = can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", var.subscription))
    error_message = "subscription is an id, as in 00000000-0000-0000-0000-000000000000; `az account show --query id` prints it."
  }
}

variable "location" {
  type        = string
  description = "Region of everything that is made. It has to be one with Flex Consumption: `az functionapp list-flexconsumption-locations` prints them."

  validation {
    condition     = can(regex("^[a-z]+[a-z0-9]*$", var.location))
    error_message = "location is a region's short name, as in westeurope."
  }
}

variable "repository" {
  type        = string
  description = "URL of the repository that holds burgee.yaml and the flag files, without credentials."
  nullable    = false

  validation {
    condition     = can(regex("^https?://[A-Za-z0-9.:-]+(/[A-Za-z0-9._~%+-]+){2,}/?$", var.repository))
    error_message = "repository is an https URL without credentials, as in https://github.com/acme/flags; the token goes into the secret that the output git_token_secret names."
  }
}

variable "publishing" {
  type = object({
    config_ref                 = optional(string)
    git_host                   = optional(string)
    git_api                    = optional(string)
    allowed_mirrors            = optional(list(string), [])
    refresh_urls               = optional(list(string), [])
    signing_keys               = optional(list(string), [])
    signature_validity_seconds = optional(number, 3600)
    memory_mb                  = optional(number, 2048)
  })
  description = "How publish works. config_ref: branch whose burgee.yaml counts (default: the repository's). git_host, git_api: kind of Git host and URL of its API, where the repository's URL does not tell. allowed_mirrors: patterns of addresses that burgee.yaml may name as mirrors. refresh_urls: hooks of self-hosted readers that are told of releases. signing_keys: resource ids of Key Vault keys (EC on P-256) that releases are signed with, two while one takes the other's place. signature_validity_seconds: for how long readers believe a head that nobody signs anew."
  default     = {}
  nullable    = false

  validation {
    condition     = contains(["github", "gitlab", "gitea", "forgejo", "bitbucket"], coalesce(var.publishing.git_host, "github"))
    error_message = "publishing.git_host is github, gitlab, gitea, forgejo or bitbucket."
  }

  validation {
    condition     = can(regex("^https?://[^/@?#[:space:]]+(/[^?#[:space:]]*)?$", coalesce(var.publishing.git_api, "https://none")))
    error_message = "publishing.git_api is a URL, as in https://git.example.org/api/v1."
  }

  validation {
    condition     = alltrue([for url in var.publishing.refresh_urls : can(regex("^https?://[^/@,]+/[^,[:space:]]*$", url))])
    error_message = "publishing.refresh_urls are URLs of hooks, as in https://flags.example.org/hooks/refresh."
  }

  validation {
    condition     = alltrue([for pattern in var.publishing.allowed_mirrors : can(regex("^[a-z0-9]+://[^,[:space:]]+$", pattern))])
    error_message = "publishing.allowed_mirrors are addresses of stores, in which `*` stands for anything, as in gs://acme-flags/*."
  }

  validation {
    condition     = contains([512, 2048, 4096], var.publishing.memory_mb)
    error_message = "publishing.memory_mb is 512, 2048 or 4096, which are the sizes that Flex Consumption has."
  }

  validation {
    condition     = alltrue([for key in var.publishing.signing_keys : can(regex("^/subscriptions/[0-9a-f-]{36}/resourceGroups/[^/]+/providers/Microsoft[.]KeyVault/vaults/[A-Za-z0-9-]{3,24}/keys/[A-Za-z0-9-]{1,127}$", key))])
    error_message = "publishing.signing_keys are resource ids of keys without a version, as in /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/keys/providers/Microsoft.KeyVault/vaults/acme-keys/keys/burgee."
  }

  validation {
    condition     = length(var.publishing.signing_keys) == 0 || (var.publishing.signature_validity_seconds > 120 * var.reconcile_minutes && var.publishing.signature_validity_seconds <= 86400)
    error_message = "publishing.signature_validity_seconds is up to 86400 and more than twice as long as reconcile_minutes, for what runs then signs heads anew."
  }
}

variable "store" {
  type = object({
    account   = optional(string)
    container = optional(string, "flags")
    prefix    = optional(string, "")
  })
  description = "Where releases are written. account: name of the storage account that is made (default: from name and a digest of subscription and name). container: name of its container. prefix: what keys begin with, without slashes at its ends."
  default     = {}
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]{3,24}$", coalesce(var.store.account, "none")))
    error_message = "store.account is 3 to 24 of a-z and 0-9."
  }

  validation {
    condition     = can(regex("^[a-z0-9](-?[a-z0-9]){2,62}$", var.store.container))
    error_message = "store.container is 3 to 63 of a-z, 0-9 and single '-' between them."
  }

  validation {
    condition     = can(regex("^([A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*)?$", var.store.prefix))
    error_message = "store.prefix is empty, or of A-Z, a-z, 0-9, '_', '.' and '-' with single slashes between and no dot at the beginning of a part, as in shop/flags."
  }
}

variable "mirrors" {
  type        = list(string)
  description = "URLs of further stores: publish brings each release there after the container, evaluate reads there in order while the container fails. Rights to them are not made here."
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for url in var.mirrors : can(regex(local.mirror_forms[split(":", url)[0]], url))])
    error_message = "mirrors are URLs of stores without credentials, as in s3://acme-flags/shop?region=eu-central-1, azblob://acmeflags/flags, gs://acme-flags/shop or oci://ghcr.io/acme/flags."
  }
}

variable "registry_username" {
  type        = string
  description = "Who publish is at registries that mirrors name. The password is a secret that a person puts there; evaluate is nobody at registries."
  default     = null

  validation {
    condition     = can(regex("^[^:,[:space:]]{1,255}$", coalesce(var.registry_username, "nobody")))
    error_message = "registry_username is a name without ':', ',' and blanks, as in acme-bot; the password goes into the secret that the output registry_password_secret names."
  }

  validation {
    condition     = var.registry_username == null || anytrue([for url in concat(var.mirrors, var.publishing.allowed_mirrors) : startswith(url, "oci://")])
    error_message = "registry_username would be shown to nobody: name a registry in mirrors, or in publishing.allowed_mirrors for burgee.yaml to name one."
  }
}

variable "public_container" {
  type        = bool
  description = "Whether everybody may read releases in the container, pages of every origin too: what Flipt's client SDKs and burgee's own need to read them without credentials. Flag files, commits and the repository's URL are then public, and so is the log."
  default     = false
  nullable    = false
}

variable "public_evaluation" {
  type        = bool
  description = "Whether everybody may evaluate, without a token."
  default     = false
  nullable    = false
}

variable "client_tokens" {
  type        = list(string)
  description = "Entries of client tokens, as `burgee token create` prints them: a digest, then what the token is for. Without any, and unless evaluation is public, one token for everything is made; that one is in the state, these are not."
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for entry in var.client_tokens : can(regex("^sha256:[0-9a-f]{64}( ([a-z0-9][a-z0-9-]*|[*])(/[^,=[:space:]]+)?| [+]history| expires=[^,[:space:]]+)*$", entry)) &&
      alltrue([for date in flatten(regexall(" expires=([^ ]+)", entry)) : can(timeadd(length(date) == 10 ? "${date}T00:00:00Z" : date, "0s"))])
    ])
    error_message = "client_tokens are entries such as `sha256:<64 hexadecimal digits> production/* expires=2027-06-30`; `burgee token create` prints one. The token itself does not belong here."
  }

  validation {
    condition     = length(join(",", var.client_tokens)) <= 20000
    error_message = "client_tokens are too many: together they may have 20000 characters, for a function's variables hold 32 KB."
  }

  validation {
    condition     = !(var.public_evaluation && length(var.client_tokens) > 0)
    error_message = "client_tokens would be checked by nobody while public_evaluation is true; set one of them."
  }
}

variable "evaluation" {
  type = object({
    environment       = optional(string)
    ttl_seconds       = optional(number, 10)
    cors_origins      = optional(list(string), [])
    verify_keys       = optional(list(string), [])
    verify_repository = optional(string)
    memory_mb         = optional(number, 512)
    instances         = optional(number, 40)
    concurrency       = optional(number, 20)
  })
  description = "How evaluate answers. environment: the one that it serves (default: all). ttl_seconds: for how long it does not look at the container. cors_origins: origins whose pages may ask, or `*`. instances, concurrency: how many there are at most, and how many requests each takes at once. verify_keys: public keys as `burgee key show` prints them; with any, it answers from what one of them has signed and from nothing else. verify_repository: the one that releases have to be of then, as `burgee status` shows it."
  default     = {}
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,62}$", coalesce(var.evaluation.environment, "any")))
    error_message = "evaluation.environment is the name of an environment in burgee.yaml: [a-z0-9][a-z0-9-]{0,62}."
  }

  validation {
    condition     = var.evaluation.ttl_seconds >= 0.001 && var.evaluation.ttl_seconds <= 86400
    error_message = "evaluation.ttl_seconds is from 0.001 to 86400."
  }

  validation {
    condition     = alltrue([for origin in var.evaluation.cors_origins : can(regex("^([*]|https?://[a-z0-9.:\\[\\]-]+(:[*])?)$", origin))])
    error_message = "evaluation.cors_origins are origins as browsers send them, in lower case and without a path, as in https://shop.example.org, or `*`."
  }

  validation {
    condition     = contains([512, 2048, 4096], var.evaluation.memory_mb)
    error_message = "evaluation.memory_mb is 512, 2048 or 4096, which are the sizes that Flex Consumption has."
  }

  validation {
    condition     = var.evaluation.instances >= 1 && var.evaluation.instances <= 1000
    error_message = "evaluation.instances is from 1 to 1000."
  }

  validation {
    condition     = var.evaluation.concurrency >= 1 && var.evaluation.concurrency <= 250
    error_message = "evaluation.concurrency is from 1 to 250."
  }

  validation {
    condition     = alltrue([for key in var.evaluation.verify_keys : can(regex("^(ed25519:[A-Za-z0-9+/]{43}=|ecdsa-p256-sha256:[A-Za-z0-9+/]{100,130}={0,2})$", key))])
    error_message = "evaluation.verify_keys are public keys as `burgee key show` prints them, as in ed25519:<44 characters of base64>. A private key does not belong here."
  }

  validation {
    condition     = length(var.evaluation.verify_keys) == 0 || can(local.packages["evaluate-verify"])
    error_message = "evaluation.verify_keys need the package evaluate-verify, which ${var.packages}/manifest.json does not have; make the packages with `make package`."
  }

  validation {
    condition     = var.evaluation.verify_repository == null || length(var.evaluation.verify_keys) > 0
    error_message = "evaluation.verify_repository would be checked by nobody: name verify_keys too."
  }
}

variable "reconcile_minutes" {
  type        = number
  description = "Minutes after which publish looks at the repository although nobody told it to. Static snapshots show a release that becomes active later within this time."
  default     = 5
  nullable    = false

  validation {
    condition     = contains([1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60], var.reconcile_minutes)
    error_message = "reconcile_minutes divides an hour: 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 or 60."
  }
}

variable "alarm_action_groups" {
  type        = list(string)
  description = "Ids of the action groups that alarms are sent to; without any, alarms are seen in Azure Monitor only."
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for id in var.alarm_action_groups : can(regex("(?i)^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft.Insights/actionGroups/[^/]+$", id))])
    error_message = "alarm_action_groups are ids, as in /subscriptions/.../resourceGroups/on-call/providers/Microsoft.Insights/actionGroups/on-call."
  }
}

variable "log_retention_days" {
  type        = number
  description = "Days for which the functions' logs are kept."
  default     = 30
  nullable    = false

  validation {
    condition     = var.log_retention_days >= 30 && var.log_retention_days <= 730 && floor(var.log_retention_days) == var.log_retention_days
    error_message = "log_retention_days is a whole number from 30 to 730."
  }
}

variable "rotations" {
  type = object({
    webhook_secret    = optional(number, 1)
    client_token      = optional(number, 1)
    refresh_secret    = optional(number, 1)
    git_token         = optional(number, 1)
    registry_password = optional(number, 1)
  })
  description = "Which making of each secret holds: another number makes a new value. The Git host, the clients and the self-hosted readers need it from then on. For git_token and registry_password it makes nothing: publish reads what a person put there."
  default     = {}
  nullable    = false
}

variable "packages" {
  type        = string
  description = "Folder with the functions' zips and manifest.json, as `make package` makes it; relative to where terraform runs."
  default     = "../../../functions/build/azure"
  nullable    = false

  validation {
    condition     = try(jsondecode(file("${var.packages}/manifest.json")).format, 0) == 1
    error_message = "there is no manifest.json of format 1 in ${var.packages}; make the packages with `make package`."
  }
}

variable "deploys" {
  type        = bool
  description = "Whether `terraform apply` hands the packages to the functions, by the command `az`. Without it, somebody else does."
  default     = true
  nullable    = false
}

variable "force_destroy" {
  type        = bool
  description = "Whether `terraform destroy` takes the releases along instead of refusing. Meant for trials."
  default     = false
  nullable    = false
}

variable "tags" {
  type        = map(string)
  description = "Tags of everything that is made, besides `burgee`, which is the deployment's name."
  default     = {}
  nullable    = false
}
