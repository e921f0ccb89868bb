"""From settings to a model that writes, or decides."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mealign.errors import ConfigError
from mealign.language.chat import TextModel
from mealign.language.decisions import DecisionModel
from mealign.language.settings import (
    PUBLIC_SERVERS,
    ChatBackend,
    LlmConfig,
    OpenAIApi,
    PricesConfig,
    ServerConfig,
    server_of,
)
from mealign.language.transport import read_key

if TYPE_CHECKING:
    from mealign.language.batches import BatchApi
    from mealign.language.endpoints import Endpoint


def build_model(settings: LlmConfig, *, local: Callable[[], TextModel]) -> TextModel:
    """Return the model that the settings name; ``local`` loads the run's own.

    Raises:
        ConfigError: the model has no name, or the environment variable of its key is not set.
    """
    server = server_of(settings)
    if server is None:
        return local()
    if settings.model is None:
        raise ConfigError(f"backend={settings.backend.value} without a model; name one that the server has")
    key = read_key(settings.api_key_env)
    if settings.backend is ChatBackend.openai:
        from mealign.language.openai import OpenAIModel

        return OpenAIModel(settings.model, base_url=server, key=key)
    from mealign.language.anthropic import AnthropicModel

    return AnthropicModel(settings.model, base_url=server, key=key)


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
        server: who is asked, and how hard.
        cache: folder of what was answered before.
        ledger: file of what left the machine.
        prices: what models cost.
        max_usd: what asking may cost at most, known answers included.
        max_calls: how many requests it may take at most.

    Raises:
        ConfigError: the model or its server has no name, the environment variable of the key is not set, or dollars
            are limited and the model's price is unknown.
    """
    url = server.base_url or {name.value: url for name, url in PUBLIC_SERVERS.items()}.get(vendor)
    if url is None or server.model is None:
        raise ConfigError(
            f"{vendor}: a judge on a server needs judge.server.model, and judge.server.base_url where the vendor has "
            "no server of its own"
        )
    from mealign.language.deciding import RemoteModel
    from mealign.language.prices import price_of

    key = read_key(server.api_key_env)
    batches: BatchApi | None = None
    endpoint: Endpoint
    if vendor == "systemone":
        from mealign.language.deciding_systemone import SystemOneEndpoint

        endpoint = SystemOneEndpoint(server.model, url=url, key=key, timeout=server.timeout)
    elif vendor == "anthropic":
        from mealign.language.batches import AnthropicBatches
        from mealign.language.deciding_anthropic import MessagesEndpoint

        endpoint = MessagesEndpoint(
            server.model,
            url=url,
            key=key,
            max_new_tokens=server.max_new_tokens,
            temperature=server.temperature,
            timeout=server.timeout,
        )
        batches = AnthropicBatches(url=url, path=endpoint.path, key=key, timeout=server.timeout)
    elif server.api is OpenAIApi.decisions:
        from mealign.language.deciding_openai import DecisionsEndpoint

        endpoint = DecisionsEndpoint(server.model, url=url, key=key, timeout=server.timeout)
    else:
        from mealign.language.batches import OpenAIBatches
        from mealign.language.deciding_openai import ChatEndpoint

        endpoint = ChatEndpoint(
            server.model,
            url=url,
            key=key,
            max_new_tokens=server.max_new_tokens,
            temperature=server.temperature,
            timeout=server.timeout,
        )
        batches = OpenAIBatches(url=url, path=endpoint.path, key=key, timeout=server.timeout)
    return RemoteModel(
        endpoint,
        settings=server,
        cache=cache,
        ledger=ledger,
        price=price_of(server.model, prices),
        max_usd=max_usd,
        max_calls=max_calls,
        batches=batches if server.batch else None,
    )
