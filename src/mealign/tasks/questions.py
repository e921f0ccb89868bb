"""Questions that one fact answers, each with its answer as a short span.

Every part of the clause that can be asked for gives a draft: what, who, where, how many, what kind of, how often, how
long, why, when. A draft is written in two voices; parts that make no good question are skipped and counted by reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from mealign.records import Family
from mealign.tasks.dates import TimePhrase
from mealign.tasks.grammar import (
    Clause,
    Constituent,
    Phrase,
    Voice,
    Word,
    ask,
    ask_subject,
    predicate,
    recipient_preposition,
    say,
    say_subject,
)
from mealign.tasks.lexicon import (
    CHANGE_VERBS,
    LIGHT_VERBS,
    MOTION_VERBS,
    OCCUPATIONS,
    PREFERENCE_ADJECTIVES,
    PREFERENCE_VERBS,
    STANDALONE_PRONOUNS,
    TOPICS,
    VAGUE_ADJECTIVES,
    VAGUE_ANSWERS,
)
from mealign.words import word_set

MAX_ANSWER_WORDS = 10
MIN_QUESTION_WORDS = 4
MAX_QUESTION_WORDS = 20
_OTHER = re.compile(r"\b(?:he|she|him|her|his|hers)\b", re.IGNORECASE)
ADDRESSED = word_set("you your yours yourself we us our ours i me my mine myself")
_SMALL = word_set(
    "a an the of to in at on for with and or from by as is are was were be been am do does did has "
    "have had my your her his their its our i me you he she what when where who which how why whose "
    "many much kind long often not s that this now still things places people"
)
_LEADING_DETERMINER = re.compile(r"^(?:the|a|an)\s+", re.IGNORECASE)
_EMPTY = word_set(
    "do doing done go going gone get getting make making made feel feeling have having had want "
    "wanted know see saw start try trying thing tell give chance time"
)
"""Words that leave a question open to many answers: ``What is Nadia doing?``."""
_IDIOMATIC = word_set("place part care fun sense sure turn turns notice hold leave root shape pride")
_PLANNABLE = MOTION_VERBS | word_set("leave start move meet visit marry open begin have see")
_DANGLING = word_set("the a an of to and or my your her his their with for in at on by from about some")


@dataclass(frozen=True)
class Draft:
    """A question in two voices with its answer.

    ``first`` is the question as the user asks it and ``second`` the answer to the user; both are empty where the clause
    does not mention the user. ``asks`` names what is asked for; drafts with the same ``asks`` and question compete.
    """

    family: Family
    asks: str
    third: str
    answer: str
    first: str
    second: str
    fact_ids: tuple[str, ...]
    clause: Clause = field(compare=False, repr=False)
    dated: bool = False


@dataclass(frozen=True)
class Skipped:
    """Why a part of a fact gives no question."""

    reason: str


def draft_questions(clause: Clause) -> Iterator[Draft | Skipped]:
    """Yield every question that the clause answers, undated first."""
    if clause.fact.superseded_by is None or clause.past:
        for index, part in enumerate(clause.parts):
            yield from _for_part(clause, index, part)
        yield from _for_subject(clause)
        yield from _yes_or_no(clause)
    yield from _for_time(clause)


def is_preference(clause: Clause) -> bool:
    """Whether the clause says what someone likes."""
    words = {part.head for part in clause.parts if part.role in ("verb", "state")} | {
        word.third.lower() for word in clause.subject
    }
    verbs = {clause.lemma} | {say(part.words, "third").split()[-1] for part in clause.parts if part.role == "activity"}
    return bool(verbs & PREFERENCE_VERBS or words & PREFERENCE_ADJECTIVES)


def content_words(text: str) -> set[str]:
    """Return the lower-cased words that carry meaning.

    >>> sorted(content_words("What did Nadia buy at the market?"))
    ['buy', 'market', 'nadia']
    """
    return {word for word in re.findall(r"[\w'-]+", text.lower().replace("'s", "")) if word not in _SMALL}


def problem(question: str, answer: str) -> str | None:
    """Return why a question is not worth asking, or ``None`` when it is."""
    words = question.rstrip("?").split()
    answered = content_words(answer)
    if len(words) < MIN_QUESTION_WORDS:
        return "question_too_short"
    if len(words) > MAX_QUESTION_WORDS:
        return "question_too_long"
    if any(text.count(mark) % 2 for text in (question, answer) for mark in '"“”') or "(" in question + answer:
        return "broken_quotation"
    if words[-1].endswith("'s"):
        return "dangling_possessive"
    if len(answer.split()) > MAX_ANSWER_WORDS:
        return "answer_too_long"
    if (
        not answered
        or answered <= VAGUE_ANSWERS | VAGUE_ADJECTIVES
        or words[-1].lower() in _DANGLING - {"to", "with", "for", "in", "at", "on", "by", "from", "about", "of"}
    ):
        return "vague_answer"
    if {word.lower().strip(",") for word in words[2:]} & (STANDALONE_PRONOUNS | ADDRESSED | {"he", "she", "him"}):
        return "pronoun_in_question"
    if answer.split()[0].lower() in ("this", "that", "these", "those"):
        return "pronoun_in_answer"
    if set(answer.lower().split()) & ADDRESSED:
        return "pronoun_in_answer"
    if answered <= content_words(question):
        return "answer_in_question"
    return None


def make_draft(
    clause: Clause,
    *,
    family: Family,
    asks: str,
    question: dict[Voice, str],
    answer: dict[Voice, str],
    fact_ids: tuple[str, ...] = (),
    dated: bool = False,
) -> Draft | Skipped:
    """Build a draft, or say why the question is not worth asking."""
    answers = {voice: _tidy(text) for voice, text in answer.items()}
    if reason := problem(question["third"], answers["third"]):
        return Skipped(reason)
    subject = set() if clause.copular else content_words(say(clause.subject, "third"))
    if asks not in ("event", "other_day") and not content_words(question["third"]) - subject - _EMPTY:
        return Skipped("question_says_nothing")
    if asks != "feeling" and set(answers["third"].lower().split()) & {"it", "them", "they"}:
        return Skipped("pronoun_in_answer")
    # In statements the user's own pronouns have become names, so a remaining pronoun means somebody unnamed.
    if clause.subject_is_user and _OTHER.search(f"{question['third']} {answers['third']}"):
        return Skipped("pronoun_of_another")
    personal = question["first"] != question["third"] or answers["second"] != answers["third"]
    # "What did Tom give me for her birthday?" does not say whose, so it is asked in the third person only.
    personal = personal and not _OTHER.search(question["first"])
    return Draft(
        family=family,
        asks=asks,
        third=question["third"],
        answer=answers["third"],
        first=question["first"] if personal else "",
        second=answers["second"] if personal else "",
        fact_ids=fact_ids or (clause.fact.id,),
        clause=clause,
        dated=dated,
    )


def with_time(draft: Draft) -> Draft | None:
    """Return the question with the day added, for one that would otherwise have several answers."""
    when = draft.clause.when
    if when is None or not when.is_event or draft.dated or draft.family == "temporal":
        return None

    def dated(question: str) -> str:
        return question and f"{question.rstrip('?')} {when.phrase}?"

    made = replace(draft, third=dated(draft.third), first=dated(draft.first), dated=True)
    return None if problem(made.third, made.answer) else made


def _for_part(clause: Clause, index: int, part: Constituent) -> Iterator[Draft | Skipped]:
    if part.pronoun:
        yield Skipped("pronoun_answer")
        return
    match part.role:
        case "object":
            yield from _object(clause, index, part)
        case "attribute":
            yield from _attribute(clause, index, part)
        case "prepositional":
            yield from _prepositional(clause, index, part)
        case "duration":
            yield _recall(clause, "duration", "How long", index, part.words)
        case "recipient":
            if part.answers == "person" and (preposition := recipient_preposition(clause.lemma)):
                yield _recall(clause, "recipient", "Who", index, part.words, tail=preposition)
            else:
                yield Skipped("recipient_not_asked")
        case "clock":
            yield _recall(clause, "clock", "What time", index, part.words)
        case "frequency":
            yield _recall(clause, "frequency", "How often", index, part.words)
        case "reason":
            yield _recall(clause, "reason", "Why", index, part.words, at_most=2)
        case "state":
            yield from _state(clause, index, part)
        case "activity":
            yield from _activity(clause, index, part)
        case "verb":
            return


def _object(clause: Clause, index: int, part: Constituent) -> Iterator[Draft | Skipped]:
    bare_have = clause.lemma == "have" and len(clause.parts) == 1
    if part.answers == "person" and not bare_have:
        yield _recall(clause, "object", "Who", index, part.words)
        return
    if part.count:
        count = (Word.same(part.count),)
        yield _recall(clause, "count", f"How many {part.noun}", index, count)
    if clause.lemma == "have" and not clause.auxiliaries and part.name:
        yield _name_of(clause, part)
        return
    if part.kind and not _is_vague(part):
        yield _recall(clause, "object", f"What kind of {part.kind}", index, part.words)
    elif is_preference(clause) and (topic := _topic(part)):
        yield _recall(
            clause,
            "object",
            f"What {topic}" if topic in ("colour", "season") else f"What kind of {topic}",
            index,
            part.words,
        )
    if (
        clause.lemma in LIGHT_VERBS
        and len(part.words) == 1
        and part.words[0].third.islower()
        and part.head in _IDIOMATIC
    ):
        yield Skipped("idiom")
        return
    if bare_have:
        yield Skipped("question_says_nothing")
        return
    age = clause.lemma == "turn" and len(part.words) == 1
    yield _recall(clause, "object", "How old" if age else "What", index, part.words)
    if is_preference(clause) and not clause.auxiliaries and not clause.negated and index == 0:
        yield _feeling(clause, part)


def _attribute(clause: Clause, index: int, part: Constituent) -> Iterator[Draft | Skipped]:
    if not clause.copular:
        yield Skipped("attribute_of_another_verb")
    elif part.answers == "person" and not clause.subject_is_person:
        yield _recall(clause, "attribute", "Who", index, part.words)
    elif part.head in OCCUPATIONS and clause.subject_is_person and not clause.past:
        subject = {voice: say(clause.subject, voice) for voice in ("third", "first", "second")}
        do = "do" if clause.plural else "does"
        yield make_draft(
            clause,
            family=_family(clause),
            asks="job",
            question={
                "third": f"What {do} {subject['third']} do for a living?",
                "first": f"What {'do' if clause.subject_is_user else do} {subject['first']} do for a living?",
            },
            answer=_answers(part.words),
        )
    elif (
        any(word.third.endswith("'s") for word in part.words)
        and clause.subject_is_person
        and not clause.subject_is_user
    ):
        yield make_draft(
            clause,
            family=_family(clause),
            asks="relative",
            question={voice: f"Who {clause.verb} {say(part.words, voice)}?" for voice in ("third", "first")},
            answer=_answers(clause.subject),
        )
    elif not clause.subject_is_person:
        yield _recall(clause, "attribute", "What", index, part.words)
    else:
        yield Skipped("attribute_of_a_person")


def _prepositional(clause: Clause, index: int, part: Constituent) -> Iterator[Draft | Skipped]:
    if part.answers == "person":
        yield _recall(clause, part.lead, "Who", index, part.words, strand=part.lead)
    elif part.answers == "place" and part.lead in (
        "in",
        "at",
        "to",
        "into",
        "near",
        "on",
        "from",
        "inside",
        "outside",
        "through",
        "around",
        "by",
    ):
        keeps = part.lead == "from" or (part.lead in ("to", "into") and clause.lemma not in ("go", "get", "come"))
        yield _recall(clause, part.lead, "Where", index, part.words, strand=part.lead if keeps else "")
    elif part.lead in ("in", "at") and clause.lemma in ("work", "live", "study", "stay", "teach", "volunteer"):
        yield _recall(clause, part.lead, "Where", index, part.words)
    elif part.lead in ("about", "for", "with", "of", "from", "on", "into", "to", "against", "by"):
        yield _recall(clause, part.lead, "What", index, part.words, strand=part.lead)
    else:
        yield Skipped("preposition_not_asked")


def _state(clause: Clause, index: int, part: Constituent) -> Iterator[Draft | Skipped]:
    if clause.lemma == "feel":
        yield _recall(clause, "state", "How", index, part.words)
    elif (
        clause.copular and not clause.subject_is_person and part.head in set().union(*TOPICS.values())
    ) or clause.lemma in ("think", "believe", "hope", "know", "learn", "decide", "find", "realise", "realize"):
        yield _recall(clause, "state", "What", index, part.words)
    else:
        yield Skipped("state_not_asked")


def _activity(clause: Clause, index: int, part: Constituent) -> Iterator[Draft | Skipped]:
    """Ask what somebody stopped doing (``stopped drinking coffee``) or wants to do (``wants to buy a car``)."""
    tail = clause.parts[index + 1 :]
    words: Phrase = tuple(
        word
        for later in (part, *tail)
        if later.role != "reason"
        for word in ((Word.same(later.lead),) if later.lead else ())
        + (*later.words[:-1], replace(later.words[-1], space=True))
    )
    infinitive = words[0].third.lower() == "to"
    outer = replace(clause, parts=clause.parts[: index + 1])
    if infinitive:
        yield _recall(outer, "activity", "What", index, words[1:], strand="to do")
    elif words[0].third.lower().endswith("ing"):
        if clause.lemma == "go":
            yield Skipped("go_doing")
            return
        yield _recall(outer, "activity", "What", index, words, strand="doing")


def _recall(
    clause: Clause, asks: str, wh: str, index: int, words: Phrase, *, strand: str = "", tail: str = "", at_most: int = 3
) -> Draft | Skipped:
    questions: dict[Voice, str] = {
        voice: ask(clause, wh, voice=voice, without=(index,), strand=strand, tail=tail, at_most=at_most)
        for voice in ("third", "first")
    }
    return make_draft(clause, family=_family(clause), asks=asks, question=questions, answer=_answers(words))


def _name_of(clause: Clause, part: Constituent) -> Draft | Skipped:
    owner = {voice: say(clause.subject, voice) for voice in ("third", "first")}
    possessive = {"third": f"{owner['third']}'s", "first": "my" if clause.subject_is_user else f"{owner['first']}'s"}
    return make_draft(
        clause,
        family=_family(clause),
        asks="name",
        question={voice: f"What is the name of {possessive[voice]} {part.head}?" for voice in ("third", "first")},
        answer=_answers((Word.same(part.name),)),
    )


def _feeling(clause: Clause, part: Constituent) -> Draft | Skipped:
    """``How does Nadia feel about coriander?``: ``hates it``."""
    if clause.plural or clause.past:
        return Skipped("feeling_not_asked")
    bare = replace(clause, parts=())
    pronoun = "them" if part.words[-1].third.endswith("s") else "it"
    subject = {voice: say(clause.subject, voice) for voice in ("third", "first")}
    do = {"third": "does", "first": "do" if clause.subject_is_user else "does"}
    return make_draft(
        clause,
        family="preference",
        asks="feeling",
        question={
            voice: f"How {do[voice]} {subject[voice]} feel about {say(part.words, voice)}?"
            for voice in ("third", "first")
        },
        answer={
            "third": f"{predicate(bare, voice='third')} {pronoun}",
            "second": f"{'you ' if clause.subject_is_user else ''}{predicate(bare, voice='second')} {pronoun}",
        },
    )


def _for_subject(clause: Clause) -> Iterator[Draft | Skipped]:
    """``Who gave Nadia the fern?``, where what was done is specific enough to name one person."""
    if not clause.subject_is_person or clause.subject_is_user or clause.copular:
        return
    if not clause.subject_name and not any("'" in word.third for word in clause.subject):
        yield Skipped("subject_not_specific")
        return
    rest = content_words(predicate(clause, voice="third")) - {clause.verb}
    if (clause.lemma in LIGHT_VERBS and len(rest) < 2) or len(rest) < 1 or not clause.past:
        yield Skipped("subject_not_specific")
        return
    questions: dict[Voice, str] = {voice: ask_subject(clause, voice=voice) for voice in ("third", "first")}
    yield make_draft(
        clause, family=_family(clause), asks="subject", question=questions, answer=_answers(clause.subject)
    )


def _yes_or_no(clause: Clause) -> Iterator[Draft | Skipped]:
    if not is_preference(clause) or clause.copular or clause.past or clause.plural:
        return
    questions: dict[Voice, str] = {
        voice: ask(replace(clause, negated=False), "", voice=voice, at_most=2) for voice in ("third", "first")
    }
    likes = not clause.negated and clause.lemma not in ("hate", "dislike", "detest")
    if not likes and not clause.negated:
        yield Skipped("negative_verb")
        return
    answer = "Yes" if likes else "No"
    yield make_draft(
        clause, family="preference", asks="likes", question=questions, answer={"third": answer, "second": answer}
    )


def _for_time(clause: Clause) -> Iterator[Draft | Skipped]:
    when = clause.when
    if when is None:
        return
    if when.preposition == "since" and not clause.negated and {"has", "have"} & set(clause.auxiliaries):
        yield _temporal(clause, when, "Since when")
        return
    if not when.is_event:
        return
    if clause.copular or clause.lemma == "use" or not (clause.past or _is_ahead(clause)):
        yield Skipped("state_is_no_event")
        return
    yield _temporal(clause, when, "When")
    if clause.past and not clause.negated and clause.subject_is_person:
        questions: dict[Voice, str] = {
            voice: f"What did {say_subject(clause, voice)} do {when.phrase}?" for voice in ("third", "first")
        }
        answers: dict[Voice, str] = {voice: predicate(clause, voice=voice, at_most=2) for voice in ("third", "second")}
        if len(answers["third"].split()) < 2 or content_words(answers["third"]) <= _EMPTY | VAGUE_ANSWERS:
            yield Skipped("event_says_nothing")
            return
        yield make_draft(clause, family="temporal", asks="event", question=questions, answer=answers, dated=True)


def _is_ahead(clause: Clause) -> bool:
    """Whether it is about the future: ``will move``, ``is going to move``, ``is moving``, but not ``is learning``."""
    if "will" in clause.auxiliaries:
        return True
    return bool(set(clause.auxiliaries) & {"is", "are"}) and clause.verb.endswith("ing") and clause.lemma in _PLANNABLE


def _temporal(clause: Clause, when: TimePhrase, wh: str) -> Draft | Skipped:
    questions: dict[Voice, str] = {voice: ask(clause, wh, voice=voice, at_most=2) for voice in ("third", "first")}
    answers: dict[Voice, str] = {"third": when.answer, "second": when.answer}
    return make_draft(clause, family="temporal", asks="time", question=questions, answer=answers)


def _family(clause: Clause) -> Family:
    if is_preference(clause):
        return "preference"
    return "update" if clause.lemma in CHANGE_VERBS else "recall"


def _answers(words: Phrase) -> dict[Voice, str]:
    return {"third": say(words, "third"), "second": say(words, "second")}


def _is_vague(part: Constituent) -> bool:
    return any(word.third.lower() in VAGUE_ADJECTIVES for word in part.words)


def _topic(part: Constituent) -> str | None:
    words = {word.third.lower() for word in part.words}
    return next((topic for topic, members in TOPICS.items() if words & members), None)


def _tidy(answer: str) -> str:
    return answer.strip(" .,;:!?-–—")
