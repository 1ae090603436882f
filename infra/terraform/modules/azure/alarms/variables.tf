variable "name" {
  type        = string
  description = "What the alarms' names begin with."
}

variable "resource_group" {
  type        = string
  description = "Name of the resource group."
}

variable "location" {
  type        = string
  description = "Region of the alarms."
}

variable "action_groups" {
  type        = list(string)
  description = "Action groups that are told when an alarm goes off, and when it is over."
}

variable "insights_id" {
  type        = string
  description = "Id of what is asked for lines."
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

variable "silence" {
  type        = string
  description = "How long publish may do nothing, as PT30M: some of the timer's intervals."
}

variable "tags" {
  type        = map(string)
  description = "Tags of what is made."
  default     = {}
}
