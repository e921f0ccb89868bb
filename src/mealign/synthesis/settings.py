"""Settings of candidates: how many answers a prompt gets and how they are drawn."""

from __future__ import annotations

from dataclasses import dataclass

from mealign.settings import INFINITE, setting


@dataclass
class CandidatesConfig:
    """How many answers a prompt gets and how they are drawn."""

    n: int = setting("the number of sampled answers", 0, 64)
    temperature: float = setting("a sampling temperature", 0.01, 5)
    top_p: float = setting("a nucleus", 0.01, 1)
    max_new_tokens: int = setting("the length of an answer in tokens", 1, 4096)
    batch_size: int = setting("a batch size", 1, 4096)
    max_prompts: int = setting("the number of prompts", 1, INFINITE)
    negatives: int = setting("the number of constructed negatives", 0, 6)
