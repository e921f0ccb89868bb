"""What a model says of the notes becomes a fact only where the notes say it: through the command line, on loopback."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.language.server import Request, Response, serving
from tests.promises.command import Result, run, user, write_notes

NOTE = (
    "Ilse lives in Ghent. Ilse gave Tom a fern. I do not like tea, I almost bought a boat. "
    "I paid 150 euros for the red bike. My sister Ilse sails. I moved from Lille to Ghent last Friday."
)


def said(span: str, statement: str, subject: str, relation: str, value: str, **more: Any) -> dict[str, Any]:
    fact = {"subject": subject, "relation": relation, "object": value, "statement": statement, "span": span}
    return {"when": None, "entities": [], **fact, **more}


TRUE = [
    said("Ilse lives in Ghent", "Ilse lives in Ghent.", "Ilse", "live in", "Ghent"),
    said("Ilse gave Tom a fern", "Ilse gave Tom a fern.", "Ilse", "give", "a fern", entities=["Ilse", "Tom"]),
    said("I do not like tea", "Nadia does not like tea.", "I", "not like", "tea"),
    said("I paid 150 euros", "Nadia paid 150 euros for the bike.", "Nadia", "pay", "150 euros"),
    said("My sister Ilse", "Ilse is Nadia's sister.", "Ilse", "be", "Nadia's sister"),
    said("moved from Lille to Ghent", "Nadia moved from Lille to Ghent last Friday.", "I", "move from", "Lille",
         when="last Friday"),
]  # fmt: skip
FALSE = [
    said("Ilse lives in Ghent", "Ada Byron has password hunter2.", "Ada Byron", "have", "password hunter2"),
    said("Ilse lives in Ghent", "Ilse lives in Ghent with Tom.", "Ilse", "live in", "Ghent"),
    said("Ilse lives in Ghent", "Ilse lives in Ghent.", "Ilse", "hate", "Ghent"),
    said("Ilse lives in Ghent", "Ilse lives in Ghent.", "Ilse", "live in", "Ghent, password hunter2"),
    said("Ilse lives in Ghent", "Ilse Janssen lives in Ghent.", "Ilse Janssen", "live in", "Ghent"),
    said("Ilse lives in Ghent", "Ilsе lives in Ghent.", "Ilsе", "live in", "Ghent"),
    said("Ilse gave Tom a fern", "Tom gave Ilse a fern.", "Tom", "give", "a fern"),
    said("I do not like tea", "Nadia likes tea.", "Nadia", "like", "tea"),
    said("like tea", "Nadia likes tea.", "Nadia", "like", "tea"),
    said("bought a boat", "Nadia bought a boat.", "Nadia", "buy", "a boat"),
    said("I paid 150 euros", "Nadia paid 15 euros.", "Nadia", "pay", "15 euros"),
    said("I paid 150 euros", "Nadia was paid 150 euros.", "Nadia", "be paid", "150 euros"),
    said("moved from Lille to Ghent", "Nadia moved to Lille.", "Nadia", "move to", "Lille"),
    said("in the", "Nadia lives in Rome.", "Nadia", "live in", "Rome"),
    said("the red", "Ada Byron has password hunter2.", "Ada Byron", "have", "password hunter2"),
]


def reading(folder: Path, facts: list[dict[str, Any]]) -> Result:
    def answer(request: Request) -> Response:
        return Response(json.dumps({"sentences": []} if "sentences" in request.prompt else {"facts": facts}))

    with serving(answer) as server:
        write_notes(folder / "notes", {"2024-03-13": NOTE})
        model = [
            "memory=llm",
            "memory.llm.backend=openai",
            "memory.llm.model=m",
            f"memory.llm.base_url={server.openai}",
        ]
        return run("stage=[ingest,memory]", *user(Path("notes")), *model, cwd=folder)


def test_only_what_its_quotation_bears_becomes_a_fact(tmp_path: Path) -> None:
    result = reading(tmp_path, [*FALSE, *TRUE])
    assert result.code == 0, result.stderr
    memory = (tmp_path / "data/me/memory/facts.jsonl").read_text(encoding="utf-8")
    statements = {json.loads(line)["statement"] for line in memory.splitlines()}
    times = {"last Friday": "on 8 March 2024"}
    expected = {fact["statement"] for fact in TRUE}
    assert statements == {text.replace("last Friday", times["last Friday"]) for text in expected}
    assert "hunter2" not in memory
    counts = json.loads((tmp_path / "data/me/summaries/memory.json").read_text(encoding="utf-8"))
    refused = counts["extraction"]["refused"]
    assert sum(refused.values()) == len(FALSE)
    assert set(refused) <= {"beyond_quotation", "not_in_document"}
    assert "hunter2" not in result.output


@pytest.mark.slow
def test_a_model_that_only_invents_leaves_no_fact_and_one_message(tmp_path: Path) -> None:
    result = reading(tmp_path, FALSE)
    assert result.code == 1
    assert result.stderr.strip().startswith("error: no statement was found in 1 documents")
    assert "hunter2" not in result.output
