"""Builds a model that writes, or decides, from settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mealign import plugins
from mealign.errors import ConfigError
from mealign.language.chat import TextModel
from mealign.language.decisions import DecisionModel
from mealign.language.endpoints import Server
from mealign.language.settings import LOCAL, LlmConfig, PricesConfig, ServerConfig
from mealign.language.vendor import Vendor


def build_model(settings: LlmConfig, *, local: Callable[[], TextModel]) -> TextModel:
    """Return the model that the settings name; ``local`` loads the run's own.

    Raises:
        ConfigError: there is no such vendor, its models do not write, the model or its server has no name, or the
            environment variable of the key is not set.
    """
    if settings.backend == LOCAL:
        return local()
    vendor = _vendor(settings.backend)
    if vendor.write is None:
        raise ConfigError(f"backend={settings.backend}: no model of this vendor writes; choose another")
    url = settings.base_url or vendor.address
    if settings.model is None or url is None:
        raise ConfigError(
            f"backend={settings.backend} without a model; name one that the server has, and base_url where the vendor "
            "has no server of its own"
        )
    return vendor.write(_server(settings.model, url, settings.api_key_env))


def build_decision_model(
    vendor: str,
    server: ServerConfig,
    *,
    cache: Path,
    ledger: Path,
    prices: PricesConfig,
    max_usd: float | None = None,
    max_calls: int | None = None,
) -> DecisionModel:
    """Return a model on a server that decides.

    Args:
        vendor: whose API the server has.
        server: the model on its server, and the request limits.
        cache: folder of earlier answers.
        ledger: file that records what left the machine.
        prices: what models cost.
        max_usd: maximum cost, including known answers.
        max_calls: maximum number of requests.

    Raises:
        ConfigError: there is no such vendor or API, the model or its server has no name, the environment variable of
            the key is not set, or dollars are limited and the model's price is unknown.
    """
    adapter = _vendor(vendor)
    api, url = adapter.decision_api(server.api), server.base_url or adapter.address
    if api is None:
        raise ConfigError(f"judge.server.api={server.api}: {vendor} has no such API; choose another")
    if url is None or server.model is None:
        raise ConfigError(
            f"{vendor}: a judge on a server needs judge.server.model, and judge.server.base_url where the vendor has "
            "no server of its own"
        )
    from mealign.language.deciding import RemoteModel
    from mealign.language.prices import price_of

    return RemoteModel(
        api,
        _server(server.model, url, server.api_key_env),
        settings=server,
        cache=cache,
        ledger=ledger,
        price=price_of(server.model, prices),
        max_usd=max_usd,
        max_calls=max_calls,
    )


def _vendor(name: str) -> Vendor:
    # The package's name is a literal because a vendor's adapter decides results (mealign.experiment.code).
    found: Vendor = plugins.member("mealign.language.vendors", name, "VENDOR")
    return found


def _server(model: str, url: str, api_key_env: str | None) -> Server:
    from mealign.language.transport import read_key

    return Server(model, url, read_key(api_key_env))
