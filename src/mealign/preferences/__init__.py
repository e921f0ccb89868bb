"""L2: chosen and rejected answers for training, with the lineage of every pair."""
