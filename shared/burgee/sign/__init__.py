"""Signing releases and heads, with a key in a file or in a cloud's key service."""
