variable "name" {
  type        = string
  description = "What the secret's name begins with. The rest is made anew, for the name of a deleted secret stays taken for days."
}

variable "description" {
  type        = string
  description = "What the secret is for, and who puts its value there."
}

variable "rotation" {
  type        = number
  description = "Another number makes a new value; null leaves the secret empty, for a value that a person puts there."
  default     = null
}

variable "recovery_days" {
  type        = number
  description = "Days for which a destroyed secret can be had back; 0 for none."

  validation {
    condition     = var.recovery_days == 0 || (var.recovery_days >= 7 && var.recovery_days <= 30)
    error_message = "recovery_days is 0 or from 7 to 30."
  }
}
