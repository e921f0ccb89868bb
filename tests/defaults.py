"""Settings as ``conf/`` gives them, with what a test changes: ``SftConfig(epochs=2)``."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from operator import attrgetter
from typing import Any

from mealign.compose import compose_settings
from mealign.config import Settings

composed: Callable[[], Settings] = cache(compose_settings)


def _section(key: str, **values: Any) -> Callable[..., Any]:
    def make(**changes: Any) -> Any:
        return replace(attrgetter(key)(composed()), **{**values, **changes})

    return make


UserConfig = _section("user")
IngestConfig = _section("ingest")
MemoryConfig = _section("memory")
LlmConfig = _section("memory.llm")
ContextConfig = _section("context")
TaskConfig = _section("task")
CandidatesConfig = _section("candidates")
JudgeConfig = _section("judge")
ServerConfig = _section("judge.server")
PreferencesConfig = _section("preferences")
PricesConfig = _section("prices", models=[])
ModelConfig = _section("model")
LoraConfig = _section("lora")
MixConfig = _section("mix")
SftConfig = _section("training.sft")
DpoConfig = _section("training.dpo")
EvaluationConfig = _section("evaluation")
TrackingConfig = _section("tracking")
