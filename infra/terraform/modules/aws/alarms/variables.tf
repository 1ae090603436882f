variable "name" {
  type        = string
  description = "What the alarms' names begin with, and the namespace of burgee's own metrics."
}

variable "topic_arns" {
  type        = list(string)
  description = "SNS topics that are told when an alarm goes off, and when it is over."
}

variable "publish" {
  type        = string
  description = "Name of the publish function."
}

variable "webhook" {
  type        = string
  description = "Name of the webhook function."
}

variable "evaluate" {
  type        = string
  description = "Name of the evaluate function."
}

variable "evaluate_log_group" {
  type        = string
  description = "Log group of the evaluate function."
}

variable "queue" {
  type        = string
  description = "Name of the queue."
}

variable "dead_letters" {
  type        = string
  description = "Name of the queue of dead letters."
}

variable "oldest_message_seconds" {
  type        = number
  description = "How old a message in the queue may become."
}
