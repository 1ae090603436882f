variable "name" {
  type        = string
  description = "Name of the secret."
}

variable "purpose" {
  type        = string
  description = "What the secret is for, and who puts its value there."
}

variable "rotation" {
  type        = number
  description = "Another number makes a new value; null leaves the secret blank, for a value that a person puts there."
  default     = null
}

variable "reader" {
  type        = string
  description = "Who reads it, as `serviceAccount:...`."
}
