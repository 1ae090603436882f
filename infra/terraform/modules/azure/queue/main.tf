# What was accepted, until it is done; and what could not be done. The second queue's name is Azure's own choice: its host
# moves there what was tried too often.

resource "azurerm_storage_queue" "this" {
  name               = var.name
  storage_account_id = var.account_id
}

resource "azurerm_storage_queue" "dead_letters" {
  name               = "${var.name}-poison"
  storage_account_id = var.account_id
}

resource "azurerm_role_definition" "works" {
  name        = "${var.role_prefix} works the queue"
  scope       = var.resource_group_id
  description = "Receives, holds back, deletes and sends messages, and neither makes nor deletes queues."

  permissions {
    actions = ["${local.queues}/read"]
    data_actions = [
      "${local.queues}/messages/add/action",
      "${local.queues}/messages/delete",
      "${local.queues}/messages/process/action",
      "${local.queues}/messages/read",
      "${local.queues}/messages/write",
    ]
  }

  assignable_scopes = [var.resource_group_id]
}

locals {
  queues = "Microsoft.Storage/storageAccounts/queueServices/queues"
}
