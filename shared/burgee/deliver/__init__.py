"""Plan and apply: how a commit becomes a release."""
