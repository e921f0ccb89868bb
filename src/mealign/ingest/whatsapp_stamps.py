"""How phones write the moment of a WhatsApp message, in all their languages.

What differs between languages is data: :data:`HALVES` and :data:`BESIDE` hold the words beside a time, and one pattern
takes every order of numbers, separator, digit and mark. Which of a date's numbers is the day follows from all stamps of
a file (:func:`date_order`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

HALVES = {
    # Before noon.
    0: "am|a|vorm|vormittags|früh|vm|ochtends|'s ochtends|du matin|matin|de la mañana|de la madrugada|da manhã|"
    "da madrugada|di mattina|mattina|dop|dopoledne|dopoludnia|dopoldne|prijepodne|pre podne|пре подне|пр об|"
    "преди обяд|претпл|дп|дп полудня|утра|ночи|ранку|ночі|rano|de|délelőtt|dim|dimineața|π μ|πμ|πρωί|öö|sabah|ص|"
    "صباحا|صباحًا|ق ظ|قبل از ظهر|قبل‌ازظهر|صبح|قبل دوپہر|غ م|לפנה צ|לפנהצ|לפני הצהריים|בבוקר|לפנות בוקר|पूर्वाह्न|"
    "पूर्व|सुबह|भोर|म पू|সকাল|ভোর|পূর্বাহ্ণ|পূর্বাহ্ন|முற்பகல்|மு ப|పూర్వాహ్నం|ಪೂರ್ವಾಹ್ನ|രാവിലെ|ਪੂ ਦੁ|පෙ ව|pagi|"
    "dini hari|pg|sa|sáng|ก่อนเที่ยง|ກ່ອນທ່ຽງ|ព្រឹក|នំណាក់|နံနက်|上午|凌晨|清晨|早上|早晨|午前|오전|새벽|fm|"
    "förmiddag|f h|ap|aamupäivä|priekšp|priekšpusdienā|priešpiet|to|e paradites|pd|r n|yb|ጥዋት|asubuhi|am vormittag",
    # After noon.
    12: "pm|p|nachm|nachmittags|nm|middags|'s middags|'s avonds|avonds|abends|de l'après-midi|après-midi|du soir|soir|"
    "de la tarde|de la noche|da tarde|da noite|di pomeriggio|pomeriggio|di sera|sera|odp|odpoledne|popoludní|"
    "popoldne|pop|poslijepodne|po podne|по подне|сл об|след обяд|попл|пп|по полудню|дня|вечера|вечора|po południu|"
    "du|délután|este|după-amiaza|μ μ|μμ|μεσημέρι|βράδυ|ös|م|مساء|مساءً|ب ظ|بعد از ظهر|بعدازظهر|عصر|بعد دوپہر|غ و|"
    "אחה צ|אחהצ|אחר הצהריים|בערב|अपराह्न|अप|शाम|म उ|বিকাল|বিকেল|সন্ধ্যা|অপরাহ্ণ|অপরাহ্ন|பிற்பகல்|பி ப|అపరాహ్నం|"
    "ಅಪರಾಹ್ನ|വൈകുന്നേരം|ਬਾ ਦੁ|ප ව|sore|petang|ptg|ch|chiều|tối|หลังเที่ยง|ຫຼັງທ່ຽງ|ល្ងាច|ညနေ|下午|傍晚|午后|午後|"
    "오후|저녁|em|eftermiddag|e h|ip|iltapäivä|pēcp|pēcpusdienā|popiet|tk|e pasdites|md|i n|yh|ከሰዓት|jioni|mchana",
    # Around noon: 11 is before it, 1 after it.
    6: "m|mittags|midi|mediodía|del mediodía|du midi|दोपहर|দুপুর|siang|tengah hari|trưa|中午|正午|낮|בצהריים|ظهر|ظهرا|"
    "ظهرًا",
    # Around midnight: 11 is before it, 1 after it.
    18: "nachts|nuit|night|रात|রাত|malam|đêm|晚上|夜|深夜|半夜|밤|בלילה|ليلا|ليلًا|شب",
}
"""Words for a part of the day by the hour at which its twelve hours begin; dots and marks are left out."""
BESIDE = (
    "klo|kl|à|a las|a la|a les|às|as|um|om|at|alle|alle ore|ore|orele|la|u|ob|o|ob uri|plkst|kell|saat|στις|в|о|у|"
    "г|г в|год|р|р о|r|lúc|vào lúc|pukul|pkl|jam|เวลา|น|uhr|uur|h|hs|hrs|hod|godz|óra|ч|ч мин|s|秒|초|บ|बजे|को|"
    "को बजे|টা|בשעה|ב|ساعت|در|الساعة|في|t|的|be|พ ศ|ه|ه ش|gada|st|den|dne|a"
)
"""Words beside a date or a time that say nothing of the part of the day."""
YEAR_FIRST = frozenset({
    "上午", "下午", "中午", "凌晨", "清晨", "早上", "傍晚", "晚上", "午前", "午後",
    "오전", "오후", "새벽", "저녁", "de", "du",
})  # fmt: skip
"""Words of languages that write the year first, even with two digits."""

BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Marks of the direction of writing, as a class of a pattern."""
MARKS = rf"{BIDI}\u200b-\u200d\ufeff"
"""All marks that are not seen."""
SPACES = " \t\u00a0\u2000-\u200a\u202f\u3000"
GAP = rf"[{SPACES}{MARKS}]{{0,6}}"
WORDS = r"[^\d\n:\[\]<>/–—-]"
DATE = (
    rf"(?P<first>\d{{1,4}}){GAP}(?P<mark>[./\-‐‑−年년]){GAP}(?P<second>\d{{1,2}}){GAP}[./\-‐‑−月월]{GAP}"
    rf"(?P<third>\d{{1,4}})[.日일]?"
)
TIME = (
    rf"(?P<hour>\d{{1,2}}){GAP}[:.：٫h時时시]{GAP}(?P<minute>\d{{2}})[分분]?"
    rf"(?:(?:[:.：٫]|{GAP}min{GAP})(?P<second_of>\d{{2}})(?!\d)초?)?"
)
OPENING = rf"{GAP}(?P<open>\[?){GAP}"
CLOSING = r"(?P<close>\]:?|[-–—](?=[^\w\n]|$)|:(?=\s|$))?"
SHAPES = (
    re.compile(rf"{OPENING}{DATE}(?P<before>{WORDS}{{1,24}}){TIME}(?P<after>{WORDS}{{0,24}}){CLOSING}"),
    re.compile(rf"{OPENING}(?P<before>{WORDS}{{0,16}}){TIME}(?P<after>{WORDS}{{0,24}}){DATE}{WORDS}{{0,12}}{CLOSING}"),
)
"""Date and time, and the other way round, as Vietnamese phones and the web write them."""
BEGINS = re.compile(rf"{GAP}(?:\[{WORDS}{{0,16}})?\d")
LOOKS = re.compile(
    rf"{GAP}(?:\[(?=[^\]\n]{{0,40}}\d[:.]\d\d)(?=[^\]\n]{{0,40}}\d{GAP}[./-])[^\]\n]{{5,48}}\][^\n:]{{1,120}}:(?:\s|$)"
    rf"|\d{{1,4}}{GAP}[./\-年년]{GAP}\w{{1,4}}{GAP}[./\-月월][^\n:]{{1,32}}[:.]\d\d?[^\n:\[\]]{{0,20}}[-–—:](?:\s|$))"
)
"""What looks like the beginning of a message, read or not."""
COMMA = re.compile("[,،、]")
SPACE = re.compile(rf"[{SPACES}{MARKS}]")
NOT_LETTERS = re.compile(rf"[{SPACES}{MARKS}.,،、;'’\"״׳]+")
FIRST = 2009
"""The year in which WhatsApp began."""
BUDDHIST, MINGUO = 543, 1911


