"""Stored replies of models, and asking a model only what it has not been asked before.

Every reply is one JSON file, named by the hash of its whole request, written completely or not at all, with the digest
of both, so that a damaged one is not used but asked for again. Plain files and not a database: a reply holds the user's
text, so a person must be able to see and delete it with ordinary tools.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mealign.damage import discard, make_folder
from mealign.errors import MealignError
from mealign.jsonl import read_record, write_small
from mealign.language.chat import Prompt, Schema, TextModel
from mealign.language.egress import Personal
from mealign.progress import bar
from mealign.records import Record, canonical_json, content_id

MOST = 10_000_000
"""Bytes of a reply, where no setting says otherwise."""


class Reply(Record):
    """What a model answered, verbatim; how long it took in seconds, and whether a batch API answered.

    ``text`` is the model's text, or, for a server that decides, the body of its response.
    """

    text: str
    seconds: float | None = None
    batch: bool = False


class _Kept(Reply):
    """A reply as its file has it; ``digest`` is that of the request's key and the reply."""

    digest: str


class ReplyStore:
    """A folder of replies, by the keys of their requests.

    Args:
        folder: it is made when a reply is kept.
        most: the largest reply in bytes.
    """

    def __init__(self, folder: Path, most: int = MOST) -> None:
        self.folder = folder
        # A character of a reply may take six in its file, beside which little stands there.
        self._largest = 6 * most + 1000

    def get(self, key: str) -> Reply | None:
        """Return the reply to a request; None if it was not answered yet.

        A file that is damaged, or larger than any reply that is kept, is thrown away.
        """
        path = self._path(key)
        if path.is_dir():
            discard(path, "it stands where a file belongs")
        if not path.is_file():
            return None
        if path.stat().st_size > self._largest:
            discard(path, "it is larger than any reply that is kept")
            return None
        try:
            kept = read_record(path, _Kept)
        except MealignError:
            kept = None
        if kept is not None:
            reply = Reply(**{name: value for name, value in kept if name != "digest"})
            if kept.digest == _digest(key, reply):
                return reply
        discard(path, "this reply of a model is damaged")
        return None

    def put(self, key: str, reply: Reply) -> None:
        """Keep a reply, completely or not at all; two processes that keep the same one do not interfere."""
        text = canonical_json({**dict(reply), "digest": _digest(key, reply)}) + "\n"
        try:
            write_small(self._path(key), text)
        except (FileNotFoundError, NotADirectoryError):
            make_folder(self.folder, inside=self.folder.parent)
            write_small(self._path(key), text)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"


def _digest(key: str, reply: Reply) -> str:
    return content_id("kept", key, dict(reply))


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
    personal: Sequence[Personal] | None = None,
    max_reply_bytes: int = MOST,
) -> Replies:
    """Return the model's replies, from the folder ``cache`` where they are known.

    Raises:
        MealignError: the model cannot answer; the replies so far are kept.
    """
    keys = [
        content_id(
            "reply", model.digest, [message.model_dump() for message in prompt], schema, max_new_tokens, temperature
        )
        for prompt in prompts
    ]
    store = ReplyStore(cache, max_reply_bytes)
    texts = {key: reply.text for key in dict.fromkeys(keys) if (reply := store.get(key)) is not None}
    unknown = {key: place for place, key in enumerate(keys) if key not in texts}
    with bar(description, total=len(unknown)) as shown:
        asked = list(unknown)

        def keep(place: int, text: str) -> None:
            store.put(asked[place], Reply(text=text))
            texts[asked[place]] = text
            shown.advance()

        model.structured(
            [prompts[place] for place in unknown.values()],
            schema,
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            personal=personal and [personal[place] for place in unknown.values()],
            description=description,
            on_answer=keep,
        )
    return Replies(texts=tuple(texts[key] for key in keys), asked=len(unknown), cached=len(keys) - len(unknown))
