"""Stored replies of models, and asking a model only what it has not been asked before.

Every reply is one JSON file, named by the hash of its whole request, written completely or not at all. Plain files and
not a database: a reply holds the user's text, so a person must be able to see and delete it with ordinary tools.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mealign.errors import MealignError
from mealign.jsonl import read_records, write_small
from mealign.language.chat import Prompt, Schema, TextModel
from mealign.progress import bar
from mealign.records import Record, canonical_json, content_id

BATCH = 8
"""Prompts that are asked together: the most that a killed run has to ask again."""


class Reply(Record):
    """What a model answered, verbatim; how long it took in seconds, and whether a batch API answered.

    ``text`` is the model's text, or, for a server that decides, the body of its response.
    """

    text: str
    seconds: float | None = None
    batch: bool = False


class ReplyStore:
    """A folder of replies, by the keys of their requests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, key: str) -> Reply | None:
        """Return the reply to a request; None if it was not answered yet.

        Raises:
            MealignError: the reply's file is broken.
        """
        path = self._path(key)
        if not path.exists():
            return None
        found = read_records(path, Reply)
        if not found:
            raise MealignError(f"{path}: it is empty; delete it, and the request is sent again")
        return found[0]

    def put(self, key: str, reply: Reply) -> None:
        """Keep a reply, completely or not at all; two processes that keep the same one do not interfere."""
        text = canonical_json(dict(reply)) + "\n"
        try:
            write_small(self._path(key), text)
        except FileNotFoundError:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_small(self._path(key), text)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"


@dataclass(frozen=True)
class Replies:
    """One text per prompt, in the order of the prompts; how many had to be requested, and how many were known."""

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
    """Return the model's replies, from the folder ``cache`` where they are known.

    Raises:
        MealignError: the model cannot answer (the replies so far are kept), or a file of the cache is broken.
    """
    keys = [
        content_id(
            "reply", model.digest, [message.model_dump() for message in prompt], schema, max_new_tokens, temperature
        )
        for prompt in prompts
    ]
    store = ReplyStore(cache)
    replies = {key: store.get(key) for key in keys}
    unknown = {key: prompt for key, prompt in zip(keys, prompts, strict=True) if replies[key] is None}
    with bar(description, total=len(unknown)) as shown:
        for start in range(0, len(unknown), BATCH):
            batch = list(unknown)[start : start + BATCH]
            texts = model.structured(
                [unknown[key] for key in batch], schema, max_new_tokens=max_new_tokens, temperature=temperature
            )
            for key, text in zip(batch, texts, strict=True):
                replies[key] = Reply(text=text)
                store.put(key, Reply(text=text))
            shown.advance(len(batch))
    known = tuple(reply.text for key in keys if (reply := replies[key]) is not None)
    return Replies(texts=known, asked=len(unknown), cached=len(keys) - len(unknown))
