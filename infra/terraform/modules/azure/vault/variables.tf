variable "name" {
  type        = string
  description = "Name of the vault, of which there is one in the world."
}

variable "resource_group" {
  type        = string
  description = "Name of the resource group."
}

variable "location" {
  type        = string
  description = "Region of the vault."
}

variable "tenant_id" {
  type        = string
  description = "Tenant whose identities may be let in."
}

variable "officer_id" {
  type        = string
  description = "Who puts secrets there: the object id of whoever runs Terraform."
}

variable "tags" {
  type        = map(string)
  description = "Tags of what is made."
  default     = {}
}
