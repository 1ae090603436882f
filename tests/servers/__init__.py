"""Servers for tests: real ones on loopback, each a context manager that gives a URL."""
