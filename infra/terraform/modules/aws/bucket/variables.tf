variable "name" {
  type        = string
  description = "Name of the bucket."
}

variable "path" {
  type        = string
  description = "What every key of the store begins with: empty, or a prefix with a slash at its end."
  default     = ""

  validation {
    condition     = var.path == "" || endswith(var.path, "/")
    error_message = "path is empty or ends with a slash."
  }
}

variable "public" {
  type        = bool
  description = "Whether everybody may read what readers and Flipt's client SDKs read."
  default     = false
}

variable "tls_only" {
  type        = bool
  description = "Whether requests over plain HTTP are denied."
  default     = true
}

variable "force_destroy" {
  type        = bool
  description = "Whether the bucket is destroyed with the releases that are in it."
  default     = false
}

variable "kept_versions" {
  type        = number
  description = "How many replaced versions of an object are kept for ever; null for none."
  default     = 10
}
