"""mealign: from one person's notes to a LoRA adapter that knows them, with the evidence for what made it better."""

__version__ = "0.1.0"
