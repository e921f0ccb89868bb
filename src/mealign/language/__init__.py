"""Language models and embeddings that run on this machine, and the weights they need."""
