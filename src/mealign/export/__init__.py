"""The export of a trained model: an adapter merged into its base, as a folder or a GGUF file, with a model card."""
