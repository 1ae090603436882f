# Who may do what in the container.

mock_provider "azurerm" {}

variables {
  account           = "acmeflags"
  container         = "flags"
  path              = "shop/"
  resource_group    = "burgee"
  resource_group_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/burgee"
  location          = "westeurope"
  role_prefix       = "burgee-01234567"
}

run "a_private_container_lets_nobody_in_without_a_role" {
  module {
    source = "../modules/azure/store"
  }

  assert {
    condition     = azurerm_storage_container.this.container_access_type == "private" && !azurerm_storage_account.this.allow_nested_items_to_be_public
    error_message = "everybody may read"
  }

  assert {
    condition     = !azurerm_storage_account.this.shared_access_key_enabled && !azurerm_storage_account.this.local_user_enabled
    error_message = "there is a key that could leak"
  }
}

run "a_public_container_is_read_and_not_listed" {
  module {
    source = "../modules/azure/store"
  }

  variables {
    public = true
  }

  assert {
    condition     = azurerm_storage_container.this.container_access_type == "blob"
    error_message = "it is ${azurerm_storage_container.this.container_access_type}"
  }

  assert {
    condition     = azurerm_storage_account.this.blob_properties[0].cors_rule[0].exposed_headers == tolist(["ETag"])
    error_message = "pages do not see ETags"
  }
}

run "no_role_deletes_and_no_rule_takes_blobs" {
  module {
    source = "../modules/azure/store"
  }

  assert {
    condition = alltrue([
      for role in [azurerm_role_definition.reads, azurerm_role_definition.writes] :
      alltrue([for action in role.permissions[0].data_actions : !strcontains(action, "delete") && !endswith(action, "*")])
    ])
    error_message = "a role deletes"
  }

  assert {
    condition     = azurerm_storage_account.this.blob_properties[0].versioning_enabled && azurerm_storage_account.this.blob_properties[0].delete_retention_policy[0].days == 30
    error_message = "what was replaced or deleted is gone"
  }

  assert {
    condition = alltrue([
      for rule in azurerm_storage_management_policy.this.rule :
      rule.filters[0].prefix_match == toset(["flags/shop/environments/"]) || length(rule.filters[0].match_blob_index_tag) == 1
    ])
    error_message = "a rule takes blobs"
  }
}
