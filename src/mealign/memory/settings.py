"""Settings of memory: how facts are extracted and found, and how they enter a prompt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from mealign.language.settings import LOCAL, LlmConfig, PackagedFile, named
from mealign.settings import optional, section, setting


class Extractor(StrEnum):
    """What reads facts from documents: a dependency parse, or a language model."""

    statements = "statements"
    llm = "llm"


@dataclass
class MemoryConfig:
    """How facts are extracted and found. ``llm`` is who reads when the extractor is a language model."""

    extractor: Extractor = setting("what reads facts from documents")
    bio_sentences: int = setting("the length of the bio in sentences", 1, 100)
    llm: LlmConfig = section()
    parser: PackagedFile = section()
    embedder: PackagedFile = section()
    embedder_hub_id: str | None = optional("a sentence-transformers model by name; null: the packaged one")

    def problems(self, key: str) -> Iterator[str]:
        """Say what cannot work."""
        if self.extractor is Extractor.statements and (named(self.llm) or self.llm.backend != LOCAL):
            yield f"{key}.extractor=statements with settings of {key}.llm: no model would read them; choose {key}=llm"


@dataclass
class ContextConfig:
    """How the memory enters a prompt."""

    top_k: int = setting("the number of facts in a prompt", 1, 100)
