"""What is printed is text: nothing in it is markup, and nothing in it controls the terminal."""

import io
import re
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from mealign.console import Console, Guarded, clean, say

UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
ESCAPES = st.text(st.sampled_from("\x1b\x9b\x07\x08\r\x7f\u202e\u2066[]/bred0;m52c\\")) | st.text(
    st.characters(exclude_categories=[])
)


def table(text: str) -> Table:
    found = Table(title=text, caption=text)
    found.add_column(text)
    found.add_row(text)
    return found


def tree(text: str) -> Tree:
    found = Tree(text)
    found.add(Text.assemble(text, (text, "bold")))
    return found


@given(ESCAPES)
@example("[/b] [red]x[/red] :smile: [link=http://example.org]y[/link]")
@example("\x1b]52;c;aGVsbG8=\x07 \x1b[2J \x1b]0;title\x1b\\ \x9b31m \u202eevil")
def test_nothing_printed_controls_the_terminal(text: str) -> None:
    for render in (str, Text, table, tree, lambda text: Group(text, Text(text))):
        console = Console(file=io.StringIO(), width=200)
        console.print(render(text))
        assert not UNSAFE.search(console.file.getvalue())  # type: ignore[attr-defined]


@pytest.mark.parametrize("render", [str, Text, table, tree])
def test_markup_is_shown_as_it_is_written(render: Callable[[str], RenderableType]) -> None:
    console = Console(file=io.StringIO(), width=200)
    console.print(render("[/b] [red]x :smile:"))
    assert "[/b] [red]x :smile:" in console.file.getvalue()  # type: ignore[attr-defined]


@given(ESCAPES)
def test_a_clean_text_stays_one_character_a_character(text: str) -> None:
    assert len(clean(text)) == len(text)
    assert clean(clean(text)) == clean(text)
    assert not UNSAFE.search(clean(text))


def test_our_own_colours_are_sent() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, color_system="standard", width=80)
    console.print(Text("\x1b[31m", style="bold"))
    assert console.file.getvalue() == "\x1b[1m␛[31m\x1b[0m\n"  # type: ignore[attr-defined]


def test_a_line_is_said_whole_and_what_others_print_is_clean() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), "ascii")
    guarded = Guarded(stream)
    say("a\x1b[2J " + "long " * 100, to=guarded)
    print("\r50 %\x9b 李雷", file=guarded)
    Console(file=guarded, width=80).print("\x1b")
    guarded.flush()
    written = stream.buffer.getvalue().decode("ascii")  # type: ignore[attr-defined]
    assert written.startswith("a\\u241b[2J long long")
    assert written.count("\n") == 3
    assert "\r50 %\\ufffd \\u674e\\u96f7\n" in written
