"""General questions with the model's own answers, to train on besides the person's.

A model's answers to questions that have nothing to do with the person should not change. Training on its own earlier
answers keeps them stable: self-synthesised rehearsal (Huang et al., arXiv 2403.01244).
"""

from __future__ import annotations

import random
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path

from mealign.language.chat import TextModel
from mealign.records import Message, content_id

QUESTIONS = Path(__file__).with_name("general_questions.txt")
MAX_NEW_TOKENS = 64
SENTENCE_ENDS = ".!?"


@dataclass(frozen=True)
class Replayed:
    """A general question and what the model answered before training."""

    id: str
    prompt: tuple[Message, ...]
    answer: str


def replayed(model: TextModel, *, count: int, seed: int, known: MutableMapping[str, str]) -> list[Replayed]:
    """Draw general questions and let the model answer them greedily, cut after the last complete sentence.

    Args:
        model: the model from which training starts.
        count: how many to draw; there are 60 questions, and those without a complete sentence as answer are left out.
        seed: of the draw.
        known: answers of earlier calls, by model and question; new ones are added.

    Returns:
        At most ``count``, in the order of the draw.
    """
    questions = QUESTIONS.read_text(encoding="utf-8").splitlines()
    random.Random(seed).shuffle(questions)
    asked = {
        content_id("replay", model.digest, MAX_NEW_TOKENS, question): (Message(role="user", content=question),)
        for question in questions[:count]
    }
    missing = [key for key in asked if key not in known]
    answers = model.chat(
        [asked[key] for key in missing], max_new_tokens=MAX_NEW_TOKENS, description="answer general questions"
    )
    for key, (answer,) in zip(missing, answers, strict=True):
        known[key] = answer
    whole = {key: _whole_sentences(known[key]) for key in asked}
    return [Replayed(key, prompt, whole[key]) for key, prompt in asked.items() if whole[key]]


def _whole_sentences(text: str) -> str:
    """Remove the sentence that the token limit cut off."""
    return text[: max(text.rfind(end) for end in SENTENCE_ENDS) + 1].strip()
