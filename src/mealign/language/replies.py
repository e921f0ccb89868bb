"""Asking a model only what it has not been asked before.

Every reply is one JSON file under the hash of its whole request, written whole or not at all. Plain files rather than
a database: a reply holds the user's text, so a person must be able to see it, and to delete it, with the tools at hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mealign.jsonl import read_records, write_records
from mealign.language.chat import Prompt, Schema, TextModel
from mealign.progress import bar
from mealign.records import Record, content_id

BATCH = 8
"""Prompts that are asked together: what a killed run has to ask again, at most."""


class Reply(Record):
    """What a model answered, word for word."""

    text: str


@dataclass(frozen=True)
class Replies:
    """One text a prompt, in the order of the prompts; how many had to be asked for, and how many were known."""

    texts: tuple[str, ...]
    asked: int
    cached: int


def ask(
    model: TextModel,
    prompts: Sequence[Prompt],
    schema: Schema,
    *,
    cache: Path,
    max_new_tokens: int,
    temperature: float | None,
    description: str,
) -> Replies:
    """Return the model's replies, from the folder ``cache`` where it has them.

    Raises:
        MealignError: the model cannot answer; the replies so far are kept. Or a file of the cache is broken.
    """
    keys = [
        content_id(
            "reply", model.digest, [message.model_dump() for message in prompt], schema, max_new_tokens, temperature
        )
        for prompt in prompts
    ]
    unknown = {key: prompt for key, prompt in zip(keys, prompts, strict=True) if not _entry(cache, key).exists()}
    with bar(description, total=len(unknown)) as shown:
        for start in range(0, len(unknown), BATCH):
            batch = list(unknown)[start : start + BATCH]
            texts = model.structured(
                [unknown[key] for key in batch], schema, max_new_tokens=max_new_tokens, temperature=temperature
            )
            for key, text in zip(batch, texts, strict=True):
                write_records(_entry(cache, key), [Reply(text=text)])
            shown.advance(len(batch))
    known = tuple(read_records(_entry(cache, key), Reply)[0].text for key in keys)
    return Replies(texts=known, asked=len(unknown), cached=len(keys) - len(unknown))


def _entry(cache: Path, key: str) -> Path:
    return cache / f"{key}.json"
