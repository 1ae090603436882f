# The storage account of a store and of its queue. No role that is made here lets anybody delete a blob: releases and blobs
# are for ever.

resource "azurerm_storage_account" "this" {
  #checkov:skip=CKV_AZURE_33: the queue's messages say which ref may have moved, and the functions' logs what came of them
  #checkov:skip=CKV_AZURE_35: Git hosts, SDKs and functions on Flex Consumption have no network of their own; roles decide
  #checkov:skip=CKV_AZURE_59: nobody reads without a role unless public_container asks for it
  #checkov:skip=CKV_AZURE_190: only where public_container asks for it
  #checkov:skip=CKV_AZURE_206: a store is copied by mirrors, each with its own head
  #checkov:skip=CKV2_AZURE_1: Microsoft's own key encrypts it; nothing in a store is secret to those who may read it
  #checkov:skip=CKV2_AZURE_33: a private endpoint takes a network and an hourly price; roles decide
  #checkov:skip=CKV2_AZURE_47: only where public_container asks for it
  name                = var.account
  resource_group_name = var.resource_group
  location            = var.location
  tags                = var.tags

  account_tier             = "Standard"
  account_replication_type = "LRS"
  min_tls_version          = "TLS1_2"

  # Only identities: there is no key that could leak.
  shared_access_key_enabled        = false
  default_to_oauth_authentication  = true
  local_user_enabled               = false
  cross_tenant_replication_enabled = false
  allow_nested_items_to_be_public  = var.public

  # Versions let a head that somebody broke by hand be put back; what was deleted can be had back as well.
  blob_properties {
    versioning_enabled = true

    delete_retention_policy {
      days = 30
    }

    container_delete_retention_policy {
      days = 30
    }

    # Pages of any origin: what everybody may read, a page may read too. Flipt's client needs to see the ETag.
    dynamic "cors_rule" {
      for_each = var.public ? ["everybody"] : []

      content {
        allowed_origins    = ["*"]
        allowed_methods    = ["GET", "HEAD"]
        allowed_headers    = ["authorization", "cache-control", "if-none-match", "x-flipt-accept-server-version", "x-flipt-environment"]
        exposed_headers    = ["ETag"]
        max_age_in_seconds = 300
      }
    }
  }
}

# `blob` lets everybody read a blob whose name they know, and nobody list: blobs, heads, static snapshots, and the log too.
resource "azurerm_storage_container" "this" {
  #checkov:skip=CKV_AZURE_34: only where public_container asks for it
  #checkov:skip=CKV2_AZURE_21: who reads is told by the account's diagnostic settings where that is wanted
  name                  = var.container
  storage_account_id    = azurerm_storage_account.this.id
  container_access_type = var.public ? "blob" : "private"
}

resource "azurerm_storage_management_policy" "this" {
  storage_account_id = azurerm_storage_account.this.id

  # Heads, the index and static snapshots are replaced all the time. Azure cannot keep the newest few of what was replaced,
  # so that all of it stays for a quarter of a year, a release that somebody replaced by hand included.
  rule {
    name    = "replaced-versions"
    enabled = true

    filters {
      blob_types   = ["blockBlob"]
      prefix_match = ["${var.container}/${var.path}environments/"]
    }

    actions {
      version {
        delete_after_days_since_creation = 90
      }
    }
  }

  # What readers say of themselves, `environments/*/instances/`, has no prefix of its own: the tag is what a writer of it has
  # to give. Nothing writes it yet.
  rule {
    name    = "instances"
    enabled = true

    filters {
      blob_types = ["blockBlob"]

      match_blob_index_tag {
        name      = "burgee"
        operation = "=="
        value     = "instance"
      }
    }

    actions {
      base_blob {
        delete_after_days_since_modification_greater_than = 7
      }
    }
  }
}

resource "azurerm_role_definition" "reads" {
  name        = "${var.role_prefix} reads releases"
  scope       = var.resource_group_id
  description = "Reads and lists blobs of a store."

  permissions {
    data_actions = ["${local.blobs}/read"]
  }

  assignable_scopes = [var.resource_group_id]
}

resource "azurerm_role_definition" "writes" {
  name        = "${var.role_prefix} writes releases"
  scope       = var.resource_group_id
  description = "Reads, lists and writes blobs of a store, and deletes none."

  permissions {
    data_actions = ["${local.blobs}/add/action", "${local.blobs}/read", "${local.blobs}/write"]
  }

  assignable_scopes = [var.resource_group_id]
}

locals {
  blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
}
