"""Names of people as they are written, and the shorter ones by which people call one another."""

from __future__ import annotations

from mealign.words import word_set

PARTICLES = word_set(
    "the a an dr mr mrs ms miss prof sir madam mx st saint aunt auntie uncle granny grandma grandpa oma opa "
    "tante onkel tía tío mum mom dad papa mama de del della der den van von ten ter da di du la le el al bin "
    "ibn o'"
)
"""Words that begin a name and are none by themselves."""


def short_name(name: str) -> str:
    """Return the first name, or the whole where its first word is none: a title, an article, a number, an initial.

    >>> [short_name(name) for name in ("Ada Byron", "Dr. Hale", "+44 7700 900123", "De Vries, Jan", "J. Moss")]
    ['Ada', 'Dr. Hale', '+44 7700 900123', 'Jan de Vries', 'J. Moss']
    """
    name = " ".join(name.split())
    last, comma, first = name.partition(", ")
    if comma and first and "," not in first:
        head, _, rest = last.partition(" ")
        return f"{first} {head.lower() if rest and head.lower() in PARTICLES else head} {rest}".strip()
    word = name.split(" ")[0]
    plain = word.rstrip(".,").lower()
    whole = (
        word.endswith((".", ","))
        or plain in PARTICLES
        or not plain[:1].isalpha()
        or (len(plain) == 1 and plain.isascii())
    )
    return name if whole else word
