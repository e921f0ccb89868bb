"""Writes the folder of an export, completely or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig

from mealign.errors import ConfigError
from mealign.export.gguf_file import check_supported, verify_gguf, write_gguf
from mealign.export.merge import merge_adapter
from mealign.export.settings import Quantization
from mealign.jsonl import read_json, write_json
from mealign.language.weights import forget_digest, quiet_transformers
from mealign.progress import bar
from mealign.training.base_models import load_tokenizer

PROVENANCE = "mealign_export.json"
"""File that records what an export was made from; a folder with it is an export and may be replaced."""


def export_model(
    folder: Path,
    *,
    base: Path,
    adapter: Path,
    quantization: Quantization,
    name: str,
    card: str,
    provenance: Mapping[str, Any],
) -> None:
    """Merge an adapter into its base and write the result, with its model card.

    A merged folder holds safetensors, configuration, tokenizer, chat template and generation settings; a GGUF export
    holds ``<name>.gguf``, verified by loading it again.

    Args:
        folder: the folder to write; an earlier export there is replaced in one step.
        base: a ``from_pretrained`` folder.
        adapter: a PEFT folder.
        quantization: the number format, which decides between a folder (fp32, bf16) and a GGUF file (f16, q8_0).
        name: of the GGUF file and the model in it.
        card: the model card.
        provenance: JSON values that describe what the export is made from, written to :data:`PROVENANCE`.

    Raises:
        ConfigError: the folder holds something else.
        MealignError: the model cannot be written in this format (checked first), the adapter does not fit, or the
            written file loads with different values.
    """
    require_free(folder)
    tokenizer = load_tokenizer(base)
    as_folder = quantization in (Quantization.fp32, Quantization.bf16)
    if not as_folder:
        check_supported(AutoConfig.from_pretrained(base), tokenizer)
    folder.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{folder.name}.export-"
    for unfinished in folder.parent.glob(f"{prefix}*"):
        shutil.rmtree(unfinished, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=prefix) as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        with bar("export: merge", total=None):
            model = merge_adapter(base, adapter)
        write = _write_merged if as_folder else _write_gguf
        write(model, tokenizer, made, quantization, name)
        (made / "README.md").write_text(card, encoding="utf-8")
        write_json(made / PROVENANCE, dict(provenance))
        forget_digest(folder)
        if folder.exists():
            folder.rename(Path(scratch) / "replaced")
        made.rename(folder)


def require_free(folder: Path) -> None:
    """Refuse to overwrite anything but an earlier export.

    Raises:
        ConfigError: the folder holds something else, or is a file.
    """
    if not folder.exists() or (folder.is_dir() and ((folder / PROVENANCE).is_file() or not any(folder.iterdir()))):
        return
    raise ConfigError(
        f"export.path={folder}: there is something that is no export of mealign's; name a folder that does not exist"
    )


def adapter_settings(adapter: Path) -> dict[str, Any]:
    """Return an adapter's settings from its config: rank, alpha, dropout, targets, and the variant of LoRA."""
    saved = read_json(adapter / "adapter_config.json")
    return {
        "rank": saved["r"],
        "alpha": saved["lora_alpha"],
        "dropout": saved["lora_dropout"],
        "targets": sorted(saved["target_modules"]),
        "rslora": bool(saved.get("use_rslora")),
        "dora": bool(saved.get("use_dora")),
    }


def _write_merged(model: Any, tokenizer: Any, folder: Path, quantization: Quantization, name: str) -> None:
    del name
    with bar("export: write", total=None), quiet_transformers():
        model.to(torch.bfloat16 if quantization is Quantization.bf16 else torch.float32).save_pretrained(folder)
        tokenizer.save_pretrained(folder)


def _write_gguf(model: Any, tokenizer: Any, folder: Path, quantization: Quantization, name: str) -> None:
    path = folder / f"{name}.gguf"
    with bar("export: write", total=None):
        write_gguf(model, tokenizer, path, quantization=quantization, name=name)
    with bar("export: load again", total=None):
        verify_gguf(path, model, tokenizer, quantization=quantization)
