variable "name" {
  type        = string
  description = "Name of the schedule."
}

variable "region" {
  type        = string
  description = "Region of the schedule. The role's name ends with it, for roles are of all regions."
}

variable "account" {
  type        = string
  description = "The account whose schedules may use the role."
}

variable "minutes" {
  type        = number
  description = "Minutes from one message to the next."

  validation {
    condition     = var.minutes >= 1 && floor(var.minutes) == var.minutes
    error_message = "minutes is a whole number from 1."
  }
}

variable "queue_arn" {
  type        = string
  description = "ARN of the FIFO queue that gets the messages."
}

variable "group" {
  type        = string
  description = "Message group of the messages."
}
