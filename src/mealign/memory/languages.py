"""Which language a text is in, so that nothing is parsed as a language that it is not in.

py3langid (after Lui & Baldwin, ACL 2012 demonstrations, pages 25-30) is sure of whole sentences and unsure of ``ok``
and ``bought a boat``; there the rest of what its author wrote in the same place decides, and else the dictionary.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from mealign.memory.function_words import FUNCTION_WORDS
from mealign.memory.inflection import lemmas
from mealign.records import Document

ENGLISH = "en"
UNKNOWN = "und"
"""ISO 639-2's code for a language that is not determined."""
SURE, LIKELY = 0.8, 0.5
"""The probabilities from which the identifier decides alone that a text is in another language, and in English."""
MOSTLY, FEW = 0.75, 4
"""The share of English words in an English text, and how many words show it."""
ENOUGH = 5000
"""Characters of an author's text that show the language."""
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")


def languages_of(documents: Sequence[Document]) -> dict[str, str]:
    """Return the language of every document by its id: a code of ISO 639-1, or :data:`UNKNOWN`."""
    written: dict[tuple[str, str], str] = {}
    for document in documents:
        place = (document.source.partition("#")[0], document.author)
        if len(written.get(place, "")) < ENOUGH:
            written[place] = f"{written.get(place, '')} {document.text[:ENOUGH]}"
    usual = {place: language_of(text, UNKNOWN) for place, text in written.items()}
    return {
        document.id: language_of(document.text[:ENOUGH], usual[document.source.partition("#")[0], document.author])
        for document in documents
    }


def language_of(text: str, usual: str) -> str:
    """Return the language of a text; where that is in doubt, the one that its author ``usual``ly writes.

    A text of English words is English, whatever the identifier makes of the names in it.
    """
    words = [word for word in WORD.findall(text) if not word[0].isupper() or word.lower() in FUNCTION_WORDS]
    if not words:
        return usual
    code, probability = _identifier().classify(text)
    known = sum(_is_english(word.lower()) for word in words)
    if code == usual:
        return usual
    if (code == ENGLISH and probability >= LIKELY) or (len(words) >= FEW and known >= MOSTLY * len(words)):
        return ENGLISH
    if probability >= SURE:
        return str(code)
    if usual != UNKNOWN:
        return usual
    return ENGLISH if known >= MOSTLY * len(words) else UNKNOWN


def _is_english(word: str) -> bool:
    return word in FUNCTION_WORDS or bool(lemmas(word.partition("'")[0]))


def counts(languages: Mapping[str, str]) -> dict[str, int]:
    """Count the documents in each language other than English."""
    others = [code for code in languages.values() if code != ENGLISH]
    return {code: others.count(code) for code in sorted(set(others))}


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
