"""Candidate answers: sampled from the policy, the reference itself, and answers that one edit made wrong."""
