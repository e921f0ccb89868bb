"""OpenAI, and every server that speaks its API: vLLM, Ollama, llama.cpp, ``transformers serve``."""

from __future__ import annotations

from mealign.language.endpoints import BatchConnection, Endpoint
from mealign.language.vendor import DecisionApi, Vendor
from mealign.language.vendors.openai.completions import ADDRESS
from mealign.language.vendors.openai.deciding import ChatEndpoint, DecisionsEndpoint
from mealign.language.vendors.openai.writing import ChatWritingEndpoint


def batch(endpoint: Endpoint) -> BatchConnection:
    """Open the files and batches of the server."""
    from mealign.language.vendors.openai.batches import OpenAIBatches

    return OpenAIBatches(endpoint)


VENDOR = Vendor(
    address=ADDRESS,
    write=ChatWritingEndpoint,
    decide={
        "chat": DecisionApi(ChatEndpoint, batch=batch),
        "decisions": DecisionApi(DecisionsEndpoint, words=False),
    },
)
