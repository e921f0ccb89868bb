"""Free text goes through Hydra and OmegaConf, once or by way of a sweep or a config file, and is the same text."""

from dataclasses import dataclass
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Quote, QuotedString
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from mealign.compose import CONF, compose_settings, to_settings, write_params
from mealign.overrides import IN_QUOTES, for_hydra, literal
from mealign.settings import declaration, free_text, problems, section, setting

PARSER = OverridesParser.create()
TEXTS = (
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
    | st.text(st.sampled_from("\\\"'${}a1.:=, ()[]#*~?\n\t\r\x85\u2028\ufeff"))
    | st.sampled_from(["1e3", "0x1", "12:30:00", "yes", "~", ".inf", "=", "<<", "-", "${a}", "\\${a}", "\\\\${", "${"])
).filter(lambda text: text != "???")  # OmegaConf's own sign for a value that is missing, whatever the quotes


def read(line: str) -> Any:
    """Read the value of an override as a run does, and as a job of a sweep, whose overrides are written anew."""
    (override,) = PARSER.parse_overrides([line])
    ((combination,),) = BasicSweeper.split_arguments([override], None)
    values = [
        OmegaConf.to_container(OmegaConf.create({"found": each.value()}), resolve=True)["found"]  # type: ignore[index,call-overload]
        for each in (override, *PARSER.parse_overrides(combination))
    ]
    assert values[0] == values[1]
    return values[0]


@given(TEXTS)
@example("Conan O'Brien")
@example("C:\\x\\")
@example("${oc.env:HOME}")
def test_a_text_is_read_as_it_was_given(text: str) -> None:
    assume(not IN_QUOTES.fullmatch(text))
    for sign in ("", "+", "++"):
        (line,) = for_hydra([f"{sign}user.person={text}"])
        assert read(line) == text
    assert for_hydra([f"{line}"]) == [line], "what is quoted stays as it is"


@given(st.lists(TEXTS))
def test_a_list_of_texts_is_read_as_it_was_given(texts: list[str]) -> None:
    quoted = [QuotedString(literal(text), Quote.single).with_quotes() for text in texts]
    (line,) = for_hydra([f"user.aliases=[ {' , '.join(quoted)}]"])
    assert read(line) == texts
    plain = [text.strip() for text in texts if not set(text) & set(",\"'")]
    plain = [text for text in plain if text not in ("", "???")]
    (line,) = for_hydra([f"user.aliases=[{', '.join(plain)}]"])
    assert read(line) == plain


@settings(max_examples=25, deadline=None)
@given(person=TEXTS, path=TEXTS, aliases=st.lists(TEXTS, max_size=3))
def test_a_text_survives_params_yaml(
    person: str, path: str, aliases: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("params")
    original = compose_settings()
    original.user.person, original.user.path, original.user.aliases = person, path, aliases
    write_params(original, folder / "params.yaml")
    with initialize_config_dir(str(folder), version_base="1.3"):
        again = compose("params", overrides=["judge=evidence", f"hydra.searchpath=[file://{CONF}]"])
    assert to_settings(again) == original


@pytest.mark.parametrize(
    "argument",
    ["lora.rank=4,8", "-m", "--config-dir", "judge=evidence", "user.name", "extra.x=é", "stage=[ingest]", "=x", "",
     "user.persons=é", "user.person.x=é", "~user.person"],
)  # fmt: skip
def test_what_is_no_free_text_is_hydras(argument: str) -> None:
    assert for_hydra([argument], sweeps=True) == [argument]


def test_a_setting_below_names_that_are_free_is_found() -> None:
    assert for_hydra(["judge.members.mine.server.base_url=http://[::1]:1/v1"]) == [
        'judge.members.mine.server.base_url="http://[::1]:1/v1"'
    ]
    assert for_hydra(["judge.template=~/my template.md"]) == ['judge.template="~/my template.md"']


def test_null_is_no_text_where_there_may_be_none() -> None:
    given = ["paths.weights=null", "memory.llm.base_url=null", "user.person=null", 'paths.weights="null"']
    assert for_hydra(given) == [*given[:2], 'user.person="null"', given[3]]


@pytest.mark.parametrize(
    ("value", "swept"),
    [
        ("A,B", ["A,B"]),
        ("choice(A,B)", ["A", "B"]),
        ("choice(José Pérez, O'Brien)", ["José Pérez", "O'Brien"]),
        ("choice(\"a, b\", 'c')", ["a, b", "c"]),
        ("choice(${a})", ["${a}"]),
    ],
)
def test_a_sweep_over_free_text_is_written_as_a_choice(value: str, swept: list[str]) -> None:
    (line,) = for_hydra([f"user.person={value}"], sweeps=True)
    batch = BasicSweeper.split_arguments(PARSER.parse_overrides([line]), None)[0]
    assert [read(override) for (override,) in batch] == swept
    assert read(for_hydra([f"user.person={value}"])[0]) == value, "where nothing is swept it is a text"


@dataclass
class Inner:
    question: str = free_text("a question")
    rank: int = setting("a rank", 1, 8)


@dataclass
class Outer:
    ask: Inner = section()
    note: str | None = free_text("a note", required=False)


def test_any_room_can_declare_free_text() -> None:
    found = declaration(Outer, "ask.question")
    assert found is not None
    assert found[0] is str
    assert found[1] is not None
    assert found[1].free
    assert declaration(Outer, "ask") is not None
    for key in ("", "ask.other", "ask.question.x", "other"):
        assert declaration(Outer, key) is None
    assert list(problems(Outer(ask=Inner(question=" ", rank=9)))) == [
        "ask.question= : a question must not be empty; give it, as in ask.question=...",
        "ask.rank=9: a rank must be between 1 and 8",
    ]
    assert list(problems(Outer(ask=Inner(question="a\0b", rank=1), note="\udcff"))) == [
        "ask.question: a question has a character that no file can hold; leave it out",
        "note: a note has a character that no file can hold; leave it out",
    ]
