"""The model card of an export: settings, digests and measured numbers, never the user's text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from mealign.export.settings import ExportFormat, Quantization
from mealign.markdown import in_markdown

SET_NAMES = {"gold": "the user's own questions", "held_out": "questions about facts that were held out"}


@dataclass(frozen=True)
class CardValues:
    """The contents of a model card.

    Attributes:
        name: of the model, and of the GGUF file without its ending.
        format: folder or GGUF file.
        quantization: number format of the weights.
        base: the base model's name; ``base_source`` says where it is from, ``base_digest`` is the SHA-256 of its
            weights and the adapter's (16 hex digits).
        licence: of the base model, or None if it states none.
        adapter: the stage that trained the adapter; ``lora`` is what
            :func:`mealign.export.build.adapter_settings` returned.
        datasets: names of the data sets used in training, with their SHA-256; None if they have changed since.
        judge: name of the judge of the training pairs, or None.
        certificate: what :func:`mealign.judging.certificate.certify_judge` returned, or None.
        metrics: what :func:`mealign.evaluation.summary.summarise` returned for exactly this adapter, or None.
    """

    name: str
    format: ExportFormat
    quantization: Quantization
    base: str
    base_source: str
    base_digest: str
    licence: str | None
    adapter: str
    lora: Mapping[str, Any]
    datasets: Mapping[str, str] | None
    judge: str | None
    certificate: Mapping[str, Any] | None
    metrics: Mapping[str, Any] | None


def render_model_card(values: CardValues) -> str:
    """Render the card as Markdown with the front matter of a model hub."""
    environment = Environment(
        loader=PackageLoader("mealign.export"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True, autoescape=False, finalize=in_markdown,  # noqa: S701 - Markdown
    )  # fmt: skip
    environment.filters["share"] = lambda value: "unknown" if value is None else f"{value:.3f}"
    return environment.get_template("model_card.md.j2").render(card=values, set_names=SET_NAMES)
