"""LoCoMo (arXiv 2402.17753): one conversation of two speakers over dated sessions; either speaker can be the user.

Only ``conversation`` and ``qa`` are read. The annotations of a conversation (``observation``, ``session_summary``,
``event_summary``) would give answers away. A shared photo is part of its turn: its caption becomes a sentence.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from mealign.errors import ConfigError, MealignError
from mealign.ingest.report import Problems
from mealign.ingest.settings import IngestConfig, UserConfig
from mealign.ingest.text import printable, read_whole
from mealign.records import ABSTENTION, Document, Family, Question

FAMILIES: dict[int, Family] = {
    1: "multi_hop",
    2: "temporal",
    3: "preference",  # open-domain: what this person would like, choose or be; the nearest of the six families
    4: "recall",
    5: "unanswerable",
}
SESSION = re.compile(r"session_(\d+)")
DIALOGUE_ID = re.compile(r"D\d+:\d+")


def read_locomo(
    path: Path, user: UserConfig, settings: IngestConfig, problems: Problems
) -> tuple[list[Document], list[Question]]:
    """Read the turns of both speakers as documents, and the conversation's questions.

    Raises:
        ConfigError: the file cannot be read, or ``user.conversation`` or ``user.speaker`` names nothing in it.
        MealignError: the file is not in LoCoMo's format.
    """
    try:
        if path.stat().st_size > settings.max_export_bytes:
            raise ConfigError(
                f"user.path={path}: it has more than ingest.max_export_bytes={settings.max_export_bytes}; raise that"
            )
        return _read(read_whole(path), path, user, problems)
    except OSError as error:
        raise ConfigError(f"user.path={path}: cannot be read ({error.strerror}); name a LoCoMo JSON file") from error
    except json.JSONDecodeError as error:
        raise MealignError(f"{path}:{error.lineno}: not valid JSON ({error.msg}); fetch the file again") from error
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise MealignError(
            f"{path}: this is not LoCoMo's format (a list of samples with sample_id and conversation, their turns and "
            "questions); fetch the file again"
        ) from error


def _read(data: bytes, path: Path, user: UserConfig, problems: Problems) -> tuple[list[Document], list[Question]]:
    samples = {str(sample["sample_id"]): sample for sample in json.loads(data.decode())}
    people = {name: _speakers(sample["conversation"]) for name, sample in samples.items()}
    if user.conversation not in samples:
        raise ConfigError(f"user.conversation={user.conversation}: the file has {', '.join(samples)}; use one of these")
    sample = samples[user.conversation]
    conversation = sample["conversation"]
    if user.speaker not in people[user.conversation]:
        between = " and ".join(people[user.conversation])
        raise ConfigError(f"user.speaker={user.speaker}: {user.conversation} is between {between}")
    documents = _turns(conversation, user.conversation, printable(path.name), problems)
    if not documents:
        raise MealignError(f"{path}: conversation {user.conversation} has no usable turn")
    questions = _questions(sample.get("qa", []), user.conversation, documents, printable(path.name), problems)
    return documents, questions


def _speakers(conversation: dict[str, Any]) -> tuple[str, str]:
    first, second = str(conversation["speaker_a"]), str(conversation["speaker_b"])
    if not (first.strip() and second.strip()):
        raise ValueError("one of the speakers has no name")
    return first, second


def _turns(conversation: dict[str, Any], name: str, file: str, problems: Problems) -> list[Document]:
    documents = []
    speakers = _speakers(conversation)
    numbers = sorted(int(match[1]) for key in conversation if (match := SESSION.fullmatch(key)))
    for number in numbers:
        stamp = str(conversation.get(f"session_{number}_date_time", ""))
        try:
            start = datetime.strptime(stamp, "%I:%M %p on %d %B, %Y")
        except ValueError:
            problems.add(file, None, "bad_date", f"session {number} of {name} has no usable date", "correct it")
            continue
        for position, turn in enumerate(conversation[f"session_{number}"]):
            text = str(turn.get("text") or "").strip()
            if caption := str(turn.get("blip_caption") or "").strip():
                text = f"{text} I am sharing a photo: {caption}.".strip()
            if not (text and str(turn.get("speaker") or "").strip() and turn.get("dia_id")):
                problems.add(
                    file, None, "message", f"turn {position} of session {number} of {name} is empty", "fill it"
                )
                continue
            documents.append(
                Document.create(
                    source=f"{name}#{turn['dia_id']}",
                    author=str(turn["speaker"]),
                    participants=speakers,
                    created_at=start + timedelta(seconds=position),
                    kind="turn",
                    text=text,
                )
            )
    return documents


def _questions(
    entries: list[dict[str, Any]], name: str, documents: list[Document], file: str, problems: Problems
) -> list[Question]:
    known = {document.source for document in documents}
    last = max(document.created_at for document in documents).date()
    questions = []
    for number, entry in enumerate(entries, start=1):
        category = int(entry["category"])
        # Evidence is written by hand: "D8:6; D9:17", "D:11:26", "D30:05" occur.
        written = " ".join(str(item) for item in entry.get("evidence", []))
        evidence = [f"{name}#{_canonical(turn)}" for turn in DIALOGUE_ID.findall(written)]
        missing = [source for source in evidence if source not in known]
        if missing or (written and not evidence):
            message = f"question {number} of {name} names evidence that is no turn"
            problems.add(file, None, "evidence", message, "none needed: the question is kept without it")
        questions.append(
            Question(
                id=f"{name}#q{number:03d}",
                family=FAMILIES[category],
                kind="memory_qa_third_party",
                question=str(entry["question"]),
                answer=ABSTENTION if category == 5 else str(entry["answer"]),
                evidence=tuple(source for source in evidence if source in known),
                as_of=last,
                category=category,
            )
        )
    return questions


def _canonical(turn: str) -> str:
    session, position = turn.removeprefix("D").split(":")
    return f"D{int(session)}:{int(position)}"
