variable "name" {
  type        = string
  description = "Name of the function."
}

variable "description" {
  type        = string
  description = "What the function does, in a sentence."
}

variable "project" {
  type        = string
  description = "Project of the function and of its secrets."
}

variable "region" {
  type        = string
  description = "Region of the function."
}

variable "package" {
  type = object({
    file        = string
    sha256      = string
    entry_point = string
  })
  description = "The function's zip, the digest that the manifest gives it in hexadecimal, and the name of its entry point."
}

variable "packages_bucket" {
  type        = string
  description = "Bucket from which packages are built."
}

variable "builder" {
  type        = string
  description = "Account that builds the package, as `projects/.../serviceAccounts/...`."
}

variable "images" {
  type        = string
  description = "Id of the repository that images are built to."
}

variable "runtime" {
  type        = string
  description = "Runtime that the package was made for, such as python313."
}

variable "identity" {
  type        = string
  description = "Address of the account as which the function works."
}

variable "memory_mb" {
  type        = number
  description = "Memory in MB."
}

variable "timeout_seconds" {
  type        = number
  description = "How long one request may take."
}

variable "instances" {
  type        = number
  description = "How many instances there may be at most."
}

variable "concurrency" {
  type        = number
  description = "How many requests one instance takes at once."
}

variable "environment" {
  type        = map(string)
  description = "The function's variables."
}

variable "secrets" {
  type        = map(object({ name = string, version = string }))
  description = "The function's variables that are secrets."
  default     = {}
}

variable "has_url" {
  type        = bool
  description = "Whether everybody on the internet may ask the function; else only what is in the project."
  default     = false
}
