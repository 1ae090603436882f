# A function from a zip, with an identity that may do what is listed.
#
# Flex Consumption, for a package is taken as it is, without a build at Azure, and Linux Consumption ends in 2028. The
# provider hands packages over by a way that Flex Consumption does not have (its issue 29630), so that `az` does it.

locals {
  # What has to be read anew by the function: its package, or a secret that its variables name.
  deployed = merge(var.rotations, { package = var.package.sha256, function = azurerm_function_app_flex_consumption.this.id })
}

# Each function has an account of its own for what its host needs: the package and leases. Whoever has its key decides
# what runs as this function, and as no other.
resource "azurerm_storage_account" "host" {
  #checkov:skip=CKV_AZURE_33: it has no queues
  #checkov:skip=CKV_AZURE_35: functions on Flex Consumption have no network of their own
  #checkov:skip=CKV_AZURE_59: nothing in it is public, and they have no address of their own either
  #checkov:skip=CKV_AZURE_206: the package is made again from a checkout, and leases are of the moment
  #checkov:skip=CKV2_AZURE_1: Microsoft's own key encrypts it
  #checkov:skip=CKV2_AZURE_33: a private endpoint takes a network and an hourly price
  #checkov:skip=CKV2_AZURE_38: as with replication: nothing in it has to be had back
  #checkov:skip=CKV2_AZURE_40: the provider gives the host a key even where it is told of an identity (its issue 29693)
  name                = var.host_account
  resource_group_name = var.resource_group
  location            = var.location
  tags                = var.tags

  account_tier                     = "Standard"
  account_replication_type         = "LRS"
  min_tls_version                  = "TLS1_2"
  shared_access_key_enabled        = true
  local_user_enabled               = false
  cross_tenant_replication_enabled = false
  allow_nested_items_to_be_public  = false

  sas_policy {
    expiration_period = "01.00:00:00"
  }
}

resource "azurerm_storage_container" "packages" {
  #checkov:skip=CKV2_AZURE_21: nobody but the host reads it
  name                  = "packages"
  storage_account_id    = azurerm_storage_account.host.id
  container_access_type = "private"
}

resource "azurerm_service_plan" "this" {
  #checkov:skip=CKV_AZURE_211: Flex Consumption has one size, and makes instances as they are needed
  #checkov:skip=CKV_AZURE_212: instances are made as they are needed
  #checkov:skip=CKV_AZURE_225: zones cost always ready instances
  name                = var.name
  resource_group_name = var.resource_group
  location            = var.location
  tags                = var.tags
  os_type             = "Linux"
  sku_name            = "FC1"
}

resource "azurerm_function_app_flex_consumption" "this" {
  name                = var.name
  resource_group_name = var.resource_group
  location            = var.location
  tags                = var.tags
  service_plan_id     = azurerm_service_plan.this.id

  storage_container_type      = "blobContainer"
  storage_container_endpoint  = "${azurerm_storage_account.host.primary_blob_endpoint}${azurerm_storage_container.packages.name}"
  storage_authentication_type = "StorageAccountConnectionString"
  storage_access_key          = azurerm_storage_account.host.primary_access_key

  runtime_name           = "python"
  runtime_version        = var.python
  instance_memory_in_mb  = var.memory_mb
  maximum_instance_count = var.instances
  http_concurrency       = var.concurrency
  https_only             = true
  app_settings           = var.environment

  webdeploy_publish_basic_authentication_enabled = false

  # The one that also resolves references to the vault.
  identity {
    type = "SystemAssigned"
  }

  site_config {
    application_insights_connection_string = var.insights
    http2_enabled                          = true
    minimum_tls_version                    = "1.2"
    scm_minimum_tls_version                = "1.2"
  }
}

resource "azurerm_role_assignment" "this" {
  for_each = var.rights

  scope                            = each.value.scope
  role_definition_id               = each.value.role_id
  role_definition_name             = each.value.role_name
  principal_id                     = azurerm_function_app_flex_consumption.this.identity[0].principal_id
  principal_type                   = "ServicePrincipal"
  skip_service_principal_aad_check = true
  condition                        = each.value.condition
  condition_version                = each.value.condition == null ? null : "2.0"
}

# Once the function may do what it has to. Azure looks at references to secrets once a day by itself.
resource "terraform_data" "package" {
  count = var.deploys ? 1 : 0

  triggers_replace = local.deployed

  provisioner "local-exec" {
    interpreter = ["sh", "-ec"]
    command     = <<-EOT
      az rest --method post --output none --url "https://management.azure.com$FUNCTION/config/configreferences/appsettings/refresh?api-version=2022-03-01"
      az functionapp deployment source config-zip --output none --subscription "$SUBSCRIPTION" --resource-group "$GROUP" --name "$NAME" --src "$PACKAGE"
    EOT

    environment = {
      FUNCTION     = azurerm_function_app_flex_consumption.this.id
      SUBSCRIPTION = var.subscription
      GROUP        = var.resource_group
      NAME         = azurerm_function_app_flex_consumption.this.name
      PACKAGE      = abspath(var.package.file)
    }
  }

  lifecycle {
    precondition {
      condition     = filesha256(var.package.file) == var.package.sha256
      error_message = "${var.package.file} is not the zip that manifest.json speaks of; make both again with `make package`."
    }
  }

  depends_on = [azurerm_role_assignment.this]
}
