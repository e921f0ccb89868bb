"""Builds a model that writes, or decides, from settings."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from mealign import plugins
from mealign.errors import ConfigError
from mealign.language.chat import TextModel
from mealign.language.decisions import DecisionModel
from mealign.language.endpoints import Server
from mealign.language.settings import LlmConfig, PricesConfig, RequestLimits, ServerConfig
from mealign.language.vendor import Vendor
from mealign.records import content_id


def build_model(settings: LlmConfig, *, spent: Path, ledger: Path, prices: PricesConfig) -> TextModel:
    """Return a model on a server that writes.

    Args:
        settings: the model, its budget, and the request limits.
        spent: folder where what was sent to a server is counted.
        ledger: file that records what left the machine.
        prices: what models cost.

    Raises:
        ConfigError: there is no such vendor, its models do not write, the model or its server has no name, the
            environment variable of the key is not set, or dollars are limited and the model's price is unknown.
    """
    vendor, key = _vendor(settings.backend), "memory.llm"
    if vendor.write is None:
        raise ConfigError(f"{key}.backend={settings.backend}: no model of this vendor writes; choose another")
    from mealign.language.budget import Budget
    from mealign.language.egress import Ledger
    from mealign.language.prices import price_of
    from mealign.language.remote import Remote
    from mealign.language.writing import RemoteWriter

    server = _server(settings, vendor, key=key, name=settings.backend)
    endpoint = vendor.write(server, settings)
    budget = Budget(
        max_usd=settings.max_usd, max_calls=settings.max_calls, setting=key, path=_spent(spent, "memory", server)
    )
    return RemoteWriter(
        endpoint,
        remote=Remote(
            endpoint,
            budget=budget,
            ledger=Ledger(ledger, address=server.url, model=server.model, leaves=server.leaves),
            price=price_of(server.model, prices),
        ),
    )


def build_decision_model(
    vendor: str,
    settings: ServerConfig,
    *,
    cache: Path,
    ledger: Path,
    prices: PricesConfig,
    max_usd: float | None = None,
    max_calls: int | None = None,
    judge: str = "",
    key: str = "judge",
) -> DecisionModel:
    """Return a model on a server that decides.

    Args:
        vendor: whose API the server has.
        settings: the model on its server, and the request limits.
        cache: folder of earlier answers, and where what was sent is counted.
        ledger: file that records what left the machine.
        prices: what models cost.
        max_usd: maximum cost, of all runs together.
        max_calls: maximum number of requests sent, of all runs together.
        judge: whose budget that is.
        key: the section of the settings that names the judge, for messages.

    Raises:
        ConfigError: there is no such vendor or API, the model or its server has no name, the environment variable of
            the key is not set, or dollars are limited and the model's price is unknown.
    """
    adapter = _vendor(vendor)
    api = adapter.decision_api(settings.api)
    if api is None:
        raise ConfigError(f"{key}.server.api={settings.api}: {vendor} has no such API; choose another")
    from mealign.language.budget import Budget
    from mealign.language.deciding import RemoteModel
    from mealign.language.egress import Ledger
    from mealign.language.prices import price_of
    from mealign.language.remote import Batching, Remote
    from mealign.language.replies import ReplyStore

    server = _server(settings, adapter, key=f"{key}.server", name=vendor)
    endpoint = api.endpoint(server, settings)
    store = ReplyStore(cache, settings.max_reply_bytes)
    return RemoteModel(
        endpoint,
        words=api.words,
        store=store,
        remote=Remote(
            endpoint,
            budget=Budget(
                max_usd=max_usd, max_calls=max_calls, setting=key, path=_spent(cache / "spent", judge, server)
            ),
            ledger=Ledger(ledger, address=server.url, model=server.model, leaves=server.leaves),
            price=price_of(server.model, prices),
            batching=Batching(partial(api.batch, endpoint), store) if settings.batch and api.batch else None,
        ),
    )


def _vendor(name: str) -> Vendor:
    # The package's name is a literal because a vendor's adapter decides results (mealign.experiment.code).
    found: Vendor = plugins.member("mealign.language.vendors", name, "VENDOR")
    return found


def _server(settings: RequestLimits, vendor: Vendor, *, key: str, name: str) -> Server:
    from mealign.language.transport import read_key

    url = settings.base_url or vendor.address
    if settings.model is None or url is None:
        raise ConfigError(
            f"{name}: a model on a server needs {key}.model, and {key}.base_url where the vendor has no server of its "
            "own"
        )
    return Server(
        settings.model,
        url,
        read_key(settings.api_key_env),
        setting=key,
        proxy=settings.proxy,
        is_vendors=url == vendor.address,
    )


def _spent(folder: Path, whose: str, server: Server) -> Path:
    """Return the file of one budget: that of a judge or the memory, for one model on one server."""
    return folder / f"{content_id('spent', whose, server.url, server.model)}.jsonl"
