"""From settings to a model that writes."""

from __future__ import annotations

from collections.abc import Callable

from mealign.config import ChatBackend, LlmConfig, server_of
from mealign.errors import ConfigError
from mealign.language.chat import TextModel
from mealign.language.transport import read_key


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
