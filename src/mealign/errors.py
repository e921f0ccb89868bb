"""The two errors callers catch.

Every message names the file and line, or the config key, says what is wrong with it and what to do about it.
"""


class MealignError(Exception):
    """The work cannot go on; the message is for the user and is shown without a traceback (exit code 1)."""


class ConfigError(MealignError):
    """The settings cannot work; nothing has been started (exit code 2)."""
