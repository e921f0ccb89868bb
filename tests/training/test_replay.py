import math
from pathlib import Path
from typing import Any

import pytest
from peft import PeftModel
from transformers import AutoModelForCausalLM

from mealign.language.local import LocalModel
from mealign.language.settings import Precision
from mealign.records import Message
from mealign.training import replay
from mealign.training.replay import MAX_NEW_TOKENS, QUESTIONS, Replayed, replayed
from tests.training.conftest import Train, answer_logp

pytestmark = pytest.mark.numerical


class Scripted:
    """Answers every question with the question and a sentence that is broken off."""

    digest = "scripted"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def chat(self, prompts: Any, **given: Any) -> list[list[str]]:
        assert given["max_new_tokens"] == MAX_NEW_TOKENS
        self.asked += [prompt[-1].content for prompt in prompts]
        return [[f"You ask: {prompt[-1].content} I would say. But then"] for prompt in prompts]


def test_questions_are_answered_once_and_up_to_their_last_whole_sentence() -> None:
    model, known = Scripted(), {}
    few = replayed(model, count=5, seed=3, known=known)  # type: ignore[arg-type]
    assert [each.answer for each in few] == [f"You ask: {each.prompt[0].content} I would say." for each in few]
    more = replayed(model, count=9, seed=3, known=known)  # type: ignore[arg-type]
    assert more[:5] == few
    assert len(model.asked) == len(set(model.asked)) == 9
    assert replayed(model, count=9, seed=4, known=known) != more  # type: ignore[arg-type]
    everything = replayed(model, count=1000, seed=3, known=known)  # type: ignore[arg-type]
    assert {each.prompt[0].content for each in everything} == set(QUESTIONS.read_text(encoding="utf-8").splitlines())
    assert len({each.id for each in everything}) == len(everything) == 60


def test_the_model_answers_as_it_does_without_training(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "MAX_NEW_TOKENS", 16)
    model, known = LocalModel(tiny_model, precision=Precision.fp32), {}
    found = replayed(model, count=60, seed=0, known=known)
    # The same batches, whatever the order of the questions, and so the same answers.
    questions = [[Message(role="user", content=line)] for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    said = [answer for (answer,) in model.chat(questions, max_new_tokens=16)]
    assert sorted(known.values()) == sorted(said)
    for each in found:
        assert any(answer.startswith(each.answer) for answer in said)
        assert each.answer[-1] in ".!?"


def test_what_is_replayed_is_trained_on_beside_the_tasks(
    sft: Train, tiny_model: Path, tokenizer: Any, tmp_path: Path
) -> None:
    question = Replayed("replay_1", (Message(role="user", content="What is a haiku?"),), "A short poem.")
    without = sft(tmp_path / "without", epochs=30)
    result = sft(tmp_path / "with", replay=[question], epochs=30)
    assert (without.examples, result.examples) == (4, 5)
    assert result.skipped_too_long == 0
    asked = tokenizer.apply_chat_template([{"role": "user", "content": "What is a haiku?"}], add_generation_prompt=True)
    answer = tokenizer("A short poem.<|im_end|>\n")["input_ids"]
    unlearned, learned = (
        answer_logp(
            PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny_model), tmp_path / name).eval(),
            asked["input_ids"],
            answer,
        )
        for name in ("without", "with")
    )
    # What is likelier than all other answers together is the one that is given.
    assert unlearned < math.log(0.5) < learned


@pytest.mark.parametrize("line", QUESTIONS.read_text(encoding="utf-8").splitlines())
def test_a_question_is_a_sentence_on_its_line(line: str) -> None:
    assert line == line.strip() != ""
