"""The two errors callers catch.

Every message names the file and line, or the config key, says what is wrong with it and what to do about it.
"""

from __future__ import annotations

from collections.abc import Iterator


class MealignError(Exception):
    """The work cannot go on; the message is for the user and is shown without a traceback (exit code 1)."""


class ConfigError(MealignError):
    """The settings cannot work; nothing has been started (exit code 2)."""


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it was raised from."""
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__
