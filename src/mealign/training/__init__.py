"""LoRA adapters by imitation (SFT) and by preference (DPO), through TRL."""
