variable "name" {
  type        = string
  description = "Name of the queue."
}

variable "account_id" {
  type        = string
  description = "Id of the storage account."
}

variable "resource_group_id" {
  type        = string
  description = "Id of the resource group, in which the role can be given."
}

variable "role_prefix" {
  type        = string
  description = "What the name of the role begins with, which is the whole tenant's."
}
