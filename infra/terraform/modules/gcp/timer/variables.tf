variable "name" {
  type        = string
  description = "Name of the job."
}

variable "region" {
  type        = string
  description = "Region of the job."
}

variable "topic" {
  type        = string
  description = "Id of the topic that gets the messages."
}

variable "minutes" {
  type        = number
  description = "Minutes from one message to the next."

  validation {
    condition     = contains([1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60], var.minutes)
    error_message = "minutes divides an hour: 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 or 60."
  }
}
