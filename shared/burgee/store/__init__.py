"""Where bundles and release logs are written."""
