"""The long-running process: listener, Git hosting for development, folder watch."""
