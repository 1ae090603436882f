variable "name" {
  type        = string
  description = "Name of the function, of which there is one in the world."
}

variable "host_account" {
  type        = string
  description = "Name of the storage account that its host gets."
}

variable "subscription" {
  type        = string
  description = "Id of the subscription."
}

variable "resource_group" {
  type        = string
  description = "Name of the resource group."
}

variable "location" {
  type        = string
  description = "Region of the function."
}

variable "package" {
  type = object({
    file   = string
    sha256 = string
  })
  description = "The function's zip, and the digest that the manifest gives it in hexadecimal."
}

variable "deploys" {
  type        = bool
  description = "Whether the package is handed over by the command `az`."
}

variable "python" {
  type        = string
  description = "Version of Python that the package was made for, such as 3.12."
}

variable "memory_mb" {
  type        = number
  description = "Memory of an instance in MB: 512, 2048 or 4096."
}

variable "instances" {
  type        = number
  description = "How many instances there may be at most."
}

variable "concurrency" {
  type        = number
  description = "How many requests one instance takes at once; null for what Azure chooses."
  default     = null
}

variable "environment" {
  type        = map(string)
  description = "The function's variables."
}

variable "rotations" {
  type        = map(string)
  description = "Which making of each secret the function was told of; another one has it read them anew."
  default     = {}
}

variable "rights" {
  type = map(object({
    scope     = string
    role_id   = optional(string)
    role_name = optional(string)
    condition = optional(string)
  }))
  description = "What the function may do: roles, by id or by name, and on what."
}

variable "insights" {
  type        = string
  description = "Connection string of where its log goes."
}

variable "tags" {
  type        = map(string)
  description = "Tags of what is made."
  default     = {}
}
