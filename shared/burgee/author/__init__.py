"""Authored files to documents, and every mistake found on the way."""
