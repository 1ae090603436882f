variable "name" {
  type        = string
  description = "Name of the function."
}

variable "description" {
  type        = string
  description = "What the function does, in a sentence."
}

variable "region" {
  type        = string
  description = "Region of the function. The role's name ends with it, for roles are of all regions."
}

variable "package" {
  type = object({
    file    = string
    sha256  = string
    handler = string
  })
  description = "The function's zip, the digest that the manifest gives it in hexadecimal, and its handler."
}

variable "runtime" {
  type        = string
  description = "Runtime that the package was made for, such as python3.13."
}

variable "architecture" {
  type        = string
  description = "Architecture that the package was made for."

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture is arm64 or x86_64."
  }
}

variable "memory_mb" {
  type        = number
  description = "Memory in MB; processor time comes in proportion."
}

variable "timeout_seconds" {
  type        = number
  description = "How long one invocation may take."
}

variable "environment" {
  type        = map(string)
  description = "The function's variables."
}

variable "rights" {
  type = list(object({
    actions   = list(string)
    resources = list(string)
  }))
  description = "What the function may do, besides writing its log."
}

variable "log_retention_days" {
  type        = number
  description = "How long the log is kept."
}

variable "has_url" {
  type        = bool
  description = "Whether everybody on the internet may ask the function, at a URL of its own."
  default     = false
}

variable "reserved_concurrency" {
  type        = number
  description = "How many of it may run at once, which are then kept free for it; null for what the account has left."
  default     = null
}
