"""What a change of flags means for those who ask: exactly who gets another answer, and how risky that is."""
