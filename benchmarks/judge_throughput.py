"""How fast verdicts come from a server that takes its time, beside the reference's way of asking.

    python benchmarks/judge_throughput.py

A server in a process of its own takes ``--delay`` seconds an answer and admits ``--admits`` requests at once, so their
quotient is its limit. It is asked by the judge of ``stage=judge`` (both orders of every pair, every reply kept in a
file before it counts), and by the way of Second-Me (arXiv 2503.08102): ten threads of the sync SDK, one fixed order,
nothing kept. Both go through the real OpenAI SDK over HTTP, with the same prompts. Prints one JSON object: for each,
``requests_per_second`` and ``verdicts_per_second`` over the whole wall time, connections included, and the processor
time of this process a request; the share of the limit; and the ratios of the two. A verdict of ours takes two requests.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai

from mealign.compose import compose_settings
from mealign.judging.judge import Comparison
from mealign.judging.judge_context import JudgeContext
from mealign.judging.pairwise import PairwiseJudge
from mealign.judging.protocol import PlannedPair, judge_pairs
from mealign.judging.settings import JudgeView, template_path
from mealign.judging.templates import load_template
from mealign.language.build import build_decision_model
from mealign.language.verbalised import prompt_of
from mealign.records import Candidate, Message, Task

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.language.vendor import Manners, Running, running

WARM = 8
"""Pairs that are asked before the clock starts."""
THREADS = 10
"""How many the reference uses."""
BIO = "Nadia lives in Ghent, works as a cartographer, and climbs on Tuesdays with Farah. " * 4


def main() -> None:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--delay", type=float, default=0.2, help="seconds an answer takes")
    parser.add_argument("--admits", type=int, default=64, help="requests that the server works on at once")
    parser.add_argument("--concurrency", type=int, help="our requests under way; a half more than the server works on")
    parser.add_argument("--pairs", type=int, default=1600, help="pairs that our judge is asked about")
    parser.add_argument("--reference-pairs", type=int, default=300, help="pairs that are asked the reference's way")
    options = parser.parse_args()
    limit = options.admits / options.delay
    with (
        running(Manners(delay=options.delay, admits=options.admits)) as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        # The server must find its next request waiting, or it waits for us.
        concurrency = options.concurrency or options.admits * 3 // 2
        judge = _judge(server, folder=Path(folder), concurrency=concurrency)
        ours = _ours(judge, options.pairs)
        seen = server.counts()
        reference = _reference(judge, server, options.reference_pairs)
    ours["concurrency"] = concurrency
    ours["most_under_way_at_the_server"] = seen["most_under_way"]
    ours["answered_by_the_server"] = sum(seen["answered"].values())
    print(
        json.dumps(
            {
                "server": {"delay": options.delay, "admits": options.admits, "limit_per_second": limit},
                "ours": ours,
                "share_of_limit": round(ours["requests_per_second"] / limit, 3),
                "reference": reference,
                "ratio_per_request": round(ours["requests_per_second"] / reference["requests_per_second"], 2),
                "ratio_per_verdict": round(ours["verdicts_per_second"] / reference["verdicts_per_second"], 2),
                "cores": os.cpu_count(),
                "load": round(os.getloadavg()[0], 2),
            }
        )
    )


def _judge(server: Running, *, folder: Path, concurrency: int) -> PairwiseJudge:
    asked = compose_settings(
        "judge=bio", "judge.backend=openai", "judge.server.model=m", f"judge.server.base_url={server.openai}",
        f"judge.server.concurrency={concurrency}",
    ).judge  # fmt: skip
    path = template_path(asked)
    if path is None:
        raise ValueError("the judge has a template")
    return PairwiseJudge(
        build_decision_model(
            asked.backend,
            asked.server,
            cache=folder / "cache",
            ledger=folder / "egress.jsonl",
            prices=compose_settings().prices,
        ),
        name="bio",
        template=load_template(path),
        context=JudgeContext(JudgeView.bio, facts=(), index=_no_model, bio=BIO, person="Nadia", top_k=1),
    )


def _no_model() -> Any:
    raise ValueError("this judge asks a server and searches nothing")


def _tasks(count: int, first: int = 0) -> tuple[list[Task], list[Candidate], list[PlannedPair]]:
    tasks, candidates, pairs = [], [], []
    for number in range(first, first + count):
        question = f"Where did Nadia spend evening {number}, and with whom?"
        task = Task(
            id=f"task_{number}",
            kind="memory_qa_self",
            family="recall",
            question=question,
            prompt=(Message(role="user", content=question),),
            reference="At home.",
            fact_ids=(f"fact_{number}",),
            split="train",
        )
        texts = (f"She climbed with Farah on evening {number}.", f"She stayed at home and drew map {number}.")
        pair = [
            Candidate(id=f"c_{number}_{side}", task_id=task.id, text=text, origin="policy")
            for side, text in enumerate(texts)
        ]
        tasks.append(task)
        candidates += pair
        pairs.append(PlannedPair(task.id, pair[0].id, pair[1].id))
    return tasks, candidates, pairs


def _ours(judge: PairwiseJudge, count: int) -> dict[str, Any]:
    def ask(tasks: list[Task], candidates: list[Candidate], pairs: list[PlannedPair]) -> int:
        verdicts = judge_pairs(tasks, candidates, judge, pairs=pairs, description="judge")
        if any(verdict.error for verdict in verdicts):
            raise ValueError("a verdict is missing")
        return len(verdicts)

    # Both ways have their libraries loaded before the clock starts.
    ask(*_tasks(WARM, first=2_000_000))
    asked = _tasks(count)
    return _timed(lambda: ask(*asked), verdicts=count)


def _reference(judge: PairwiseJudge, server: Running, count: int) -> dict[str, Any]:
    client = openai.OpenAI(api_key="none", base_url=server.openai)
    tasks, candidates, pairs = _tasks(count, first=1_000_000)
    text_of = {candidate.id: candidate.text for candidate in candidates}
    comparisons = [
        Comparison(task, text_of[pair.first], text_of[pair.second]) for task, pair in zip(tasks, pairs, strict=True)
    ]
    prompts = [prompt_of(inquiry) for inquiry in judge._inquiries(comparisons)]
    verdict = {"type": "object", "properties": {"choice": {"enum": ["first", "second"]}, "confidence": {}}}
    schema: Any = {"type": "object", "properties": {"verdict": verdict}}
    form: Any = {"type": "json_schema", "json_schema": {"name": "verdict", "schema": schema}}

    def ask(prompt: Any) -> str:
        messages: Any = [message.model_dump() for message in prompt]
        answer = client.chat.completions.create(model="m", messages=messages, response_format=form)
        return str(json.loads(answer.choices[0].message.content or "")["verdict"]["choice"])

    def ask_all() -> int:
        with ThreadPoolExecutor(THREADS) as pool:
            return len(list(pool.map(ask, prompts)))

    return _timed(ask_all, verdicts=count)


def _timed(ask: Callable[[], int], *, verdicts: int) -> dict[str, Any]:
    wall, processor = time.perf_counter(), time.process_time()
    requests = ask()
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    return {
        "requests": requests,
        "verdicts": verdicts,
        "seconds": round(wall, 2),
        "requests_per_second": round(requests / wall, 1),
        "verdicts_per_second": round(verdicts / wall, 1),
        "processor_ms_per_request": round(1000 * processor / requests, 2),
    }


if __name__ == "__main__":
    main()
