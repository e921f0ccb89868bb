"""Candidate answers: samples of the policy, the reference itself, and answers that one edit made wrong."""
