"""What the shell passes is what mealign takes, and what anybody wrote controls no terminal and no page."""

import json
import os
import re
from pathlib import Path

import pytest
import yaml
from hydra import compose, initialize_config_dir

from mealign.compose import CONF, to_settings
from tests.promises.command import run, write_notes

NOTES = {"2024-01-02": "I live in Ghent. Tom gave me a fern. My sister Ilse works at the harbour."}
TEXTS = [
    "José Pérez",
    "Conan O'Brien",
    "李雷",
    "Notes (old)",
    "a=b",
    "x,y",
    "[x]",
    "{a: b}",
    "#1",
    "*",
    "null",
    "true",
    "12",
    "1e3",
    " between spaces ",
    "tab\tand\nnewline\x85",
    "${oc.env:HOME} ${user.name} ${",
    "C:\\new\\",
    '\\${seed} \\" \\',
    'say "hi"',
    '"',
    "choice(a,b)",
    "--help",
]


def person_of(stdout: str) -> object:
    return yaml.safe_load(stdout)["user"]["person"]


@pytest.mark.parametrize("text", TEXTS)
def test_free_text_is_taken_as_the_shell_passes_it_and_survives_params(text: str, tmp_path: Path) -> None:
    mine = ["user=folder", "user.name=me", f"user.person={text}", f"user.path={text}", f"paths.weights={text}"]
    assert run("stage=compose", *mine, cwd=tmp_path).code == 0
    params = yaml.safe_load((tmp_path / "params.yaml").read_text(encoding="utf-8"))
    assert (params["user"]["person"] == text) == ("${" not in text)
    with initialize_config_dir(str(tmp_path), version_base="1.3"):
        found = to_settings(compose("params", overrides=["judge=evidence", f"hydra.searchpath=[file://{CONF}]"]))
    assert (found.user.person, found.user.path) == (text, text)
    assert found.paths.weights == (None if text == "null" else text), "null is no path where there may be none"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ('"Conan O\'Brien"', "Conan O'Brien"),
        ("'12'", "12"),
        ('"a \\" b"', 'a " b'),
        ('"${user.name}"', "me"),
        ('"a" and "b"', '"a" and "b"'),
    ],
)
def test_hydras_own_quotes_go_on_to_work(given: str, expected: str, tmp_path: Path) -> None:
    for sign in ("", "++"):
        result = run(f"{sign}user.person={given}", "user.name=me", "--cfg", "job", "--resolve", cwd=tmp_path)
        assert person_of(result.stdout) == expected


def test_a_list_of_free_texts_is_a_list(tmp_path: Path) -> None:
    aliases = 'user.aliases=[Nad, O\'Brien, 李雷,"Pérez, José", ada@example.org, ${oc.env:HOME}]'
    result = run(aliases, "--cfg", "job", "--resolve", cwd=tmp_path)
    assert yaml.safe_load(result.stdout)["user"]["aliases"] == [
        "Nad", "O'Brien", "李雷", "Pérez, José", "ada@example.org", "${oc.env:HOME}",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["user.person="], "config error: user.person=: the user's full name must not be empty"),
        (["user.person=  "], "the user's full name must not be empty"),
        (["user.path="], "config error: user.path=: where the sources are must not be empty"),
        (["user.aliases=[Nad,]"], "config error: user.aliases.1=: names and addresses"),
        (["user.aliases=José"], "config error: user.aliases: it must be a list"),
        (["user.person=???"], "config error: user.person: it has no value"),
        (["user.name=José"], "config error: user.name='José': it names a folder"),
        (["user.persn=José"], "config error: user.persn=José: its value cannot be read; write it in quotes"),
        (["lora.rank=é"], "config error: lora.rank=é: its value cannot be read"),
        (["José"], "config error: José: it sets nothing; write KEY=VALUE"),
        (["user.path=~nobody-of-this-name/notes"], "there is no such folder"),
        (["user.path=é/[/b]/李雷"], "config error: user.path=é/[/b]/李雷: there is no such folder"),
    ],
)
def test_what_cannot_work_is_one_message(arguments: list[str], message: str, tmp_path: Path) -> None:
    result = run(*arguments, "stage=ingest", cwd=tmp_path)
    assert result.code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_an_argument_that_is_not_utf8_is_one_message(tmp_path: Path) -> None:
    result = run("user.path=" + os.fsdecode(b"\xff"), cwd=tmp_path)
    assert (result.code, result.stdout) == (2, "")
    assert "config error: user.path: what follows is not UTF-8" in result.stderr


