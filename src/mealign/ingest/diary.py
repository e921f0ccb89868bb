"""A text with many days in it (a diary, a log, a month's note), as the entries of those days."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta

from mealign.ingest.dates import (
    WEEKDAY,
    AmbiguousDateError,
    Found,
    ImplausibleDateError,
    Period,
    day_at,
    period_at,
    weekday_of,
)

FENCE = re.compile(r" {0,3}(```|~~~)")
HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(?=\S)|(\*{1,3})[ \t]+(?=\d{4}-)")
"""A heading of Markdown, or one of Org mode with a date."""
BEFORE = re.compile(
    r"(?P<bullet> {0,3}[-*+•][ \t]{1,4})?[\t ]{0,8}"
    r"(?P<open>[*_=~—–<\[(\-]{0,12}[ \t]{0,2})"
    r"(?P<word>(?:date|dated|created|erstellt|creado|datum|data|fecha|dato|dag|день|дата|日期|日付|날짜)"
    r"[ \t]{0,2}[:：]{1,2}[ \t]{0,4}(?:\[\[)?"
    r"|(?:day|entry|tag|jour|día|dia|giorno|dag)[ \t]\d{1,4}[ \t]?[:,–—-][ \t]{0,2})?",
    re.IGNORECASE,
)
"""What may stand before the date of an entry: a bullet, marks of bold or brackets, ``Date:``."""
CLOSED = re.compile(r"[\])>*_=~ \t]{0,12}")
SEPARATED = re.compile(r"[ \t]{0,2}(?::|[-–—|]|\t)[ \t]{0,4}(?=\S)|[ \t]{1,4}[-–—|][ \t]{1,4}")
END = re.compile(r"[\])>*_=~#\s:.,;—–|-]{0,40}\Z")
WEATHER = re.compile(r"[ \t\u3000]{0,4}[\u3400-\u9fff\u3040-\u30ff\uac00-\ud7a3 \t\u3000]{1,8}\Z")
"""What diaries in Chinese, Japanese and Korean have behind the date."""
UNDERLINE = re.compile(r" {0,3}(?:={3,}|-{3,})[ \t]*\Z")
FIELD = re.compile(r"\t\w[^:\n]{0,30}:\t")
"""One of the lines that Day One writes below ``Date:``."""
LONGEST_LINE = 200
"""Characters of a line that are searched for its date."""
SHORT_LINE = 40
"""Characters of a line that may be a day without a year."""
MOST_TITLES = 40
"""Lines above the first day that may be its title."""
ENOUGH = 2
"""So many dates that begin a line make a text a diary, where one could be by chance."""


@dataclass(frozen=True)
class Entry:
    """What one day says. ``moment`` is None where no heading dates it; ``period`` where one names more than a day."""

    line: int
    moment: datetime | None
    text: str
    timed: bool = False
    period: Period | None = None


@dataclass(frozen=True)
class Dates:
    """What is known of a text's dates before it is read. ``dated`` says whether it has a day of its own.

    ``day_first`` is for numbers that could be two days, ``folder`` for those of a text that does not show it itself;
    ``plausible`` says whether a moment can be meant.
    """

    dated: bool
    period: Period | None
    day_first: bool | None
    folder: Callable[[], bool | None]
    plausible: Callable[[datetime], bool]


@dataclass
class Split:
    """A text's entries, and the lines with a date that could not be used: (line, what is wrong)."""

    entries: list[Entry]
    wrong: list[tuple[int, str]] = field(default_factory=list)
    fields: str = ""
    """What Day One notes of an entry besides its text."""
    guessed_order: int | None = None
    """The first line whose day and month could be either, where nothing shows the order: the day was taken first."""


@dataclass(frozen=True)
class _Stamp:
    """A line that begins an entry: ``kind`` is heading, plain (a date alone) or inline (text follows)."""

    index: int
    kind: str
    found: Found | None
    rest: str
    level: int = 0
    bullet: bool = False
    after_blank: bool = False
    period: Period | None = None
    keyword: bool = False
    outline: bool = False


