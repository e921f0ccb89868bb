"""A prompt that is too long loses memory, least needed lines first, and nothing else."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mealign.errors import MealignError
from mealign.memory.context import answer_prompt
from mealign.records import MEMORY_HEAD, Evidence, Fact, Message
from mealign.training.fitting import fit, sequence_length
from tests.training.conftest import make_task

LINES = ("- Farah climbs on Tuesdays", "- Nadia lives in Ghent", "- the lemon cake was good", "- Bart has a red bike")


def prompt_of(*lines: str, question: str = "Where does Nadia live?") -> tuple[Message, ...]:
    memory = MEMORY_HEAD + "\n".join(lines) if lines else ""
    return (Message(role="system", content=f"Answer.{memory}"), Message(role="user", content=question))


def test_what_fits_is_left_alone(tokenizer: Any) -> None:
    prompt = prompt_of(*LINES)
    exactly = sequence_length(tokenizer, prompt, "In Ghent")
    assert fit(prompt, ["Ghent", "In Ghent"], max_length=exactly, tokenizer=tokenizer) is prompt
    assert fit(prompt, ["Ghent", "In Ghent"], max_length=exactly - 1, tokenizer=tokenizer) != prompt


def test_the_line_that_answers_is_the_last_to_go(tokenizer: Any) -> None:
    for count in (3, 2, 1):
        limit = sequence_length(tokenizer, prompt_of(*LINES[:count]), "Ghent") + 2
        kept = fit(prompt_of(*LINES), ["Ghent"], max_length=limit, tokenizer=tokenizer)
        assert kept is not None
        assert "Nadia lives in Ghent" in kept[0].content
        assert kept[1] == prompt_of()[1]


def test_without_memory_it_fits_or_nothing_does(tokenizer: Any) -> None:
    bare = sequence_length(tokenizer, prompt_of(), "Ghent")
    assert fit(prompt_of(*LINES), ["Ghent"], max_length=bare, tokenizer=tokenizer) == prompt_of()
    assert fit(prompt_of(*LINES), ["Ghent"], max_length=bare - 1, tokenizer=tokenizer) is None
    alone = (Message(role="user", content="Where? " * 50),)
    assert fit(alone, ["Ghent"], max_length=20, tokenizer=tokenizer) is None


@given(lines=st.lists(st.sampled_from(LINES), max_size=6), limit=st.integers(5, 90))
@settings(max_examples=40, deadline=None)
def test_it_fits_and_only_lines_of_memory_are_missing(tokenizer: Any, lines: list[str], limit: int) -> None:
    prompt = prompt_of(*lines)
    found = fit(prompt, ["Ghent"], max_length=limit, tokenizer=tokenizer)
    if found is None:
        assert sequence_length(tokenizer, prompt_of(), "Ghent") > limit
        return
    assert sequence_length(tokenizer, found, "Ghent") <= limit
    head, _, memory = found[0].content.partition(MEMORY_HEAD)
    assert (head, found[1:]) == ("Answer.", prompt[1:])
    left = iter(lines)
    assert all(line in left for line in memory.split("\n") if line)


def test_the_memory_of_a_prompt_is_found_where_prompts_are_built(tokenizer: Any) -> None:
    fact = Fact(
        id="f", subject="Nadia", relation="lives in", object="Ghent", statement="Nadia lives in Ghent.",
        evidence=Evidence(document_id="d", start=0, end=1), confidence=1.0, valid_from=None,
    )  # fmt: skip
    built = answer_prompt("Where?", person="Nadia Roy", kind="memory_qa_self", facts=[fact])
    bare = answer_prompt("Where?", person="Nadia Roy", kind="memory_qa_self")
    limit = sequence_length(tokenizer, bare, "Ghent")
    assert fit(built, ["Ghent"], max_length=limit, tokenizer=tokenizer) == bare


def test_a_sequence_is_the_prompt_as_asked_the_answer_and_its_end(tokenizer: Any) -> None:
    task = make_task(3, "Ghent")
    asked = tokenizer.apply_chat_template([m.model_dump() for m in task.prompt], add_generation_prompt=True)[
        "input_ids"
    ]
    answer = tokenizer("Ghent<|im_end|>\n")["input_ids"]
    assert sequence_length(tokenizer, task.prompt, task.reference) == len(asked) + len(answer)


def test_a_template_that_changes_the_prompt_is_refused(tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    template = "{{ messages | length }}{% for message in messages %}{{ message.content }}{% endfor %}"
    monkeypatch.setattr(tokenizer, "chat_template", template)
    with pytest.raises(MealignError, match="chat template changes the prompt"):
        sequence_length(tokenizer, [Message(role="user", content="Where?")], "Ghent")
