# Where secrets are. Who may read which is granted secret by secret.

resource "azurerm_key_vault" "this" {
  #checkov:skip=CKV_AZURE_109: functions on Flex Consumption have no network of their own; roles decide
  #checkov:skip=CKV_AZURE_189: they have no address of their own either
  #checkov:skip=CKV2_AZURE_32: a private endpoint takes a network and an hourly price; roles decide
  name                = var.name
  resource_group_name = var.resource_group
  location            = var.location
  tags                = var.tags
  tenant_id           = var.tenant_id
  sku_name            = "standard"

  rbac_authorization_enabled = true

  # For ever, once it is said: a vault that was deleted keeps its name for a week, and whoever makes it again has it back.
  purge_protection_enabled   = true
  soft_delete_retention_days = 7
}

# Whoever runs Terraform puts secrets there, and reads them to hand them on.
resource "azurerm_role_assignment" "officer" {
  scope                = azurerm_key_vault.this.id
  role_definition_name = "Key Vault Secrets Officer"
  principal_id         = var.officer_id
}
