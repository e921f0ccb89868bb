"""Settings of memory: how facts are extracted and found, and how they enter a prompt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from mealign import plugins
from mealign.language.settings import LOCAL, LlmConfig, PackagedFile, is_path, named
from mealign.settings import free_text, optional, section, setting


class Extractor(StrEnum):
    """What extracts facts from documents: a dependency parse, or a language model."""

    statements = "statements"
    llm = "llm"


@dataclass
class MemoryConfig:
    """How facts are extracted and found. ``llm`` is the model that reads where the extractor is a language model."""

    extractor: Extractor = setting("what reads facts from documents")
    bio_sentences: int = setting("the length of the bio in sentences", 1, 100)
    llm: LlmConfig = section()
    parser: PackagedFile = section()
    embedder: PackagedFile = section()
    embedder_hub_id: str | None = free_text(
        "a sentence-transformers model by name or folder", required=False, personal=is_path
    )
    embedder_sha256: str | None = optional("the digest of what the hub delivers, which pins it")

    def problems(self, key: str) -> Iterator[str]:
        """Say what cannot work."""
        if self.extractor is Extractor.statements and (named(self.llm) or self.llm.backend != LOCAL):
            yield f"{key}.extractor=statements with settings of {key}.llm: no model would read them; choose {key}=llm"


NO_MEMORY = "none"
"""The context that shows nothing."""


def context_names() -> list[str]:
    """Return the names of all contexts, those of plug-ins among them, in alphabetical order."""
    # Spelt out, the package's name would make all contexts part of the key of whatever reads settings
    # (mealign.experiment.code).
    return plugins.names_in(f"{__package__}.contexts")


@dataclass
class ContextConfig:
    """How the memory enters a prompt: ``name`` is a module of :mod:`mealign.memory.contexts`."""

    name: str = setting("the context")
    top_k: int = setting("the number of facts in a prompt", 1, 100)

    def problems(self, key: str) -> Iterator[str]:
        """Say what cannot work."""
        if self.name not in (known := context_names()):
            yield f"{key}.name={self.name}: there is no such context; use one of {', '.join(known)}"
