"""The burgee command."""
