"""What comes out of training: an adapter merged into its base, as a plain folder or a GGUF file, with a model card."""
