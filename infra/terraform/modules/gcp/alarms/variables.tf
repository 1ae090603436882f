variable "name" {
  type        = string
  description = "What the alarms' names begin with."
}

variable "channels" {
  type        = list(string)
  description = "Notification channels that are told when an alarm goes off, and when it is over."
}

variable "publish" {
  type        = string
  description = "Name of the publish service."
}

variable "webhook" {
  type        = string
  description = "Name of the webhook service."
}

variable "evaluate" {
  type        = string
  description = "Name of the evaluate service."
}

variable "subscription" {
  type        = string
  description = "Name of the subscription that is pushed to publish."
}

variable "dead_letters" {
  type        = string
  description = "Name of the subscription that holds dead letters."
}

variable "oldest_message_seconds" {
  type        = number
  description = "How old a message in the queue may become."
}
