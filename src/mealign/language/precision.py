"""Which number format is fast here: bf16 on an accelerator, and on a processor that multiplies it.

A property of the machine and not a measurement: under load a measurement comes out otherwise, and the same command
would give other bytes.
"""

from __future__ import annotations

from typing import Any

from mealign.language.settings import Precision

PRODUCTS = ("amx_bf16", "avx512_bf16", "bf16")
"""What torch calls a processor's instructions for products in bf16: with tiles, with vectors, on ARM."""


def dtype_of(precision: Precision) -> Any:
    """Return the torch dtype of a setting."""
    import torch

    if precision is Precision.auto:
        return fast_dtype()
    return torch.bfloat16 if precision is Precision.bf16 else torch.float32


def fast_dtype() -> Any:
    """Return ``torch.bfloat16`` if products are faster in it, else ``torch.float32``."""
    import torch

    if torch.cuda.is_available():
        return torch.bfloat16
    has = torch.cpu.get_capabilities()
    # oneDNN is what uses them.
    fast = torch.backends.mkldnn.is_available() and any(has.get(name) for name in PRODUCTS)  # type: ignore[no-untyped-call]
    return torch.bfloat16 if fast else torch.float32
