"""The Python SDK; standard library only."""
