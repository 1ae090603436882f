"""Where what was accepted waits until it is done."""
