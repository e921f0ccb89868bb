"""L0: a person's sources as dated documents, and a report of every item that could not be used."""
