# A secret whose value this state never holds: made here and handed on without being written down, or put there later.

ephemeral "random_password" "this" {
  length  = 48
  special = false
}

# A function does not start while a secret that it names cannot be resolved. Until a person puts a value there, it is a
# blank, which counts as none.
resource "azurerm_key_vault_secret" "this" {
  #checkov:skip=CKV_AZURE_41: its other half is at the Git host or with the clients; a new number in rotations changes it
  name             = var.name
  key_vault_id     = var.vault_id
  content_type     = var.purpose
  value_wo         = var.rotation == null ? " " : ephemeral.random_password.this.result
  value_wo_version = coalesce(var.rotation, 1)
}
