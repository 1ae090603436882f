variable "account" {
  type        = string
  description = "Name of the storage account."
}

variable "container" {
  type        = string
  description = "Name of the container."
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

variable "resource_group" {
  type        = string
  description = "Name of the resource group."
}

variable "resource_group_id" {
  type        = string
  description = "Id of the resource group, in which the roles can be given."
}

variable "location" {
  type        = string
  description = "Region of the account."
}

variable "public" {
  type        = bool
  description = "Whether everybody may read blobs of the container."
  default     = false
}

variable "role_prefix" {
  type        = string
  description = "What the names of the roles begin with, which are the whole tenant's."
}

variable "tags" {
  type        = map(string)
  description = "Tags of what is made."
  default     = {}
}
