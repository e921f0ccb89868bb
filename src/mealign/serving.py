"""A registered adapter as a model that answers: ``mlflow.pyfunc.load_model("models:/<name>@champion")``.

The base model is fetched as a run would fetch it, so what is registered is the adapter alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mealign.jsonl import read_json
from mealign.memory.context import answer_prompt

RECIPE = "recipe.json"
"""In the folder of a registered adapter: ``person``, and ``model``, the settings of its base model."""


class Answerer:
    """Answers the user's own questions, each in a prompt of its own, without memory.

    Args:
        folder: a PEFT folder with :data:`RECIPE`.
    """

    def __init__(self, folder: Path) -> None:
        from mealign.compose import to_model_config
        from mealign.language.local import LocalModel
        from mealign.language.weights import default_cache, fetch_model

        recipe = read_json(folder / RECIPE)
        settings = to_model_config(recipe["model"])
        self._person: str = recipe["person"]
        self._model = LocalModel(
            fetch_model(settings, cache=default_cache()), adapter=folder, precision=settings.precision
        )

    def predict(self, model_input: Any, params: Mapping[str, Any] | None = None) -> list[str]:
        """Return one answer per row.

        Args:
            model_input: a data frame with the column ``question``.
            params: ``max_new_tokens`` (16) of an answer.
        """
        prompts = [
            answer_prompt(question, person=self._person, kind="memory_qa_self") for question in model_input["question"]
        ]
        replies = self._model.chat(
            prompts, max_new_tokens=(params or {}).get("max_new_tokens", 16), description="answer"
        )
        return [reply.strip() for (reply,) in replies]


def _load_pyfunc(path: str) -> Answerer:
    """Load what MLflow has fetched; it calls this by name."""
    return Answerer(Path(path))
