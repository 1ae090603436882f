variable "name" {
  type        = string
  description = "Name of the queue, without the `.fifo` that SQS wants at its end."
}

variable "consumer" {
  type        = string
  description = "Name of the function that works the queue."
}

variable "consumer_timeout_seconds" {
  type        = number
  description = "How long one invocation of the consumer may take."
}

variable "tries" {
  type        = number
  description = "How often a message is received before it becomes a dead letter."

  validation {
    condition     = var.tries >= 1 && var.tries <= 1000
    error_message = "tries is from 1 to 1000."
  }
}
