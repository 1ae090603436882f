"""Pure decisions about flags; imports nothing but the standard library."""