def split(text: str, dates: Dates) -> Split:
    """Divide a text where a heading, a line or the beginning of a line is a date.

    A heading that is a date divides wherever it stands; a line that is one, and a date before other words, only where
    the text looks like a diary: it begins so, or has several. Headings of a month or year give the days below them
    their year; text below such a heading alone is dated by it, as far as the text has no other date.
    """
    lines = text.split("\n")
    ordered = dates.day_first if dates.day_first is not None else _order(lines, dates)
    result = Split([])
    try:
        stamps = _stamps(lines, replace(dates, day_first=ordered), result)
    except AmbiguousDateError:
        ordered = dates.folder()
        stamps = _stamps(lines, replace(dates, day_first=ordered is not False), result, guess=ordered is None)
    stamps = _accepted(stamps, lines, dates)
    for stamp in stamps if any(stamp.keyword for stamp in stamps) else ():
        for index in range(stamp.index + 1, len(lines)):
            if not FIELD.match(lines[index]):
                break
            result.fields += lines[index] + "\n"
            lines[index] = ""
    result.entries = _entries(lines, stamps)
    if not any(stamp.found for stamp in stamps):
        result.guessed_order = None
    return result


def _order(lines: Sequence[str], dates: Dates) -> bool | None:
    """Return whether the day comes first, as the text's other dates show it: a number above 12 is a day."""
    seen: set[bool] = set()
    for line in lines:
        start = BEFORE.match(line[:LONGEST_LINE].lstrip("# "))
        rest = line[:LONGEST_LINE].lstrip("# ")[start.end() if start else 0 :]
        weekday = WEEKDAY.match(rest)
        rest = rest[weekday.end() :] if weekday else rest
        if match := re.match(r"(\d{1,2})([-/])(\d{1,2})\2(?:\d\d){1,2}(?!\d)", rest):
            first, second = int(match[1]), int(match[3])
            if (first > 12) != (second > 12):
                seen.add(first > 12)
    return seen.pop() if len(seen) == 1 else None


def _stamps(lines: Sequence[str], dates: Dates, result: Split, *, guess: bool = False) -> list[_Stamp]:
    found: list[_Stamp] = []
    result.wrong.clear()
    period, fenced, blank = dates.period, "", True
    for index, line in enumerate(lines):
        if fence := FENCE.match(line):
            fenced = "" if fenced == fence[1] else (fenced or fence[1])
        head = line[:LONGEST_LINE]
        try:
            stamp = None if fenced or fence or not head.strip() else _stamp(index, head, line, dates, period, blank)
        except AmbiguousDateError:
            raise
        except ImplausibleDateError as error:
            stamp = None
            if HEADING.match(head):
                result.wrong.append((index + 1, str(error)))
        if stamp and stamp.found and not dates.plausible(stamp.found.moment):
            stamp = None
        if stamp and not stamp.found and stamp.period:
            period = stamp.period
        if stamp:
            setext = index + 1 < len(lines) and stamp.kind == "plain" and UNDERLINE.match(lines[index + 1])
            found.append(replace(stamp, kind="heading", level=1) if setext else stamp)
            if guess and result.guessed_order is None and re.search(r"\d{1,2}([-/])\d{1,2}\1(?:\d\d){1,2}", head):
                result.guessed_order = index + 1
        blank = not line.strip() or bool(stamp)
    return found


def _stamp(index: int, head: str, line: str, dates: Dates, period: Period | None, blank: bool) -> _Stamp | None:
    heading = HEADING.match(head)
    begins = heading.end() if heading else 0
    before = BEFORE.match(head, begins)
    start = before.end() if before else begins
    level = len(heading[1] or heading[2]) if heading else 0
    bullet, keyword = bool(before and before["bullet"]), bool(before and before["word"])
    year = period.start.year if period else None
    month = period.start.month if period and period.unit == "month" else None
    # Without a heading, the number of a day alone is any number.
    in_year = year if heading or len(head) <= SHORT_LINE else None
    in_month = month if heading else None
    found = day_at(head, start, day_first=dates.day_first, year=in_year, month=in_month)
    if found is None and (brief := day_at(head, start, day_first=dates.day_first, short=True)):
        # 5.4.24 could be the number of a section or version: it stands alone.
        found = brief if END.match(line, brief.end) else None
    if found is None and heading and period and period.unit == "week":
        found = _day_of_week(head, start, period)
    if found is None:
        longer = period_at(head, start, year=year) if heading else None
        if longer and END.match(head, longer[0]):
            return _Stamp(index, "heading", None, "", level, period=longer[1])
        return None
    end = found.end
    if END.match(line, end):
        kind = "heading" if heading else "plain"
        return _Stamp(index, kind, found, "", level, bullet, after_blank=blank, keyword=keyword)
    if WEATHER.match(line, end) and not heading:
        return _Stamp(index, "inline", found, line[end:], 0, bullet, after_blank=blank)
    bracket = bool(before and before["open"].strip() and before["open"].strip()[-1] in "[(<*_")
    closed = CLOSED.match(line, end)
    at = closed.end() if closed else end
    separated = SEPARATED.match(line, at)
    rest = line[separated.end() if separated else at :]
    whole = not _only_of_year(head, start, found, dates)
    if heading:
        follows = separated or (whole and at > end)
        return _Stamp(index, "heading", found, rest, level, outline=heading[1] is None) if follows else None
    # A sentence may begin with a date; what stamps an entry has a time, brackets, or a mark after it.
    if whole and (separated or (found.timed and at > end) or (bracket and at > end and line[end] in "])>*_")):
        return _Stamp(index, "inline", found, rest, 0, bullet, after_blank=blank, keyword=keyword)
    return None


