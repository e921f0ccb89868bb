"""Obsidian's syntax becomes what the reader of a note sees; prose without it stays as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mealign.ingest.obsidian import prose


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("[[Bergen]]", "Bergen"),
        ("[[Places/Bergen.md]]", "Bergen"),
        ("[[Places/Bergen|the town]]", "the town"),
        ("[[Bergen#Harbour]]", "Bergen"),
        ("[[#Harbour]]", "Harbour"),
        ("[[Bergen#^b1]]", "Bergen"),
        ("a ![[boxes.png|200]] b ![alt](x.png)", "a  b"),
        ("[the site](https://example.org/a_(b))", "the site"),
        ("[[[x", "[[[x"),
        ("Rent is 12000. ^rent", "Rent is 12000."),
        ("2^10 is 1024", "2^10 is 1024"),
        ("one %%two\nthree%% four", "one  four"),
        ("one <!-- two --> three", "one  three"),
        ("never closed %% gone", "never closed"),
        ("#home #work/map", ""),
        ("at #home, on #Nordnes.", "at home, on Nordnes."),
        ("issue #12 in C# at x.org/#a", "issue #12 in C# at x.org/#a"),
        ("# Heading\n## Second", "# Heading\n## Second"),
        ("> a quotation\n> of a book", "> a quotation\n> of a book"),
        ("> [!tip]- Folded\n> [[A|b]]\n> > [!note]\n> > deep\nafter", "Folded\nb\n\ndeep\nafter"),
        ("==marked [[x]]== a == b", "marked x a == b"),
        ("`[[code]] #x`", "`[[code]] #x`"),
        ("```\n[[a]] #b ^c\n\n%%d%%\n```", "```\n[[a]] #b ^c\n\n%%d%%\n```"),
        ("```dataview\nLIST\n```\nafter", "\nafter"),
        ("a\n\n\n\n\nb", "a\n\nb"),
        ("在 #卑尔根 的 [[渡轮|船]] 🛳️", "在 卑尔根 的 船 🛳️"),
    ],
)
def test_what_the_reader_sees(written: str, shown: str) -> None:
    assert prose(written) == shown


@given(st.text(st.sampled_from("abc .,\n'é中🛳"), max_size=80))
def test_prose_without_syntax_keeps_its_words(text: str) -> None:
    assert prose(text).split() == text.split()


@given(st.text(st.sampled_from("a#[]|!%=^`>~<-() \n"), max_size=60))
def test_any_mixture_of_marks_is_taken(text: str) -> None:
    assert len(prose(text)) <= len(text)
