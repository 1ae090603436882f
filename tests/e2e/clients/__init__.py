"""Programs that use other people's clients, unmodified, each in a process of its own: one of them may abort it."""
