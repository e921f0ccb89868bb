"""The one door to the terminal: what is printed is text, whatever it says.

Notes, names, files, models' replies and servers' messages are not ours. A string printed here has no markup, and
characters that would control the terminal (cursor, clipboard, title, direction of the text) are shown, not sent: only
:class:`rich.text.Text` and styles colour anything.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any

from rich.console import Console as RichConsole
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment

UNKNOWN = "\ufffd"
SHOWN = {
    **{code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\n\t"},
    0x7F: "\u2421",
    **dict.fromkeys((*range(0x80, 0xA0), 0x2028, 0x2029), UNKNOWN),
    # Embeddings, overrides and isolates: they show a text in another order than it has.
    **dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), UNKNOWN),
    # What stands for a byte that is no UTF-8; no terminal can be sent it.
    **dict.fromkeys(range(0xD800, 0xE000), UNKNOWN),
}
"""What stands for a character that controls: the picture of a control code, else the replacement character."""
WIDTH = 120
"""Columns in a pipe or file."""


def clean(text: str) -> str:
    """Return the text with every character that would control the terminal replaced; lines and tabs stay."""
    return text.translate(SHOWN)


class Console(RichConsole):
    """A console that prints strings as they are, and no control character but its own."""

    def __init__(self, **options: Any) -> None:
        # rich takes any digit for a number, and a superscript is one.
        environment = {name: value for name, value in os.environ.items() if not value.isdigit() or value.isascii()}
        super().__init__(highlight=False, markup=False, emoji=False, _environ=environment, **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render as rich does, with clean text."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(clean(segment.text), segment.style)

    def on_broken_pipe(self) -> None:
        """End without a word: whoever read the output has stopped."""
        abandon(self.file)
        sys.exit(1)


class Guarded(TextIOWrapper):
    """A standard stream on which text is clean, whoever prints it; rich goes to the stream behind it by itself."""

    def __init__(self, stream: TextIOWrapper) -> None:
        # What a terminal cannot show is shown in escapes.
        super().__init__(stream.buffer, stream.encoding, "backslashreplace", line_buffering=True)
        stream.reconfigure(errors="backslashreplace")
        self.rich_proxied_file = stream

    def write(self, text: str) -> int:
        """Write as usual; libraries' progress bars go back to the beginning of their line."""
        return super().write("\r".join(map(clean, text.split("\r"))))


def guard() -> None:
    """Guard standard output and standard error for the rest of the process; one that is closed leads nowhere."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name) or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
        if isinstance(stream, TextIOWrapper):
            setattr(sys, name, Guarded(stream))


def say(text: str, *, to: IO[str] | None = None) -> None:
    """Print a text to standard error, or to another stream, without breaking its lines."""
    print(clean(text), file=to or sys.stderr, flush=True)


def abandon(stream: IO[str]) -> None:
    """Send what is still to be written to a stream nowhere, so that the interpreter can end in peace."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
