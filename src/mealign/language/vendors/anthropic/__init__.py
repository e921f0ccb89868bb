"""Anthropic, and every server that speaks its messages API."""

from __future__ import annotations

from mealign.language.chat import TextModel
from mealign.language.endpoints import BatchConnection, Endpoint, Server
from mealign.language.vendor import DecisionApi, Vendor
from mealign.language.vendors.anthropic.deciding import MessagesEndpoint


def write(server: Server) -> TextModel:
    """Return a model that writes."""
    from mealign.language.vendors.anthropic.writing import AnthropicModel

    return AnthropicModel(server)


def batch(endpoint: Endpoint) -> BatchConnection:
    """Open the message batches of the server."""
    from mealign.language.vendors.anthropic.batches import AnthropicBatches

    return AnthropicBatches(endpoint)


VENDOR = Vendor(
    address="https://api.anthropic.com",
    write=write,
    decide={"chat": DecisionApi(MessagesEndpoint, batch=batch)},
)
