"""The answers of each arm, their scores, and the uncertainty of the scores."""
