"""OpenAI, and every server that speaks its API: vLLM, Ollama, llama.cpp, ``transformers serve``."""

from __future__ import annotations

from mealign.language.chat import TextModel
from mealign.language.endpoints import BatchConnection, Endpoint, Server
from mealign.language.vendor import DecisionApi, Vendor
from mealign.language.vendors.openai.address import ADDRESS
from mealign.language.vendors.openai.deciding import ChatEndpoint, DecisionsEndpoint


def write(server: Server) -> TextModel:
    """Return a model that writes."""
    from mealign.language.vendors.openai.writing import OpenAIModel

    return OpenAIModel(server)


def batch(endpoint: Endpoint) -> BatchConnection:
    """Open the files and batches of the server."""
    from mealign.language.vendors.openai.batches import OpenAIBatches

    return OpenAIBatches(endpoint)


VENDOR = Vendor(
    address=ADDRESS,
    write=write,
    decide={
        "chat": DecisionApi(ChatEndpoint, batch=batch),
        "decisions": DecisionApi(DecisionsEndpoint, words=False),
    },
)
