"""Context tasks: a vague need made personal, and general advice answered as the person would.

A theme (food, work, home ...) has needs and the advice that an expert would give to anybody; the person's facts of that
theme make the request specific, or say what the advice missed.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from mealign.records import Family
from mealign.tasks.grammar import Clause, predicate, state
from mealign.tasks.lexicon import STANDALONE_PRONOUNS
from mealign.tasks.questions import ADDRESSED, is_preference
from mealign.words import word_set

MAX_WORDS = 16
OTHERS = frozenset({"he", "she", "him", "her", "his"})


@dataclass(frozen=True)
class Theme:
    """Words of facts that belong to the theme, what somebody may need, and what an expert tells everybody."""

    words: frozenset[str]
    needs: tuple[str, ...]
    advice: str


@dataclass(frozen=True)
class AdviceDraft:
    """One context task before its prompt: ``advice`` is empty for ``context_enhance``."""

    kind: Literal["context_enhance", "context_critic"]
    family: Family
    need: str
    advice: str
    reference: str
    fact_ids: tuple[str, ...]


THEMES: dict[str, Theme] = {
    "food": Theme(
        word_set(
    "eat cook bake food meal dinner lunch breakfast recipe bread cake cheese soup meat fish "
    "vegetarian vegan coriander allergic restaurant pasta chocolate waffle waffles stew curry"
),
        (
            "What should I cook this week?",
            "Can you suggest something for dinner with friends?",
            "I want to eat better. Where do I start?",
        ),
        "Plan a few simple meals, mix vegetables with some fish or meat, and try one new recipe a week.",
    ),
    "drink": Theme(
        word_set("drink tea coffee wine beer juice kombucha"),
        ("What should I drink in the morning?", "What could I serve to guests?"),
        "A good cup of coffee in the morning and a glass of wine in the evening suit most people.",
    ),
    "work": Theme(
        word_set(
    "work job office boss colleague career project team company shift deadline studio client contract"
),
        ("How can I do better at work?", "I need advice about my career.", "How should I plan my working week?"),
        "Set clear goals, talk with your manager every month, and keep an hour a day free of meetings.",
    ),
    "home": Theme(
        word_set("flat apartment house rent kitchen balcony room neighbour landlord garden"),
        ("How can I make my home nicer?", "What should I do with my place this spring?"),
        "Start with light colours, buy a few large plants, and get rid of what you have not used for a year.",
    ),
    "sport": Theme(
        word_set("run swim cycle bike hike climb yoga gym marathon race training row tennis football walk"),
        ("Help me to get fitter.", "Can you make me a training plan?", "What should I do to move more?"),
        "Join a gym, train three times a week, and raise the load by a tenth every week.",
    ),
    "music": Theme(
        word_set("music song band concert cello guitar piano violin choir sing jazz fado album"),
        ("What should I listen to this weekend?", "I want to do more with music. Any ideas?"),
        "Listen to the charts to find what you like, and take lessons in whatever instrument is popular.",
    ),
    "reading": Theme(
        word_set("read book novel poem poetry library write story author"),
        ("Which book should I take on holiday?", "How can I read more?"),
        "Pick something from the bestseller list and read twenty pages every evening.",
    ),
    "travel": Theme(
        word_set(
    "travel trip holiday visit train flight porto lisbon beach mountains camping abroad vacation"
),
        ("Where should I go for a few days?", "Help me to plan my next trip."),
        "Choose a large city, book a flight early, and see the three most famous sights first.",
    ),
    "animals": Theme(
        word_set("cat dog pet puppy kitten horse bird rabbit guinea"),
        ("Should I get another pet?", "Who looks after things when I am away?"),
        "A pet needs time every day; think about your hours before you take one.",
    ),
    "family": Theme(
        word_set(
    "sister brother mother father mum mom dad parents son daughter kids children husband wife "
    "grandmother aunt"
),
        ("I need an idea for a present.", "How can I spend more time with my family?"),
        "A voucher or a framed photograph is a present that most people like.",
    ),
    "craft": Theme(
        word_set("paint draw pottery knit sew craft art sketch weave bind photograph carve museum painting"),
        ("I want to make something with my hands. What?", "How do I get further with my hobby?"),
        "Buy a starter kit, follow an online course, and finish one small piece a week.",
    ),
    "learning": Theme(
        word_set("learn study course class language portuguese french lesson exam degree university"),
        ("How do I keep on learning?", "Which course should I take?"),
        "Take a short online course, study half an hour a day, and set a date for an exam.",
    ),
    "health": Theme(
        word_set("sleep doctor migraine tired stress allergy knee back pain therapy meditate asthma"),
        ("I want to feel better. What do you advise?", "How can I calm down in the evening?"),
        "Go to bed early, drink enough water, and take a walk after dinner.",
    ),
}  # fmt: skip

_ENHANCED = (
    "{need} For context: {facts}. Please take this into account.",
    "{need} You should know that {facts}, so please fit your answer to that.",
    "{need} Keep in mind that {facts}.",
)
_CRITICISED = (
    "That is too general for me. You did not consider that {facts}. Can you change your advice so that it fits?",
    "Good advice for anybody, but {facts}. How would you change it for me?",
    "I miss something here: {facts}. What does your advice look like with that in mind?",
)


def advice_drafts(clauses: Iterable[Clause], *, seed: int) -> list[AdviceDraft]:
    """Make a request and a piece of feedback for the facts of every theme, two facts at a time."""
    themes: dict[str, list[Clause]] = defaultdict(list)
    for clause in clauses:
        if _is_usable(clause) and (theme := _theme(clause)):
            themes[theme].append(clause)
    made = []
    for name in sorted(themes):
        rng = random.Random(f"{seed}:{name}")
        chosen = sorted(themes[name], key=lambda clause: clause.fact.id)
        rng.shuffle(chosen)
        chosen.sort(key=lambda clause: clause.past)  # lasting facts say more about a person than single events
        for start in range(0, len(chosen), 2):
            pair = chosen[start : start + 2]
            made.append(_enhance(THEMES[name], pair, rng))
            made += [_criticise(THEMES[name], clause, rng) for clause in pair]
    return made


def _is_usable(clause: Clause) -> bool:
    words = set(predicate(clause, voice="third").lower().split())
    return (
        clause.subject_is_user
        and clause.fact.superseded_by is None
        and 2 < len(words) <= MAX_WORDS
        and not words & (STANDALONE_PRONOUNS | ADDRESSED | OTHERS)
        and any(part.role in ("object", "prepositional", "activity") for part in clause.parts)
        and (not clause.past or clause.when is not None)
    )


def _theme(clause: Clause) -> str | None:
    """Return the theme that shares most words with the clause; of several, the first by name."""
    words = set(re.findall(r"[a-z]+", predicate(clause, voice="third").lower())) | {clause.lemma}
    best = max(sorted(THEMES), key=lambda name: len(words & THEMES[name].words))
    return best if words & THEMES[best].words else None


def _enhance(theme: Theme, clauses: Sequence[Clause], rng: random.Random) -> AdviceDraft:
    need = rng.choice(theme.needs)
    reference = rng.choice(_ENHANCED).format(need=need, facts=" and ".join(_told(clause) for clause in clauses))
    return AdviceDraft(
        kind="context_enhance",
        family=_family(clauses[0]),
        need=need,
        advice="",
        reference=reference,
        fact_ids=tuple(clause.fact.id for clause in clauses),
    )


def _criticise(theme: Theme, clause: Clause, rng: random.Random) -> AdviceDraft:
    return AdviceDraft(
        kind="context_critic",
        family=_family(clause),
        need=rng.choice(theme.needs),
        advice=theme.advice,
        reference=rng.choice(_CRITICISED).format(facts=_told(clause)),
        fact_ids=(clause.fact.id,),
    )


def _told(clause: Clause) -> str:
    time = clause.when.phrase if clause.when is not None and clause.when.preposition != "as of" else ""
    return state(clause, voice="first", time=time if clause.past else "")


def _family(clause: Clause) -> Family:
    return "preference" if is_preference(clause) else "recall"
