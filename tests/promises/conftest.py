"""Of a promise that is tried on many inputs, the first runs by default and all of them with ``-m slow``."""

from collections import Counter
from pathlib import Path

import pytest

HERE = Path(__file__).parent
DEFAULT = 1
READS_CODE = {"test_no_module_unpickles"}
"""Tests that start no program."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the other inputs as slow: each is a program of its own."""
    seen: Counter[tuple[Path, str]] = Counter()
    for item in items:
        name = getattr(item, "originalname", item.name)
        if item.path.is_relative_to(HERE) and name not in READS_CODE:
            seen[item.path, name] += 1
            if seen[item.path, name] > DEFAULT:
                item.add_marker(pytest.mark.slow)
