variable "name" {
  type        = string
  description = "Name of the topic; the names of the subscriptions begin with it."
}

variable "region" {
  type        = string
  description = "Region of the consumer."
}

variable "project_number" {
  type        = string
  description = "Number of the project, by which Pub/Sub's own account is named."
}

variable "sender" {
  type        = string
  description = "Who sends, as `serviceAccount:...`."
}

variable "consumer" {
  type        = string
  description = "Name of the service that works the queue."
}

variable "consumer_member" {
  type        = string
  description = "As whom the consumer works, as `serviceAccount:...`."
}

variable "consumer_url" {
  type        = string
  description = "URL of the service that works the queue."
}

variable "tries" {
  type        = number
  description = "How often a message is delivered before it becomes a dead letter."

  validation {
    condition     = var.tries >= 5 && var.tries <= 100
    error_message = "tries is from 5 to 100."
  }
}
