"""Tasks: rule-made questions over a person's facts, with their references and their split."""
