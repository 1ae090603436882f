variable "name" {
  type        = string
  description = "Name of the workspace and of what collects for it."
}

variable "resource_group" {
  type        = string
  description = "Name of the resource group."
}

variable "location" {
  type        = string
  description = "Region of both."
}

variable "retention_days" {
  type        = number
  description = "How long lines are kept."
}

variable "tags" {
  type        = map(string)
  description = "Tags of what is made."
  default     = {}
}
