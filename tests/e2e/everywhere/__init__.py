"""One push, four places."""
