"""A real model on this machine: deterministic, in order, and harmless to the caller's random state."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from mealign.errors import MealignError
from mealign.language.decisions import Choice, Decided, Inquiry, Undecided
from mealign.language.local import LocalModel
from mealign.language.precision import dtype_of
from mealign.language.settings import Precision, WeightsSource
from mealign.language.weights import WeightsCache, fetch_model
from mealign.records import Message
from tests.conftest import SMOLLM2
from tests.defaults import ModelConfig
from tests.rounding import LOGITS

pytestmark = pytest.mark.numerical

PROMPTS = [
    Message(role="user", content=text)
    for text in ("Hi", "Where does Bart live? " * 12, "Who?", "When did she move to Ghent, and why?", "Hm")
]


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> LocalModel:
    return LocalModel(tiny_model, precision=Precision.fp32)


def ask(model: LocalModel, **options: object) -> list[list[str]]:
    return model.chat([[prompt] for prompt in PROMPTS], max_new_tokens=6, **options)  # type: ignore[arg-type]


def beginning(model: LocalModel, prompt: Sequence[Message]) -> str:
    """Return what a greedy answer of six tokens begins with, up to the first token that rounding may decide.

    It is transformers' own generation, of this prompt alone and without a cache of ours.
    """
    tokenizer, tokens = model._tokenizer, torch.tensor([model._encode(prompt)])
    output = model._model.generate(
        tokens, max_new_tokens=6, do_sample=False, pad_token_id=tokenizer.pad_token_id, output_logits=True,
        return_dict_in_generate=True,
    )  # fmt: skip
    sure = 0
    for (logits,) in output.logits:
        first, second = logits.topk(2).values.tolist()
        if first - second <= 2 * LOGITS * float(logits.abs().max()):
            break
        sure += 1
    return str(tokenizer.decode(output.sequences[0, tokens.shape[1] :][:sure], skip_special_tokens=True)).strip()


def test_answers_come_in_the_order_of_the_prompts_whatever_the_batch(model: LocalModel) -> None:
    expected = [beginning(model, [prompt]) for prompt in PROMPTS]
    assert len(set(expected)) == len(PROMPTS)
    for size in (1, 2, 32):
        for (answer,), begun in zip(ask(model, batch_size=size), expected, strict=True):
            assert answer.startswith(begun)


def test_what_prompts_share_is_read_once_and_changes_nothing(model: LocalModel) -> None:
    rules = Message(role="system", content="You answer questions about Bart's life. Answer in a few words. " * 3)
    prompts = [[rules, prompt] for prompt in PROMPTS]
    expected = [beginning(model, prompt) for prompt in prompts]
    assert len(set(expected)) == len(PROMPTS)
    for n in (1, 3):
        for answers, begun in zip(model.chat(prompts, n=n, max_new_tokens=6), expected, strict=True):
            assert len(answers) == n
            assert all(answer.startswith(begun) for answer in answers)


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


@pytest.mark.parametrize(
    ("has", "expected"),
    [
        ({}, torch.float32),
        ({"avx512_f": True, "avx512_bf16": False, "amx_bf16": False}, torch.float32),
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": True}, torch.bfloat16),
        ({"bf16": True}, torch.bfloat16),
    ],
)
def test_the_format_follows_from_the_processor_and_not_from_its_load(
    has: dict[str, bool], expected: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    assert dtype_of(Precision.auto) is expected
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert dtype_of(Precision.auto) is torch.float32


@pytest.mark.slow
@pytest.mark.parametrize("precision", [Precision.fp32, Precision.bf16])
def test_the_real_model_knows_what_it_knows(weights_cache: WeightsCache, precision: Precision) -> None:
    folder = fetch_model(
        ModelConfig(name="smollm2_135m", source=WeightsSource.package, weights=SMOLLM2), cache=weights_cache
    )
    (answers,) = LocalModel(folder, precision=precision).chat(
        [[Message(role="user", content="What is the capital of France?")]], max_new_tokens=16
    )
    assert "Paris" in answers[0]
