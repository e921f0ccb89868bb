"""Tables, figures and the report, from aggregate numbers only."""
