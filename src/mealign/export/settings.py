"""Settings of an export: which adapter, and in which format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from mealign.settings import free_text, optional, setting


class ExportFormat(StrEnum):
    """The form of an export: a folder for ``from_pretrained``, or one file for llama.cpp and software built on it."""

    merged = "merged"
    gguf = "gguf"


class Quantization(StrEnum):
    """The number format of exported weights: fp32 and bf16 of a merged folder, f16 and q8_0 of a GGUF file."""

    fp32 = "fp32"
    bf16 = "bf16"
    f16 = "f16"
    q8_0 = "q8_0"


class AdapterName(StrEnum):
    """The adapters that training produces, by the stage that wrote them."""

    sft = "sft"
    dpo = "dpo"


QUANTIZATIONS = {
    ExportFormat.merged: (Quantization.fp32, Quantization.bf16),
    ExportFormat.gguf: (Quantization.f16, Quantization.q8_0),
}
"""The number formats of an export, the default first."""


@dataclass
class ExportConfig:
    """The export of an adapter merged into its base model.

    ``quantization`` null: fp32 for a merged folder, f16 for a GGUF file. ``path`` is the folder to write (null:
    ``exports/<adapter>-<format>-<quantization>`` beside the user's results); an earlier export there is replaced.
    """

    adapter: AdapterName = setting("the adapter by the stage that trained it")
    format: ExportFormat = setting("what the export is")
    quantization: Quantization | None = optional("the number format of its weights")
    path: str | None = free_text("the folder to make", required=False)

    def problems(self, key: str) -> Iterator[str]:
        """Report what cannot work."""
        if export_quantization(self) not in QUANTIZATIONS[self.format]:
            yield (
                f"{key}.format={self.format.value} with {key}.quantization={export_quantization(self).value}: it has "
                f"no such number format; use {' or '.join(each.value for each in QUANTIZATIONS[self.format])}"
            )


def export_quantization(export: ExportConfig) -> Quantization:
    """Return the number format of the exported weights."""
    return export.quantization or QUANTIZATIONS[export.format][0]
