"""A text in a Markdown page stands for itself."""

from dataclasses import dataclass

import pytest
from markupsafe import Markup

from mealign.markdown import all_in_markdown, in_markdown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[x](javascript:alert(1))", "[x]&#40;javascript:alert(1))"),
        ("![](http://example.org/seen)", "![]&#40;http://example.org/seen)"),
        ("[x][y]", "[x]&#91;y]"),
        ("<script>", "&lt;script>"),
        ("a | b", "a &#124; b"),
        ("a\n# b", "a # b"),
        ("`a`", "&#96;a&#96;"),
        ("\\|", "&#92;&#124;"),
        ("&lt;", "&amp;lt;"),
        ("\x1b[2J\u202e", "␛[2J\ufffd"),
        ("0.262 [0.221, 0.305]", "0.262 [0.221, 0.305]"),
        (3, "3"),
        (Markup("<b>"), "<b>"),
    ],
)
def test_what_a_text_says_is_no_markup(text: object, shown: str) -> None:
    assert in_markdown(text) == shown


@dataclass(frozen=True)
class Page:
    title: str
    rows: tuple[tuple[str, int], ...]


def test_every_text_of_a_page_is_escaped() -> None:
    assert all_in_markdown(Page("<a>", (("a|b", 1),))) == Page("&lt;a>", (("a&#124;b", 1),))
