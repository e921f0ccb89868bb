"""What ``stage=judge`` reads, written by hand: a person with one fact, and questions with two answers each."""

from pathlib import Path

from mealign.jsonl import write_json, write_records
from mealign.memory.profile import BioSentence, Profile
from tests.judging.builders import candidate, fact, task

PERSON = "Nadia Verhoeven"


def write_judged(project: Path, questions: int) -> Path:
    """Write them into a project's folder and return it; a judge is asked twice about each question, in both orders."""
    folder = project / "data/me"
    known = fact("ghent", "Nadia Verhoeven lives in Ghent.", "Ghent")
    bio = BioSentence(text=known.statement, first_person="I live in Ghent.", fact_ids=(known.id,))
    asked = {f"task_{number}": f"Where was Nadia on evening {number}?" for number in range(questions)}
    tasks = [task(question, "In Ghent", key=key) for key, question in asked.items()]
    (project / "notes").mkdir()
    write_records(folder / "documents.jsonl", [])
    write_records(folder / "labels.jsonl", [])
    write_records(folder / "memory/facts.jsonl", [known])
    (folder / "memory/embeddings.npy").write_bytes(b"")
    write_json(
        folder / "memory/profile.json", Profile(person=PERSON, bio=(bio,), topics=(), people=()).model_dump(mode="json")
    )
    write_records(folder / "tasks.jsonl", tasks)
    write_records(
        folder / "candidates.jsonl",
        [
            candidate(f"{side}_{key}", f"In {town}, {key}.", task_id=key)
            for key in asked
            for side, town in (("a", "Ghent"), ("b", "Utrecht"))
        ],
    )
    return project


def judging(base_url: str, *more: str, backend: str = "openai") -> tuple[str, ...]:
    """Return the command line that judges them with a model on a server."""
    return (
        "stage=judge", "user=folder", "user.name=me", f'user.person="{PERSON}"', "user.path=notes", "tracking=none",
        "judge=bio", f"judge.backend={backend}", "judge.server.model=m", f"judge.server.base_url={base_url}",
        "judge.known_pairs=0", "judge.max_tasks=1000", "judge.max_pairs_per_task=6", *more,
    )  # fmt: skip
