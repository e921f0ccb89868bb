"""What a stage is, which stages and commands exist, and what several of them share."""
