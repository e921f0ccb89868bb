"""Running experiments: which stages have to run, where their results are kept, and the books."""
