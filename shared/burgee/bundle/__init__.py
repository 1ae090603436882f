"""The formats that are for ever: documents, bundles, releases, heads and their object names."""