def _only_of_year(head: str, start: int, found: Found, dates: Dates) -> bool:
    """Whether a date has no year of its own: before other words that may be a number of anything."""
    try:
        whole = day_at(head, start, day_first=dates.day_first)
    except ImplausibleDateError:
        whole = None
    return whole is None or whole.end != found.end


def _day_of_week(head: str, start: int, period: Period) -> Found | None:
    word = WEEKDAY.match(head, start)
    number = weekday_of(word["word"]) if word else None
    if word is None or number is None:
        return None
    return Found(word.end(), datetime.combine(period.start + timedelta(days=number), time()), timed=False)


def _accepted(stamps: list[_Stamp], lines: Sequence[str], dates: Dates) -> list[_Stamp]:
    """Return the stamps that begin an entry, as :func:`split` explains."""
    first = next((index for index, line in enumerate(lines) if line.strip()), 0)
    begins = bool(stamps) and all(not line.strip() or HEADING.match(line) for line in lines[first : stamps[0].index])
    plain = [stamp for stamp in stamps if stamp.kind == "plain"]
    starts_plain = begins and stamps[0].kind == "plain"
    apart = [stamp for stamp in plain if stamp.after_blank or stamp.keyword]
    if not starts_plain:
        # In a note with a date, "Date: 5 May" may be that of a meeting.
        named = not dates.dated and any(stamp.keyword for stamp in apart)
        plain = apart if len(apart) >= ENOUGH or named else []
    inline = [stamp for stamp in stamps if stamp.kind == "inline"]
    timed = [stamp for stamp in inline if stamp.found and stamp.found.timed]
    starts_inline = begins and stamps[0].kind == "inline"
    if dates.dated:
        inline = [stamp for stamp in (inline if starts_inline else timed) if not stamp.bullet]
    if len(inline) < ENOUGH and not (starts_inline and timed):
        inline = []
    taken = {stamp.index for stamp in (*plain, *inline)}
    days = any(stamp.found and (stamp.kind == "heading" or stamp.index in taken) for stamp in stamps)
    return [
        stamp
        for stamp in stamps
        if stamp.index in taken or (stamp.kind == "heading" and (stamp.found or days or not dates.dated))
    ]


def _entries(lines: Sequence[str], stamps: Sequence[_Stamp]) -> list[Entry]:
    """Cut at the stamps, and where a heading above the level of a day's heading ends the day."""
    at = {stamp.index: stamp for stamp in stamps}
    entries: list[Entry] = []
    current: _Stamp | None = None
    begun, kept, fenced = 0, list[str](), ""
    skip = False

    def close() -> None:
        text = "\n".join(kept).strip()
        if text:
            moment = current.found.moment if current and current.found else None
            timed = bool(current and current.found and current.found.timed)
            entries.append(Entry(begun + 1, moment, text, timed, current.period if current else None))

    for index, line in enumerate(lines):
        if fence := FENCE.match(line):
            fenced = "" if fenced == fence[1] else (fenced or fence[1])
        stamp, heading = at.get(index), None if fenced else HEADING.match(line)
        if skip and UNDERLINE.match(line):
            skip = False
            continue
        skip = False
        if stamp:
            # Titles alone are no entry: they stand above the first one.
            above = not entries and (current is None or current.found is None) and len(kept) <= MOST_TITLES
            titles = [line for line in kept if line.strip()] if above and _only_headings(kept) else []
            if not titles:
                close()
            rest = stamp.rest.strip()
            marks = "#" * stamp.level + " " if stamp.kind == "heading" and rest and not stamp.outline else ""
            current, begun, kept = stamp, index, [*titles, *([marks + rest] if rest else [])]
            skip = stamp.kind == "heading"
        elif heading and current and current.level and heading[1] and len(heading[1]) < current.level:
            close()
            current, begun, kept = None, index, [line]
        else:
            kept.append(line)
    close()
    return entries


def _only_headings(lines: Sequence[str]) -> bool:
    return all(not line.strip() or HEADING.match(line) for line in lines)
