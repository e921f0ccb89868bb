"""Calendars (RFC 5545), as every calendar exports them, through the library of that name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from mealign.ingest.files import SourceFile
from mealign.ingest.html_text import nothing_left_out, visible_text
from mealign.ingest.importing import ImportContext, Importer, Messages
from mealign.ingest.text import read_text
from mealign.ingest.wording import day, period, sentence
from mealign.records import Document

ENTRIES = {"VEVENT": "event", "VTODO": "task", "VJOURNAL": "journal entry"}
END = re.compile(r"^END:VCALENDAR[ \t]*$", re.MULTILINE | re.IGNORECASE)
END_OF_ENTRY = re.compile(r"^END:(?:VEVENT|VTODO|VJOURNAL)[ \t]*$", re.MULTILINE | re.IGNORECASE)
BEGINS_ENTRY = re.compile(r"^BEGIN:(?:VEVENT|VTODO|VJOURNAL)[ \t]*$", re.MULTILINE | re.IGNORECASE)
HTML = re.compile(r"<(?:br|p|a|div|span|b|ul|html)\b[^<>]{0,500}>", re.IGNORECASE)
TOLD = frozenset({"SUMMARY", "LOCATION", "DESCRIPTION", "ATTENDEE", "ORGANIZER"})
SAID_ELSEWHERE = frozenset({"COMMENT", "CONTACT", "CATEGORIES", "URL", "X-ALT-DESC", "RESOURCES"})
EVERY = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year", "HOURLY": "hour", "MINUTELY": "minute"}
DAYS = {"MO": "Monday", "TU": "Tuesday", "WE": "Wednesday", "TH": "Thursday", "FR": "Friday", "SA": "Saturday",
        "SU": "Sunday"}  # fmt: skip


def read(file: SourceFile, context: ImportContext) -> list[Document]:
    """Read each event, task and journal entry as a note in sentences; one that repeats is one note.

    What another organiser wrote into an invitation is quoted.
    """
    from icalendar import Calendar

    text = read_text(file.path, file.name, context.problems)
    if text is None:
        return []
    if not END.search(text, max((found.end() for found in END_OF_ENTRY.finditer(text)), default=0)):
        ends = [found.end() for found in END_OF_ENTRY.finditer(text)]
        line = text.count("\n") + 1
        message = "the calendar breaks off here; the entries before it were kept"
        context.problems.add(file.name, line, "cut_off", message, "export the calendar again")
        text = text[: ends[-1]] + "\nEND:VCALENDAR\n" if ends else ""
    messages = Messages(file, context)
    try:
        entries = [entry for part in Calendar.from_ical(text, multiple=True) for entry in part.walk()]
    except ValueError:
        message = "one of its lines is not iCalendar"
        context.problems.add(file.name, None, "broken", message, "export the calendar again")
        return []
    entries = [entry for entry in entries if entry.name in ENTRIES]
    if lost := len(BEGINS_ENTRY.findall(text)) - len(entries):
        message = f"{lost} of its entries cannot be read"
        context.problems.add(file.name, None, "broken", message, "export the calendar again")
    for number, entry in enumerate(entries, start=1):
        _add(entry, number, messages)
    return messages.documents


def _add(entry: Any, number: int, messages: Messages) -> None:
    file, context = messages.file, messages.context
    label = f"{ENTRIES[entry.name]} {number}"
    start = _moment(entry, "DTSTART") or _moment(entry, "DUE") or _moment(entry, "COMPLETED")
    changed = _text(entry, "RECURRENCE-ID") and _moment(entry, "RECURRENCE-ID")
    item = (_text(entry, "UID") or str(number)) + (f"/{changed:%Y%m%dT%H%M}" if changed else "")
    for key in SAID_ELSEWHERE:
        values = entry.get(key)
        for value in values if isinstance(values, list) else [values] if values is not None else []:
            context.problems.leave_out(file.name, "program_field", value.to_ical().decode(errors="replace"))
    lines = list(_sentences(entry, context))
    description = _text(entry, "DESCRIPTION").strip()
    if HTML.search(description):
        description = visible_text(description, nothing_left_out, Counter()).strip()
    organiser = _person(entry.get("ORGANIZER"), context)
    if organiser not in ("", context.person):
        description = "\n".join(f"> {line}" for line in description.splitlines())
    text = "\n\n".join(filter(None, (" ".join(lines), description)))
    messages.add(item, author=context.person, participants=(), date=start, text=text, kind="note", label=label)


def _sentences(entry: Any, context: ImportContext) -> Iterator[str]:
    """Yield what happens when, where, how often and with whom."""
    start, end = _moment(entry, "DTSTART"), _moment(entry, "DTEND")
    title = " ".join(_text(entry, "SUMMARY").split()).rstrip(".") or ENTRIES[entry.name].capitalize()
    if start and end is None and isinstance(length := _value(entry, "DURATION"), timedelta):
        end = start + length
    elif end and not isinstance(end, datetime):
        # The day on which a period of whole days ends is the first after it.
        end = max(end - timedelta(days=1), start or end)
    when = f", {period(start, end)}" if start else ""
    place = " ".join(_text(entry, "LOCATION").split())
    cancelled = " (cancelled)" if _text(entry, "STATUS").upper() == "CANCELLED" else ""
    if title:
        yield sentence(f"{title}{when}{f', at {place}' if place else ''}{cancelled}")
    if entry.name == "VTODO":
        for key, word in (("DUE", "Due"), ("COMPLETED", "Done")):
            if moment := _moment(entry, key):
                yield f"{word} on {day(moment)}."
    if repeats := _repeats(entry.get("RRULE")):
        yield repeats
    attendees = entry.get("ATTENDEE") or []
    people = [_person(one, context) for one in (attendees if isinstance(attendees, list) else [attendees])]
    people = [_person(entry.get("ORGANIZER"), context), *people]
    if others := [name for name in dict.fromkeys(people) if name and name != context.person]:
        yield sentence(f"With {', '.join(others[:-1])}{' and ' if others[:-1] else ''}{others[-1]}")


def _repeats(rule: Any) -> str:
    """Return how often an event repeats, in words; "" where it does not, or not as a rule that can be read."""
    if not isinstance(rule, dict):
        return ""
    unit = EVERY.get(str(_first(rule, "FREQ")))
    number = _first(rule, "INTERVAL") or 1
    if not unit:
        return ""
    days = [DAYS[str(each)[-2:]] for each in rule.get("BYDAY", ()) if str(each)[-2:] in DAYS]
    on = f" on {', '.join(days[:-1])}{' and ' if days[:-1] else ''}{days[-1]}" if days else ""
    until = _first(rule, "UNTIL")
    last = f" until {day(until)}" if isinstance(until, date) else ""
    times = f", {_first(rule, 'COUNT')} times" if _first(rule, "COUNT") else ""
    return f"It repeats every {unit if number == 1 else f'{number} {unit}s'}{on}{last}{times}."


def _first(rule: dict[str, Any], key: str) -> Any:
    value = rule.get(key)
    return value[0] if isinstance(value, list) and value else value


def _value(entry: Any, key: str) -> Any:
    """Return a property as Python has it; None where there is none, or none that can be read."""
    from icalendar.error import BrokenCalendarProperty

    value = entry.get(key)
    try:
        return getattr(value[0] if isinstance(value, list) and value else value, "dt", None)
    except BrokenCalendarProperty:
        return None


def _moment(entry: Any, key: str) -> date | None:
    value = _value(entry, key)
    return value if isinstance(value, date) else None


def _text(entry: Any, key: str) -> str:
    value = entry.get(key)
    return "\n".join(map(str, value if isinstance(value, list) else [value] if value is not None else []))


def _person(address: Any, context: ImportContext) -> str:
    """Return who an attendee is: by name, else by address."""
    if address is None:
        return ""
    name = getattr(address, "params", {}).get("CN", "")
    return context.name_of(str(name), re.sub(r"(?i)^mailto:", "", str(address)))


IMPORTER = Importer(suffixes=frozenset({".ics"}), read=read, contained=True)
