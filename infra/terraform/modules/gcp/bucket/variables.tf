variable "name" {
  type        = string
  description = "Name of the bucket."
}

variable "location" {
  type        = string
  description = "Region of the bucket."
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
  description = "Whether everybody may read the objects."
  default     = false
}

variable "force_destroy" {
  type        = bool
  description = "Whether the bucket is destroyed with the releases that are in it."
  default     = false
}

variable "role_prefix" {
  type        = string
  description = "What the ids of the project's own roles begin with; the name of the deployment."
}

variable "reader" {
  type        = string
  description = "Who reads everything, as `serviceAccount:...`."
}

variable "index_reader" {
  type        = string
  description = "Who reads the index of environments, and nothing else."
}

variable "writer" {
  type        = string
  description = "Who writes releases."
}
