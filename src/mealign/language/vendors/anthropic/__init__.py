"""Anthropic, and every server that speaks its messages API."""

from __future__ import annotations

from mealign.language.endpoints import BatchConnection, Endpoint
from mealign.language.vendor import DecisionApi, Vendor
from mealign.language.vendors.anthropic.deciding import MessagesEndpoint
from mealign.language.vendors.anthropic.writing import MessagesWritingEndpoint


def batch(endpoint: Endpoint) -> BatchConnection:
    """Open the message batches of the server."""
    from mealign.language.vendors.anthropic.batches import AnthropicBatches

    return AnthropicBatches(endpoint)


VENDOR = Vendor(
    address="https://api.anthropic.com",
    write=MessagesWritingEndpoint,
    decide={"chat": DecisionApi(MessagesEndpoint, batch=batch)},
)
