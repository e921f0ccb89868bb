"""Who ``he`` and ``she`` refer to: the nearest preceding person whom the pronoun fits, if there is only one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from mealign.memory.kinship import ANIMALS, KIN, PEOPLE, Gender
from mealign.memory.rewrite import subject_of

Token = Any

FORMS: dict[str, Gender] = {"he": "he", "him": "he", "his": "he", "she": "she", "her": "she", "hers": "she"}
TITLES = {"St", "Saint", "Dr", "Mr", "Mrs", "Ms", "Prof"}
MIN_VOTES = 2
UNKNOWN = "?"
"""What the mention of somebody begins with who has neither a name nor one to whom they belong: ``a man``."""


def names_in(tokens: Iterable[Token], known: Mapping[str, str]) -> list[str]:
    """Return the first names of the people among the tokens, each once, in order; ``known`` are names of people."""
    return list(dict.fromkeys(str(token.text) for token in name_tokens(tokens, known)))


def name_tokens(tokens: Iterable[Token], known: Mapping[str, str]) -> list[Token]:
    """Return the tokens that are people's first names."""
    return [token for token in tokens if _begins_a_name(token, known)]


def unnamed(sentence: Any, *, speaker: str, but: Collection[int] = ()) -> dict[int, str]:
    """Return who, or which animal, is mentioned without a name, by position.

    ``my boss`` is the speaker's (``Nadia's boss``); anybody else, such as ``a man``, begins with :data:`UNKNOWN`.

    Args:
        sentence: a parsed sentence.
        speaker: its author's name.
        but: positions of names; ``my sister Ilse`` is one.
    """
    found = {}
    for token in sentence:
        if token.pos_ != "NOUN" or token.lemma_.lower() not in PEOPLE | ANIMALS or token.tag_ == "NNS":
            continue
        beside = [*token.children, *([token.head] if token.dep_ in ("compound", "appos") else [])]
        if any(word.i in but for word in beside):
            continue
        mine = any(child.dep_ == "poss" and child.lower_ == "my" for child in token.children)
        found[token.i] = f"{speaker}'s {token.lower_}" if mine else f"{UNKNOWN} {token.lower_}"
    return found


def _begins_a_name(token: Token, known: Mapping[str, str]) -> bool:
    person = token.ent_type_ == "PERSON" or token.text in known or token.lower_ in KIN
    return bool(
        token.pos_ == "PROPN"
        and person
        and token.text[:1].isupper()
        and not _is_place(token, known)
        and token.text not in TITLES
        and (token.i == token.sent.start or token.nbor(-1).ent_type_ != "PERSON" or token.ent_iob_ == "B")
    )


def gender_votes(sentence: Any, *, speaker: str, known: Mapping[str, str]) -> Counter[tuple[str, Gender]]:
    """Count how often a sentence ties a first name to a pronoun.

    ``my sister Ilse`` counts as many votes as suffice; ``Kees ..., and he ...`` with no other name counts one.

    Args:
        sentence: a parsed sentence.
        speaker: first name of its author, to whom ``he`` and ``she`` do not refer.
        known: names of people.
    """
    votes: Counter[tuple[str, Gender]] = Counter()
    names = [name for name in names_in(sentence, known) if name != speaker]
    first = next((token.i for token in sentence if token.text in names), 0)
    for token in sentence:
        if kin := kin_of(token):
            votes[token.text, KIN[kin]] += MIN_VOTES
        elif len(names) == 1 and token.lower_ in ("he", "she") and first < token.i:
            votes[names[0], FORMS[token.lower_]] += 1
    return votes


def antecedent(
    pronoun: Token, mentioned: Sequence[Sequence[str]], here: Sequence[str], genders: Mapping[str, Gender]
) -> str | None:
    """Return the only person to whom a pronoun can refer; None when there is none or more than one.

    Args:
        pronoun: ``he``, ``she`` or a form of them.
        mentioned: names in the sentences before, oldest first, as :func:`remembered`.
        here: names before the pronoun in its own sentence.
        genders: the pronoun of each name for which it is known.
    """
    gender = FORMS.get(pronoun.lower_)
    if gender is None:
        return None
    latest = [*(mentioned[-1] if mentioned else ()), *here]
    doer = _doer(pronoun)
    fits = [name for name in dict.fromkeys(latest) if genders.get(name, gender) == gender and name != doer]
    before = [[name for name in names if genders.get(name) == gender] for names in reversed(mentioned)]
    certain = next((names for names in before if names), [])
    if not fits:
        fits = [name for name in certain if name != doer]
    own = [name for name in here if genders.get(name) == gender]
    if len(fits) > 1 and len(own) == 1:
        return own[0]
    # Somebody whose pronoun is unknown does not take precedence over somebody nearby whom it certainly fits.
    doubtful = len(fits) == 1 and fits[0] not in genders and any(name != fits[0] for name in certain)
    return fits[0] if len(fits) == 1 and not doubtful else None


def remembered(
    mentioned: Sequence[Sequence[str]], names: Sequence[str], genders: Mapping[str, Gender]
) -> list[Sequence[str]]:
    """Add the names of a sentence to those before, and drop those to which no pronoun can refer any more.

    What is left are the names of this sentence, and of the latest with a name of each gender.
    """
    found = [*mentioned, names]
    latest = {genders.get(name): position for position, each in enumerate(found) for name in each}
    return [each for position, each in enumerate(found) if each is names or position in latest.values()]


def _doer(pronoun: Token) -> str | None:
    """Return the subject of the verb whose object is ``him`` or ``her``, who cannot be meant; None for other forms."""
    if pronoun.dep_ not in ("dobj", "dative", "pobj") or pronoun.lower_ not in ("him", "her"):
        return None
    verb = next((token for token in pronoun.ancestors if token.pos_ in ("VERB", "AUX")), None)
    subject = subject_of(verb) if verb is not None else None
    return str(subject.text) if subject is not None else None


def _is_place(token: Token, known: Mapping[str, str]) -> bool:
    """Whether a name that the parser takes for a person's occurs where a place does."""
    located = token.dep_ == "pobj" and token.head.lower_ in ("in", "to", "from", "near", "at", "through")
    return located and token.text not in known and token.lower_ not in KIN


def kin_of(token: Token) -> str | None:
    """Return the kinship word that a name is, or goes with: ``mum`` for ``Mum``, ``sister`` for ``my sister Ilse``."""
    if token.pos_ != "PROPN" or not token.text[:1].isupper():
        return None
    if token.lower_ in KIN:
        return str(token.lower_)
    beside = [token.head] if token.dep_ == "appos" else []
    beside += [child for child in token.children if child.dep_ == "compound"]
    return next((word.lemma_.lower() for word in beside if word.lemma_.lower() in KIN), None)
