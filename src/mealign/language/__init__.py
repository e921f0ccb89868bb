"""Language models, on this machine and on servers, embeddings, and the weights they need."""
