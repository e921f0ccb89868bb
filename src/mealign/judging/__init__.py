"""Judges that say which of two answers is better, asked in both orders, and how far they can be trusted."""
