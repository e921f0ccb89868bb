"""Prompts that are too long show less of the memory; questions and answers stay whole."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from mealign.errors import MealignError
from mealign.records import MEMORY_HEAD, Message

Turns = tuple[Message, ...]


def fit(prompt: Turns, answers: Sequence[str], *, max_length: int, tokenizer: Any) -> Turns | None:
    """Return a prompt that, with its longest answer, has at most ``max_length`` tokens.

    The facts that share the fewest words with the question and the answers are dropped first, the oldest first among
    equals, so that what the answer rests on is kept longest.

    Args:
        prompt: ends with the user's turn; facts are in its system turn after ``MEMORY_HEAD``.
        answers: answers that may follow it.
        max_length: in tokens, including the end of the turn.
        tokenizer: of the base model.

    Returns:
        The prompt itself if it fits, and None if it does not fit even without memory.
    """

    def fits(turns: Turns) -> bool:
        return max(sequence_length(tokenizer, turns, answer) for answer in answers) <= max_length

    if fits(prompt):
        return prompt
    system, *others = prompt
    head, found, memory = system.content.partition(MEMORY_HEAD)
    if not found or system.role != "system":
        return None
    wanted = _words(" ".join([others[-1].content, *answers]))
    kept = memory.split("\n")
    for line in sorted(kept, key=lambda line: len(_words(line) & wanted)):
        kept.remove(line)
        content = head + MEMORY_HEAD + "\n".join(kept) if kept else head
        shorter = (system.model_copy(update={"content": content}), *others)
        if fits(shorter):
            return shorter
    return None


def sequence_length(tokenizer: Any, prompt: Sequence[Message], answer: str) -> int:
    """Count the tokens of a prompt with its generation header, an answer and its end of turn.

    Raises:
        MealignError: the chat template renders the prompt differently when an answer follows, so that training and
            inference would use different prompts.
    """
    messages = [message.model_dump() for message in prompt]
    asked = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True)["input_ids"]
    messages.append({"role": "assistant", "content": answer})
    trained: list[int] = tokenizer.apply_chat_template(messages, return_dict=True)["input_ids"]
    if trained[: len(asked)] != asked:
        raise MealignError(
            "the model's chat template changes the prompt when an answer follows it, so training and inference would "
            "differ; choose another model, or give it a template that keeps the prompt"
        )
    return len(trained)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))
