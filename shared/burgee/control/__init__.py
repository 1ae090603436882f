"""The control plane: webhook, dashboard, promotions."""