class Form(NamedTuple):
    """What all stamps of one export have in common; ``long`` is the place of a number of three or four digits."""

    close: str
    date_first: bool
    mark: str
    comma: bool
    seconds: bool
    long: int | None


@dataclass(slots=True)
class Stamp:
    """A moment as written at the beginning of a line.

    Attributes:
        form: how it is written.
        numbers: the date's numbers in their order.
        time: hour, minute and second as written.
        words: what stands beside the time.
        end: where in its line it ends.
    """

    form: Form
    numbers: tuple[int, int, int]
    time: tuple[int, int, int]
    words: str
    end: int


def read_stamp(line: str) -> Stamp | None:
    """Read the stamp at the beginning of a line; None where there is none."""
    if not BEGINS.match(line):
        return None
    for pattern in SHAPES:
        if (found := pattern.match(line)) and (stamp := _stamp(found)):
            return stamp
    return None


def _stamp(found: re.Match[str]) -> Stamp | None:
    date_first = found.re is SHAPES[0]
    opened, close, after = found["open"], (found["close"] or "")[:1], found["after"]
    end, words = found.end(), f"{found['before']} {after}"
    if (opened == "[") != (close == "]"):
        return None
    if close in (":", "") and (close == "" or after):
        # An old form has no mark between the time and the name: unless they are known, the words after it are the name.
        if close == "" or known(after) is None or len(_letters(after)) < 2:
            if not (close or found["second_of"]) or not after[:1].isspace() or not date_first:
                return None
            end, words, close = found.start("after"), found["before"], ""
    elif close in ("-", "–", "—") and not SPACE.match(found[0], len(found[0]) - 2):
        return None
    written = found["first"], found["second"], found["third"]
    long = next((place for place, number in enumerate(written) if len(number) > 2), None)
    if long == 1:
        return None
    first, second, third = map(int, written)
    hour, minute, seconds = int(found["hour"]), int(found["minute"]), int(found["second_of"] or 0)
    dash = "-" if close in ("–", "—") else close
    comma = bool(COMMA.search(found["before"] if date_first else after))
    form = Form(dash, date_first, found["mark"], comma, found["second_of"] is not None, long)
    return Stamp(form, (first, second, third), (hour, minute, seconds), words, end)


