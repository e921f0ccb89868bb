"""Forms of English words and back, by LemmInflect: its dictionary, and its rules for words that it does not list."""

from __future__ import annotations

from functools import cache

BASE = ("VB", "VBP")
"""Tags of verbs that are written as their lemma."""


@cache
def inflect(lemma: str, tag: str) -> str:
    """Return the form of a verb that a tag of the Penn Treebank names; of several the first.

    Args:
        lemma: not empty.
        tag: ``VBZ`` for the third person singular of the present, ``VBG`` for the -ing form, ``VBP`` for the first
            person, ``VBD`` for the past.

    >>> [inflect(verb, "VBZ") for verb in ("be", "watch", "try", "play")]
    ['is', 'watches', 'tries', 'plays']
    """
    from lemminflect import getInflection

    # The rules have no VBP, which is the lemma of any verb but `be`.
    return str(next(iter(getInflection(lemma, tag)), lemma))


@cache
def verb_lemma(form: str, tag: str) -> str:
    """Return the lower-case lemma of a verb form; spaCy's own lemma of ``hates`` is ``hat``.

    >>> [verb_lemma(*form) for form in (("hates", "VBZ"), ("lay", "VBD"), ("lay", "VBP"))]
    ['hate', 'lie', 'lay']
    """
    from lemminflect import getLemma

    lemmas = getLemma(form, "VERB")
    return form if tag in BASE and form in lemmas else str(lemmas[0])


@cache
def singular(noun: str) -> str:
    """Return the singular of a lower-case noun; an unlisted word counts as singular unless it ends in ``s``.

    >>> [singular(noun) for noun in ("bikes", "glass", "children", "café")]
    ['bike', 'glass', 'child', 'café']
    """
    from lemminflect import getLemma

    return str(next(iter(getLemma(noun, "NOUN", lemmatize_oov=noun.endswith("s"))), noun))


@cache
def lemmas(form: str, *kinds: str) -> frozenset[str]:
    """Return what a lower-case word may be a form of, by the dictionary; empty for a word that it does not list.

    Args:
        form: the word.
        kinds: ``VERB``, ``NOUN``, ``ADV``, ...; without any, verbs and nouns, and whatever else is its own lemma.

    >>> sorted(lemmas("saw")), sorted(lemmas("tired", "NOUN")), sorted(lemmas("grey"))
    (['saw', 'see'], [], ['grey'])
    """
    from lemminflect import getAllLemmas

    found = getAllLemmas(form)
    if kinds:
        return frozenset(lemma for kind in kinds for lemma in found.get(kind, ()))
    inflected = {lemma for kind in ("VERB", "AUX", "NOUN") for lemma in found.get(kind, ())}
    return frozenset(inflected | {lemma for listed in found.values() for lemma in listed if lemma == form})


@cache
def is_past_form(word: str, *, also_base: bool = False) -> bool:
    """Whether a lower-case word is the past of a verb; with ``also_base``, whether its present is written so too.

    >>> [is_past_form(word) for word in ("took", "baked", "red", "read")]
    [True, True, False, True]
    >>> is_past_form("took", also_base=True), is_past_form("read", also_base=True)
    (False, True)
    """
    from lemminflect import getAllLemmas, getInflection

    verbs = getAllLemmas(word, "VERB").get("VERB", ())
    return any(word in getInflection(verb, "VBD") and (not also_base or verb == word) for verb in verbs)
