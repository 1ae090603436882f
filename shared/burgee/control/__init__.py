"""The control plane: what Git hosts, timers and people ask of burgee."""
