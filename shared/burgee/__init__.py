"""A Git repository as a feature-flag service and promotion pipeline."""

__version__ = "0.1.0"
