"""L1: what is known of a person, as dated facts with the text that says them."""
