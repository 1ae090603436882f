terraform {
  required_version = ">= 1.11"

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = ">= 4.55, < 5"
    }
    random = {
      source  = "hashicorp/random"
      version = ">= 3.7, < 4"
    }
  }
}

provider "azurerm" {
  subscription_id = var.subscription

  # Accounts are made and asked by identities; there is no key for the provider to ask with.
  storage_use_azuread = true

  features {
    key_vault {
      purge_soft_delete_on_destroy = false
    }

    resource_group {
      prevent_deletion_if_contains_resources = !var.force_destroy
    }

    storage {
      data_plane_available = false
    }
  }
}
