"""Reading published releases; standard library only."""