def looks_like_a_stamp(line: str) -> bool:
    """Whether a line begins as a message does, in a form that may be unknown."""
    return bool(BEGINS.match(line) and LOOKS.match(line))


def _letters(words: str) -> str:
    return NOT_LETTERS.sub(" ", words).strip().casefold()


@lru_cache(maxsize=4096)
def known(words: str) -> int | None:
    """Return the hour at which the twelve hours begin that the words beside a time name.

    -1: they name none, as ``klo``. None: they are not known.
    """
    letters = _letters(words)
    for reading in (letters, letters.replace(" ", "")):
        if reading in _HALVES:
            return _HALVES[reading]
        if not reading or reading in _BESIDE:
            return -1
    parts = letters.split(" ")
    for length in range(len(parts) - 1, 0, -1):
        # "г. в", "klo", "को दोपहर": a word of the date, then one of the time; or one before it and one behind it.
        first, rest = " ".join(parts[:length]), " ".join(parts[length:])
        if first in _BESIDE and (found := known(rest)) is not None:
            return found
        if rest in _BESIDE and (found := known(first)) is not None:
            return found
    return None


def _keyed(words: str) -> Iterator[str]:
    for word in words.split("|"):
        letters = _letters(word)
        yield from (letters, letters.replace(" ", ""))


_HALVES = {word: begin for begin, words in HALVES.items() for word in _keyed(words)}
_BESIDE = frozenset(_keyed(BESIDE))

Order = tuple[int, int, int]
"""Where year, month and day stand among a date's numbers."""
DAY_FIRST: Order = (2, 1, 0)
MONTH_FIRST: Order = (2, 0, 1)
YEAR_MONTH_DAY: Order = (0, 1, 2)
YEAR_DAY_MONTH: Order = (0, 2, 1)
ORDERS = {
    DAY_FIRST: "day, month, year",
    MONTH_FIRST: "month, day, year",
    YEAR_MONTH_DAY: "year, month, day",
    YEAR_DAY_MONTH: "year, day, month",
}