@pytest.mark.slow
def test_an_odd_name_survives_the_way_from_notes_to_prompts(tmp_path: Path) -> None:
    person = "C:\\g<1> (O'Brien) [/b] ${user.name} 李雷"
    write_notes(tmp_path / "It's (old) [1] #é")
    mine = ["user=folder", "user.name=me", f"user.person={person}", "user.path=It's (old) [1] #é"]
    result = run(*mine, "stage=[ingest,memory,tasks]", "paths.data=d${x}", cwd=tmp_path)
    assert result.code == 0, result.stderr
    results = tmp_path / "d${x}/me"
    documents = [json.loads(line) for line in (results / "documents.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {document["author"] for document in documents} == {person}
    facts = (results / "memory/facts.jsonl").read_text(encoding="utf-8")
    assert json.dumps("C:\\g<1> lives in Ghent.", ensure_ascii=False) in facts
    prompts = [json.loads(line)["prompt"] for line in (results / "tasks.jsonl").read_text("utf-8").splitlines()]
    asked = [prompt[0]["content"] for prompt in prompts if "questions about" in prompt[0]["content"]]
    assert asked
    assert all(f"questions about {person}'s life" in text for text in asked)
    shown = run(*mine, "stage=memory_show", "paths.data=d${x}", cwd=tmp_path)
    assert shown.code == 0, shown.stderr
    assert person in shown.stdout


def test_the_home_folder_is_found_wherever_a_path_is_asked_for(tmp_path: Path) -> None:
    write_notes(tmp_path / "home/notes", NOTES)
    mine = ["user=folder", "user.name=me", "user.person=Ada", "user.path=~/notes", "paths.data=~/data"]
    mine += ["paths.store=~/store", "stage=ingest"]
    result = run(*mine, cwd=tmp_path, env={"HOME": str(tmp_path / "home")})
    assert result.code == 0, result.stderr
    assert (tmp_path / "home/data/me/documents.jsonl").exists()
    assert (tmp_path / "home/store/ingest").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home"]


def test_a_comma_in_free_text_varies_nothing_and_choice_does(tmp_path: Path) -> None:
    write_notes(tmp_path / "notes", NOTES)
    mine = ["user=folder", "user.name=me", "user.path=notes", "stage=ingest", "tracking=none"]
    mine += ["hydra.sweep.dir=jobs/${ingest.max_bytes}"]
    assert run("-m", *mine, "user.person=A,B", "ingest.max_bytes=9000,8000", cwd=tmp_path).code == 0
    assert run("-m", *mine, "user.person=choice(José Ü, O'Brien)", "ingest.max_bytes=7000", cwd=tmp_path).code == 0
    authors = {
        str(path.relative_to(tmp_path / "jobs").parent): json.loads(path.read_text(encoding="utf-8"))["author"]
        for path in (tmp_path / "jobs").rglob("documents.jsonl")
    }
    assert sorted(authors.values()) == ["A,B", "A,B", "José Ü", "O'Brien"]


BAD = "\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\x7f\u202e\u2066"
"""Sets the clipboard, clears the screen, turns the text round."""
OURS = re.compile(r"\x1b\[(?:[\d;]*m|2K|1A|\?25[lh])|\r")


def controls(output: str) -> set[str]:
    """Every character that would control a terminal, but for our own colours and progress bars."""
    unsafe = {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))}
    return set(OURS.sub("", output)) & (unsafe - {"\n", "\t"})


@pytest.mark.slow
def test_nothing_that_comes_from_outside_controls_the_terminal(tmp_path: Path) -> None:
    folder = write_notes(tmp_path / "notes", {"2024-01-02": f"I live in Ghent. Tom{BAD} gave me a fern [/b] [red]."})
    (folder / "a[").mkdir()
    (folder / "a[" / f"b] 2024-13-45 {BAD}.md").write_text("I like tea.", encoding="utf-8")
    (folder / f"{BAD}.md").write_text(f"---\ndate: '{BAD}'\n---\nI like tea.", encoding="utf-8")
    mine = ["user=folder", "user.name=me", f"user.person=Ada{BAD} [/b] Byron", "user.path=notes", "tracking=none"]
    colours = {"FORCE_COLOR": "1", "TERM": "xterm-256color"}
    for arguments in (
        ["stage=[ingest,memory]"],
        ["stage=memory_show"],
        ["stage=memory_show", f"memory_show.fact='{BAD}'"],
        ["stage=ingest", "user.aliases=[Ada]", f"user.path=nowhere{BAD}"],
        [f"user.persn='{BAD}'"],
        [f"user={BAD}"],
        ["-m", f"lora.rank='{BAD}',3"],
        ["stage=ingest", "ingest.strict=true"],
    ):
        result = run(*arguments, *mine, cwd=tmp_path, env=colours)
        assert controls(result.output) == set(), arguments
    facts = [json.loads(line) for line in (tmp_path / "data/me/memory/facts.jsonl").read_text("utf-8").splitlines()]
    assert any("\x1b" in fact["statement"] for fact in facts), "the memory holds what the notes say"
    why = run(*mine, "stage=memory_show", f"memory_show.fact={facts[-1]['id']}", cwd=tmp_path, env=colours)
    assert why.code == 0, why.stderr
    assert controls(why.output) == set()
    assert "␛]52;c;aGk=" in why.stdout + run(*mine, "stage=memory_show", cwd=tmp_path).stdout
