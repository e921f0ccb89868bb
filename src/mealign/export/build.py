"""Writes the folder of an export, completely or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from glob import escape
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig

from mealign.errors import ConfigError, MealignError
from mealign.export.gguf_file import check_supported, verify_gguf, write_gguf
from mealign.export.merge import merge_adapter
from mealign.export.settings import Quantization
from mealign.jsonl import digest_path, read_object, write_json
from mealign.language.weights import quiet_transformers
from mealign.progress import bar
from mealign.training.adapters import read_config
from mealign.training.base_models import load_tokenizer

PROVENANCE = "mealign_export.json"
"""File that records what an export was made from, and under ``files`` the digests of what it wrote."""
CARD = "README.md"
REPLACED = "replaced"


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
        folder: the folder to write. Of an earlier export there, what it wrote is replaced in one step, and no other
            file is touched.
        base: a ``from_pretrained`` folder.
        adapter: a PEFT folder.
        quantization: the number format, which decides between a folder (fp32, bf16) and a GGUF file (f16, q8_0).
        name: of the GGUF file and the model in it.
        card: the model card.
        provenance: JSON values that describe what the export is made from, written to :data:`PROVENANCE`.

    Raises:
        ConfigError: the folder is no export's, or holds a file of another one's in the place of one to be written.
        MealignError: the folder cannot be replaced, the model cannot be written in this format (checked first), the
            adapter does not fit, or the written file loads with different values.
    """
    folder = folder.resolve()
    require_free(folder)
    tokenizer = load_tokenizer(base)
    as_folder = quantization in (Quantization.fp32, Quantization.bf16)
    if not as_folder:
        check_supported(AutoConfig.from_pretrained(base), tokenizer)
    folder.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{folder.name}.export-"
    for unfinished in folder.parent.glob(f"{escape(prefix)}*"):
        _clear(unfinished, folder)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=prefix) as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        with bar("export: merge", total=None):
            model = merge_adapter(base, adapter)
        write = _write_merged if as_folder else _write_gguf
        write(model, tokenizer, made, quantization, name)
        (made / CARD).write_text(card, encoding="utf-8")
        files = {path.relative_to(made).as_posix(): digest_path(path) for path in _files_in(made)}
        write_json(made / PROVENANCE, {**provenance, "files": files})
        _carry_over(folder, made)
        try:
            _swap(folder, made, Path(scratch) / REPLACED)
        except OSError as error:
            raise MealignError(
                f"export.path={folder}: this folder cannot be replaced ({error.strerror}); name another, or one in it"
            ) from error


def require_free(folder: Path) -> None:
    """Refuse a folder that neither is empty nor holds an earlier export, before anything is done.

    Raises:
        ConfigError: the folder holds something else, or is a file; or a file of the export was changed since.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / PROVENANCE).is_file():
        raise ConfigError(
            f"export.path={folder}: there is something that is no export of mealign's; name a folder that does not "
            "exist"
        )
    written = _written(folder)
    for path in _others(folder, written):
        # A card is part of every export.
        if (name := path.relative_to(folder).as_posix()) in (*written, CARD):
            raise _in_the_way(folder, name)


def _written(folder: Path) -> dict[str, str]:
    """Return what an earlier export says that it wrote, by digest."""
    try:
        files = read_object(folder / PROVENANCE).get("files")
    except MealignError:
        return {}
    return files if isinstance(files, dict) else {}


def _others(folder: Path, written: Mapping[str, str]) -> Iterator[Path]:
    """Yield the files of a folder that are not as an export wrote them, and folders with nothing in them."""
    for path in _files_in(folder):
        name = path.relative_to(folder).as_posix()
        if name != PROVENANCE and (path.is_symlink() or written.get(name) != digest_path(path)):
            yield path


def _files_in(folder: Path) -> list[Path]:
    """Return everything below a folder but folders that hold something; links are not followed."""
    found = []
    for parent, folders, files in os.walk(folder):
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        found += [Path(parent) / name for name in (*files, *links)]
        if not (folders or files or Path(parent) == folder):
            found.append(Path(parent))
    return sorted(found)


def _carry_over(folder: Path, made: Path) -> None:
    """Give a new export the files of the folder that no export wrote, before it takes its place.

    Raises:
        ConfigError: one of them is in the place of a file of the new export.
    """
    if not folder.exists():
        return
    for path in _others(folder, _written(folder)):
        name = path.relative_to(folder).as_posix()
        target = made / name
        if os.path.lexists(target) or any(parent.is_file() for parent in target.parents):
            raise _in_the_way(folder, name)
        if path.is_dir() and not path.is_symlink():
            target.mkdir(parents=True, exist_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, target, follow_symlinks=False)
        except OSError:  # Not every file system has links.
            shutil.copy2(path, target, follow_symlinks=False)


def _in_the_way(folder: Path, name: str) -> ConfigError:
    return ConfigError(
        f"export.path={folder}: {name} is in the way, and is not as an export wrote it; move it, or name another folder"
    )


def _swap(folder: Path, made: Path, replaced: Path) -> None:
    """Put a new folder into the place of another one, which goes to ``replaced``; if that fails, it comes back."""
    if folder.exists():
        folder.rename(replaced)
    try:
        made.rename(folder)
    except BaseException:
        if replaced.exists():
            replaced.rename(folder)
        raise


def _clear(unfinished: Path, folder: Path) -> None:
    """Remove what a killed export left; the folder that it was replacing comes back."""
    if (unfinished / REPLACED).exists() and not folder.exists():
        (unfinished / REPLACED).rename(folder)
    shutil.rmtree(unfinished, ignore_errors=True)


def adapter_settings(adapter: Path) -> dict[str, Any]:
    """Return an adapter's settings from its config: rank, alpha, dropout, targets, and the variant of LoRA.

    Raises:
        MealignError: the config is missing or damaged.
    """
    saved = read_config(adapter)
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