def date_order(stamps: Sequence[Stamp], *, day_first: bool | None) -> tuple[Order, bool]:
    """Return the order of the dates' numbers, and whether the file or the setting decides it.

    Of the orders in which months are at most 12 and days at most 31, those remain in which time runs back least often,
    in which days change more than years and months, and whose years are WhatsApp's. Where several remain, ``day_first``
    decides.

    Args:
        stamps: those of one form, in the order of the lines.
        day_first: the setting, None: not set.
    """
    first = stamps[0]
    dates = list(dict.fromkeys(stamp.numbers for stamp in stamps))
    if first.form.long == 0:
        # Whoever writes the whole year first writes the month next; the day only where it cannot be the month.
        return min(YEAR_MONTH_DAY, YEAR_DAY_MONTH, key=lambda order: _implausible(dates, order)), True
    orders = [DAY_FIRST, MONTH_FIRST]
    if first.form.long is None:
        orders.insert(0 if _letters(first.words) in YEAR_FIRST else 2, YEAR_MONTH_DAY)
    for cost in (_implausible, _backwards, _days_that_stay, _before_whatsapp):
        costs = [cost(dates, order) for order in orders]
        orders = [order for order, its in zip(orders, costs, strict=True) if its == min(costs)]
    if len(orders) > 1 and orders[-1] == YEAR_MONTH_DAY and first.form.mark != "-":
        # Two digits of a year come first between hyphens, or with the words of a few languages.
        orders.pop()
    if len(orders) > 1 and day_first is not None:
        return next((order for order in orders if (order[2] < order[1]) == day_first), orders[0]), True
    return orders[0], len(orders) == 1


def _implausible(dates: Collection[tuple[int, int, int]], order: Order) -> int:
    _, month, day = order
    return sum(not (1 <= numbers[month] <= 12 and 1 <= numbers[day] <= 31) for numbers in dates)


def _backwards(dates: Collection[tuple[int, int, int]], order: Order) -> int:
    days = [tuple(numbers[place] for place in order) for numbers in dates]
    return sum(later < earlier for earlier, later in pairwise(days))


def _days_that_stay(dates: Collection[tuple[int, int, int]], order: Order) -> bool:
    years, months, days = (len({numbers[place] for numbers in dates}) for place in order)
    return days < years or (days == 1 and months > 2)


def _before_whatsapp(dates: Collection[tuple[int, int, int]], order: Order) -> int:
    return sum(numbers[order[0]] < FIRST % 100 for numbers in dates)


def moment_of(stamp: Stamp, order: Order) -> tuple[datetime | None, str]:
    """Return when a message was written, and the calendar of its year where that is not the Gregorian.

    None: there is no such day or time, or its calendar cannot be converted.

    Args:
        stamp: as written.
        order: of the date's numbers.
    """
    year, month, day = (stamp.numbers[place] for place in order)
    hour, minute, second = stamp.time
    begin = known(stamp.words)
    if begin is not None and begin >= 0 and hour <= 12:
        hour = (begin + (hour - begin) % 12) % 24
    calendar, convert = _calendar(year, short=stamp.form.long is None)
    try:
        at = convert(year, month, day)
        return datetime(at.year, at.month, at.day, hour, minute, second), calendar
    except ValueError:
        return None, calendar


def _calendar(year: int, *, short: bool) -> tuple[str, Callable[[int, int, int], date]]:
    if short:
        # No phone writes of the fifties: two digits of the Buddhist year 2561.
        shift, name = (2500 - BUDDHIST, "Buddhist") if year > 51 else (2000, "")
    elif 2500 < year < 2700:
        shift, name = -BUDDHIST, "Buddhist"
    elif 95 < year < 200:
        shift, name = MINGUO, "Minguo"
    elif 1380 < year < 1425:
        return "Persian", _persian
    elif 1425 <= year < 1500:
        return "Islamic", _unknown
    else:
        shift, name = 0, ""
    return name, lambda year, month, day: date(year + shift, month, day)


def _persian(year: int, month: int, day: int) -> date:
    """Return a day of the Persian calendar, whose leap years come eight in 33 (right from 1244 to 1502)."""
    if not (1 <= month <= 12 and 1 <= day <= (31 if month < 7 else 30)):
        raise ValueError("no such day")
    years = year + 1595
    days = 365 * years + years // 33 * 8 + (years % 33 + 3) // 4 + day
    days += (month - 1) * 31 if month < 7 else (month - 7) * 30 + 186
    return date.fromordinal(days - 356_033)


def _unknown(year: int, month: int, day: int) -> date:
    raise ValueError("months that begin with the sight of the moon are not converted")
