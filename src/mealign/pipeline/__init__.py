"""What a stage is, which stages and commands there are, and what several of them use."""
