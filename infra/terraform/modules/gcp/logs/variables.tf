variable "name" {
  type        = string
  description = "Name of the log bucket."
}

variable "project" {
  type        = string
  description = "Project of the log bucket."
}

variable "region" {
  type        = string
  description = "Region of the log bucket."
}

variable "services" {
  type        = list(string)
  description = "Names of the services whose logs are kept."
}

variable "retention_days" {
  type        = number
  description = "How long they are kept."
}
