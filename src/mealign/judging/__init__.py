"""Which of two answers is better, asked in both orders, and how far whoever says so can be trusted."""
