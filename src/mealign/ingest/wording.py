"""English sentences for what a calendar or an address book holds as fields."""

from __future__ import annotations

from datetime import date, datetime, time

END = ".!?。！？"


def sentence(text: str) -> str:
    """Return a text with a full stop behind it, where it ends in no sign of its own; "" for an empty one.

    >>> sentence("Dentist "), sentence("Really?")
    ('Dentist.', 'Really?')
    """
    text = text.strip()
    return text if not text or text[-1] in END else f"{text}."


def day(moment: date) -> str:
    """Return a day in words, as ``5 March 2024``."""
    return f"{moment.day} {moment:%B} {moment.year}"


def period(start: date, end: date | None = None) -> str:
    """Return from when to when something lasts; the last day of a period of whole days is part of it.

    >>> period(datetime(2024, 3, 5, 10), datetime(2024, 3, 5, 11, 30))
    '5 March 2024, 10:00 to 11:30'
    >>> period(date(2024, 3, 5), date(2024, 3, 7)), period(datetime(2024, 3, 5, 0, 0), datetime(2024, 3, 5, 23, 59))
    ('5 March 2024 to 7 March 2024', '5 March 2024')
    """
    if end is None or end == start:
        return _moment(start)
    if _whole_days(start, end):
        start, end = _day(start), _day(end)
        return day(start) if start == end else f"{day(start)} to {day(end)}"
    if isinstance(end, datetime) and _day(start) == _day(end):
        return f"{_moment(start)} to {end:%H:%M}"
    return f"{_moment(start)} to {_moment(end)}"


def _whole_days(start: date, end: date) -> bool:
    if not (isinstance(start, datetime) and isinstance(end, datetime)):
        return True
    return start.time() == time() and (end.hour, end.minute) == (23, 59)


def _day(moment: date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _moment(moment: date) -> str:
    return f"{day(moment)}, {moment:%H:%M}" if isinstance(moment, datetime) else day(moment)
