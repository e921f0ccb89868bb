"""The promises of docs/security.md, each tried through the real command line."""
