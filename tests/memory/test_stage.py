"""The memory stage as a run has it: a model that reads, corrections that win, and what is done again."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from mealign.compose import CONF, to_settings
from mealign.config import Settings
from mealign.errors import MealignError
from mealign.experiment import runner
from mealign.jsonl import digest_path, read_json, read_records
from mealign.pipeline.registry import stages
from mealign.records import Fact
from tests.language.server import Request, Response, Server, serving

USER = ["user=folder", "user.name=me", "user.person=Nadia Verhoeven", "user.path=person", "tracking=none"]
TOWNS = {"2024-01-05-a.md": "Utrecht", "2024-03-05-b.md": "Ghent"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "person").mkdir()
    for name, town in TOWNS.items():
        (tmp_path / "person" / name).write_text(f"I live in {town}.\n")
    return tmp_path


def settings(*overrides: str) -> Settings:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return to_settings(compose("config", overrides=[*USER, "stage=[ingest,memory]", *overrides]))


def at(server: Server) -> Settings:
    backend = ["memory=llm", "memory.llm.backend=openai", "memory.llm.model=m"]
    return settings(*backend, f"memory.llm.base_url={server.openai}")


def reading(request: Request) -> Response:
    """Read what the notes of these tests say, and write the bio from it."""
    if not asks_for_facts(request):
        town = request.body["messages"][-1]["content"].split("lives in ")[1].split(".")[0]
        return Response(json.dumps({"sentences": [{"text": f"She is at home in {town}.", "facts": [1]}]}))
    town = request.body["messages"][-1]["content"].split("I live in ")[1].split(".")[0]
    fact = {
        "subject": "I",
        "relation": "live in",
        "object": town,
        "statement": f"Nadia lives in {town}.",
        "span": f"I live in {town}",
        "when": None,
        "entities": [town],
    }
    return Response(json.dumps({"facts": [fact, {**fact, "span": "I live on Mars"}]}))


def asks_for_facts(request: Request) -> bool:
    return "<document " in request.prompt


def facts(root: Path) -> dict[str, Fact]:
    return {fact.object: fact for fact in read_records(root / "data/me/memory/facts.jsonl", Fact)}


def summary(root: Path) -> dict[str, object]:
    return dict(read_json(root / "data/me/summaries/memory.json"))


def correct(root: Path, text: str) -> None:
    (root / "person/corrections.yaml").write_text(text)


def test_a_model_reads_and_one_more_note_is_one_more_request(root: Path) -> None:
    with serving(reading) as server:
        runner.run(at(server), root=root)
        first = summary(root)
        (root / "person/2024-05-05-c.md").write_text("I live in Paris.\n")
        runner.run(at(server), root=root)
        runner.run(at(server), root=root)
    assert facts(root).keys() == {"Utrecht", "Ghent", "Paris"}
    assert facts(root)["Utrecht"].superseded_by == facts(root)["Ghent"].id
    read = [request for request in server.requests if asks_for_facts(request)]
    assert ["Paris" in request.prompt for request in read] == [False, False, True]
    assert len(server.requests) - len(read) == 2, "the bio is written anew, since it has another fact"
    (sentence,) = read_json(root / "data/me/memory/profile.json")["bio"]
    assert (sentence["text"], sentence["fact_ids"]) == ("She is at home in Paris.", [facts(root)["Paris"].id])
    counts = {"replies": {"read": 2}, "refused": {"not_in_document": 2}, "reservations": {}}
    assert first["extraction"] == counts
    assert len(list((root / "data/.store/llm").glob("*.json"))) == len(server.requests)


def test_a_run_that_broke_off_goes_on(root: Path) -> None:
    def breaks_off(request: Request) -> Response:
        return Response(status=403) if "Paris" in request.prompt else reading(request)

    with serving(breaks_off) as server:
        runner.run(at(server), root=root)
        before = digest_path(root / "data/me/memory")
        (root / "person/2024-05-05-c.md").write_text("I live in Paris.\n")
        with pytest.raises(MealignError, match=r"answers 403; check the key .* run the same command again"):
            runner.run(at(server), root=root)
    assert digest_path(root / "data/me/memory") == before


def test_the_model_is_part_of_the_key_where_it_reads() -> None:
    stage = stages()["memory"]
    assert "model" not in stage.keys(settings())
    assert "model" in stage.keys(settings("memory=llm"))
    assert "model" not in stage.keys(at(Server(1)))


@pytest.fixture
def stage_lines(root: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[Settings], str]:
    def run(chosen: Settings) -> str:
        capsys.readouterr()
        runner.run(chosen, root=root)
        return " ".join(capsys.readouterr().out.split())

    return run


def test_corrections_win_over_what_was_extracted(root: Path, stage_lines: Callable[[Settings], str]) -> None:
    chosen = settings()
    stage_lines(chosen)
    ghent = facts(root)["Ghent"]
    assert facts(root)["Utrecht"].superseded_by == ghent.id
    correct(
        root,
        "drop:\n- {source: 2024-01-05-a.md, text: I live in Utrecht.}\n- fact_0000000000000000\n"
        f"change:\n- {{fact: {ghent.id}, object: Bruges, statement: Nadia lives in Bruges.}}\n",
    )
    shown = stage_lines(chosen)
    assert facts(root) == {
        "Bruges": ghent.model_copy(
            update={"object": "Bruges", "statement": "Nadia lives in Bruges.", "confidence": 1.0,
                    "entities": ("Nadia Verhoeven", "Bruges")}
        )
    }  # fmt: skip
    assert "corrections.yaml:3: this entry concerns no fact" in shown
    assert summary(root)["corrections"] == {"entries": 3, "unmatched": 1}
    ingested = read_json(root / "data/me/summaries/ingest.json")
    assert (ingested["corrections"], ingested["ignored"]) == (3, 0)
    (root / "person/corrections.yaml").unlink()
    stage_lines(chosen)
    assert facts(root)["Ghent"] == ghent


def test_a_broken_correction_is_a_line_of_the_ingest_report(root: Path, stage_lines: Callable[[Settings], str]) -> None:
    correct(root, "drop:\n- {source: nowhere.md, text: x}\n")
    assert "corrections.yaml:2" in stage_lines(settings("stage=ingest"))
    with pytest.raises(MealignError, match=r"corrections\.yaml:2"):
        runner.run(settings("stage=ingest", "ingest.strict=true"), root=root)


def test_corrections_that_leave_nothing_say_so(root: Path) -> None:
    chosen = settings()
    runner.run(chosen, root=root)
    correct(root, "drop: [" + ", ".join(fact.id for fact in facts(root).values()) + "]\n")
    with pytest.raises(MealignError, match=r"corrections\.yaml drops all 2 facts"):
        runner.run(replace(chosen), root=root)
