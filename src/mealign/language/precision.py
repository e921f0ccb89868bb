"""Which number format is fastest here: measured, since CPUs with the same name differ by a factor of four."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

from mealign.language.settings import Precision

SPEEDUP = 1.5
"""The speedup from which bf16 is worth its seven bits of mantissa."""


def dtype_of(precision: Precision) -> Any:
    """Return the torch dtype of a setting."""
    import torch

    if precision is Precision.auto:
        return fast_dtype()
    return torch.bfloat16 if precision is Precision.bf16 else torch.float32


@cache
def fast_dtype() -> Any:
    """Return ``torch.bfloat16`` if products are faster in it, always on an accelerator; else ``torch.float32``.

    The measurement is the median of seven products with the shapes of a small model's layers, and takes about 50 ms.
    """
    import torch

    if torch.cuda.is_available():
        return torch.bfloat16
    ratio = _seconds(torch.float32) / _seconds(torch.bfloat16)
    return torch.bfloat16 if ratio >= SPEEDUP else torch.float32


def _seconds(dtype: Any) -> float:
    import torch

    left, right = torch.ones(1024, 576, dtype=dtype), torch.ones(576, 1536, dtype=dtype)
    left @ right
    taken = []
    for _ in range(7):
        started = time.perf_counter()
        left @ right
        taken.append(time.perf_counter() - started)
    return sorted(taken)[3]
