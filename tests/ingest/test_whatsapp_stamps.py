# ruff: noqa: E501
"""The moments of phones: every language's order, separators, digits, marks, clock and calendar."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mealign.ingest.user import IngestResult, ingest_user
from mealign.ingest.whatsapp_stamps import HALVES, known
from tests.defaults import IngestConfig, UserConfig


def ingest(folder: Path, text: str, *, name: str = "_chat.txt", **changes: object) -> IngestResult:
    (folder / name).write_text(text, encoding="utf-8")
    user = UserConfig(name="mira", person="Mira", path=str(folder))
    return ingest_user(user, IngestConfig(**changes), root=folder)


AT = datetime(2018, 5, 13, 18, 3)
ONE = [
    "13/05/2018, 18:03 - ", "13/05/2018, 18:03 – ", "13/5/18, 18:03 - ", "5/13/18, 6:03 PM - ", "5/13/18, 6:03\u202fPM - ",
    "13.05.18, 18:03 - ", "13.05.18 18:03 - ", "13. 5. 2018 18:03 - ", "13. 05. 2018. 18:03 - ", "13.5.2018. 18:03 - ",
    "13.5.2018 klo 18.03 - ", "13.05.18 à 18:03 - ", "13/05/2018 à 18:03 - ", "13-05-18 18:03 - ", "13-05-2018 18:03 - ",
    "13.05.18 г., 18:03 - ", "13.05.2018 г. в 18:03 - ", "13.05.2018 г., 18:03 ч. - ", "2018. 05. 13. 18:03 - ", "2018. 5. 13. 18:03 - ",
    "2018. 05. 13. du. 6:03 - ", "2018/5/13 18:03 - ", "2018/5/13 下午6:03 - ", "2018/5/13 晚上6:03 - ", "2018年5月13日 下午6:03 - ",
    "2018年5月13日 18:03 - ", "2018/05/13 午後6:03 - ", "2018. 5. 13. 오후 6:03 - ", "2018년 5월 13일 오후 6:03 - ",
    "2018年5月13日 18時03分 - ", "2018년 5월 13일 18시 03분 - ",
    "١٣/٠٥/٢٠١٨، ٦:٠٣ م - ", "13‏/5‏/2018، 6:03 م - ", "13/5/2018، 6:03 م - \u200f", "۲۰۱۸/۵/۱۳،\u200f ۱۸:۰۳ - ",
    "१३/५/२०१८, ६:०३ अपराह्न - ", "13/5/2018, 6:03 शाम - ", "১৩/৫/২০১৮, ৬:০৩ PM - ", "13/5/18, 6:03 pm - ",
    "13/5/2018, 6:03 μ.μ. - ", "13/5/2018, 6:03 p. m. - ", "13/5/2018 6:03 p. m. - ", "13/5/18 6:03 p.m. - ",
    "13/5/2018, 6:03 de la tarde - ", "13.05.2018 6:03 ÖS - ", "18:03, 13/05/2018 - ", "18:03 13/05/2018 - ", "6:03 CH, 13/05/2018 - ",
    "13/05/2018 18.03 - ", "13.05.2018 kl. 18.03 - ", "2018-05-13 kl. 18:03 - ", "2018-05-13 18:03 - ", "2018-05-13, 6:03 p.m. - ",
    "2018-05-13 18 h 03 - ", "13.5.2018 klo 18.03.00 - ", "13-05-2018 06.03 PM - ", "13/5/2561 18:03 - ", "13/5/2561, 18:03 - ", "13/5/2561 BE, 18:03 - ", "13/5/2561 BE, 6:03 PM - ", "13/5/2561 พ.ศ. 18:03 - ", "۱۳۹۷/۲/۲۳،\u200f ۶:۰۳ ب.ظ. - ", "[۱۳۹۷/۲/۲۳ ه.ش.،\u200f ۱۸:۰۳:۰۰] ", "13.05.2018, 18:03 Uhr - ",
    "13/05/2018 às 18:03 - ", "13/5/2018, 6:03 PTG - ", "13/05/18 18:03:00: ", "13.05.18 18.03.00: ", "13. 5. 2018. 18:03:00 ",
    "[13/05/2018, 18:03:00] ", "[13.05.18, 18:03:00] ", "\u200e[13.05.18, 18:03:00] ", "[5/13/18, 6:03:00\u202fPM] ", "[13/05/18 18:03:00] ",
    "[13/5/2018 6:03:00 p. m.] ", "[2018/5/13 下午6:03:00] ", "[2018. 5. 13. 오후 6:03:00] ", "[2018. 05. 13. 18:03:00] ", "[13.5.2018 klo 18.03.00] ",
    "[13.5.2018, 6:03:00 אחה\"צ] ", "[13.5.2018, 6:03:00 אחה״צ] ", "[١٣/٥/٢٠١٨، ٦:٠٣:٠٠ م] ", "[13‏/5‏/2018، 6:03:00 م] ", "[13-05-18 18:03:00] ",
    "[18:03, 13/05/2018] ", "[18:03, 5/13/2018] ", "[下午6:03, 2018/5/13] ", "[오후 6:03, 2018. 5. 13.] ", "[13. 5. 2018 18:03:00] ", "[13. 5. 2018. 18:03:00] ", "[13.05.2018 г., 18:03:00] ",
    "[13/5/18 18.03.00] ", "[13/05/2018 à 18:03:00] ", "[13.05.2018 um 18:03:00] ", "[๑๓/๕/๒๕๖๑ ๑๘:๐๓:๐๐] ", "[13/05/2018, 18:03] ",
    "[2018-05-13, 6:03:00\u202fPM] ", "[13/05/2018, 6:03:00\u00a0م\u200f] ", "[13.5.2018, 18.03.00] ", "[13/05/2018, 06:03:00 pm] ",
]  # fmt: skip


@pytest.mark.parametrize("stamp", ONE)
def test_a_stamp_of_any_language(tmp_path: Path, stamp: str) -> None:
    result = ingest(tmp_path, f"{stamp}Mira: I row.\n{stamp}Tom: two\nlines\n")
    assert [(document.created_at.replace(microsecond=0), document.author, document.text) for document in result.documents] == [
        (AT, "Mira", "I row."), (AT, "Tom", "two\nlines"),
    ]  # fmt: skip
    assert {problem.code for problem in result.report.problems} <= {"calendar", "day_order"}


@pytest.mark.parametrize(
    ("words", "hour", "moment"),
    [
        ("AM", 12, 0), ("PM", 12, 12), ("AM", 1, 1), ("오전", 12, 0), ("오후", 12, 12), ("中午", 12, 12), ("中午", 1, 13), ("中午", 11, 11),
        ("凌晨", 1, 1), ("晚上", 12, 0), ("晚上", 9, 21), ("दोपहर", 1, 13), ("रात", 10, 22), ("ص", 12, 0), ("م", 12, 12), ("de la noche", 9, 21),
        ("π.μ.", 9, 9), ("μ.μ.", 9, 21), ("de.", 9, 9), ("du.", 9, 21), ("SA", 9, 9), ("CH", 9, 21), ("ÖÖ", 9, 9), ("ÖS", 9, 21),
        ("fm", 9, 9), ("em", 9, 21), ("ip.", 9, 21), ("dop.", 9, 9), ("odp.", 9, 21), ("пр.об.", 9, 9), ("сл.об.", 9, 21), ("ق.ظ.", 9, 9),
        ("ب.ظ.", 9, 21), ("PG", 9, 9), ("PTG", 9, 21), ("ก่อนเที่ยง", 9, 9), ("หลังเที่ยง", 9, 21), ("m.", 12, 12),
    ],
)  # fmt: skip
def test_a_word_for_the_part_of_the_day(words: str, hour: int, moment: int) -> None:
    begin = known(f" {words}")
    assert begin is not None
    assert (begin + (hour - begin) % 12) % 24 == moment


def test_no_word_means_two_parts_of_the_day() -> None:
    for begin, words in HALVES.items():
        assert {known(word) for word in words.split("|")} == {begin}


def dates(folder: Path, *written: str, **changes: object) -> tuple[list[str], list[str]]:
    """Return the dates that are read from stamps with these dates, in the order of the lines, and the problems' codes."""
    text = "".join(f"{date}, 18:{number:02} - Mira: {number}\n" for number, date in enumerate(written))
    result = ingest(folder, text, **changes)
    read = {int(document.text): f"{document.created_at:%Y-%m-%d}" for document in result.documents}
    return [read[number] for number in sorted(read)], [problem.code for problem in result.report.problems]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (["24-01-05", "24-01-25", "24-03-14"], ["2024-01-05", "2024-01-25", "2024-03-14"]),
        (["24-01-05", "24-01-25"], ["2024-01-05", "2024-01-25"]),
        (["24-01-05"], ["2024-01-05"]),
        (["23/12/30", "23/12/31", "24/1/1"], ["2023-12-30", "2023-12-31", "2024-01-01"]),
        (["13/01/24", "14/01/24"], ["2024-01-13", "2024-01-14"]),
        (["25/01/24"], ["2024-01-25"]),
        (["1/25/24"], ["2024-01-25"]),
        # No number above 12: only one order lets time go forward.
        (["11/05/24", "12/05/24", "01/06/24", "02/06/24"], ["2024-05-11", "2024-05-12", "2024-06-01", "2024-06-02"]),
        (["5/11/24", "5/12/24", "6/1/24", "6/2/24"], ["2024-05-11", "2024-05-12", "2024-06-01", "2024-06-02"]),
        (["1/5/24", "2/5/24", "3/5/24"], ["2024-05-01", "2024-05-02", "2024-05-03"]),
        (["5/1/24", "5/2/24", "5/3/24"], ["2024-05-01", "2024-05-02", "2024-05-03"]),
        (["2018/13/05"], ["2018-05-13"]),
        (["113/5/13"], ["2024-05-13"]),
        (["13/5/67"], ["2024-05-13"]),
        (["1403/01/01", "1402/12/29"], ["2024-03-20", "2024-03-19"]),
    ],
)
def test_the_file_shows_the_order(tmp_path: Path, written: list[str], read: list[str]) -> None:
    found, codes = dates(tmp_path, *written)
    assert found == read
    assert set(codes) <= {"calendar"}


@pytest.mark.parametrize(("day_first", "read"), [(True, "2024-05-04"), (False, "2024-04-05")])
def test_the_setting_decides_where_the_file_does_not(tmp_path: Path, day_first: bool, read: str) -> None:
    assert dates(tmp_path, "04/05/24", day_first=day_first) == ([read], [])
    assert dates(tmp_path, "04/05/24") == (["2024-05-04"], ["day_order"])
    # What the file shows is stronger.
    assert dates(tmp_path, "04/05/24", "13/05/24", day_first=day_first)[0] == ["2024-05-04", "2024-05-13"]


def test_years_of_the_moon_are_told(tmp_path: Path) -> None:
    (tmp_path / "2024-01-01 a.md").write_text("I row.")
    result = ingest(tmp_path, "1445/05/13, 18:03 - Mira: I row.\n1445/05/14, 18:03 - Mira: I ski.\n")
    assert result.report.kept == {"note": 1}
    assert result.report.codes == {"calendar": 1, "bad_date": 2}


UNREADABLE = [
    "13/O5/2018, 18:01 - Tom: two", "[25/1, 18:03] Tom: two", "13/05/2018, 6:01 qqq - Tom: two", "[Mo 13/05/18 18:01 Uhr] Tom: two",
    "25.01.2024 18.5 - Tom: two", "13/05/2018, 1801:00 - Tom: two", "[13/Mai/2018, 18:01:00] Tom: two",
]  # fmt: skip


@pytest.mark.parametrize("line", UNREADABLE)
def test_a_line_that_begins_like_a_message_is_no_part_of_the_one_above(tmp_path: Path, line: str) -> None:
    result = ingest(tmp_path, f"13/05/2018, 6:00 - Mira: I row.\n{line}\nand more\n14/05/2018, 7:00 - Mira: I ski.\n")
    assert [document.text for document in result.documents] == ["I row.", "I ski."]
    assert [(problem.line, problem.code) for problem in result.report.problems] == [(2, "message")]
    assert result.report.left_out["_chat.txt"]["unread_message"] > 10


def test_what_only_looks_a_little_like_one_is_text(tmp_path: Path) -> None:
    more = "- 13/05/2018 18:00 dinner\n18:30 cinema: two tickets\n3 eggs, 2 onions: for 10:30\n1. first: 12\n2024: a good year\n[x] done: all"
    result = ingest(tmp_path, f"13/05/2018, 6:00 - Mira: Plans\n{more}\n14/05/2018, 7:00 - Mira: I ski.\n")
    assert [document.text for document in result.documents] == [f"Plans\n{more}", "I ski."]
    assert result.report.problems == ()


def test_copied_messages_have_the_order_of_the_others(tmp_path: Path) -> None:
    text = "5/13/2018, 6:00 PM - Mira: one\n[18:01, 5/6/2018] Mira: two\nand more\n5/14/2018, 6:00 PM - Mira: three\n"
    result = ingest(tmp_path, text)
    assert [(f"{document.created_at:%m-%d}", document.text) for document in result.documents] == [
        ("05-06", "two\nand more"), ("05-13", "one"), ("05-14", "three"),
    ]  # fmt: skip
    assert result.report.problems == ()


def test_a_24_hour_clock_needs_no_known_words(tmp_path: Path) -> None:
    result = ingest(tmp_path, "13/05/2018 qqq 18:03 - Mira: I row.\n13/05/2018 qqq 9:04 - Mira: I ski.\n")
    assert [f"{document.created_at:%H:%M}" for document in result.documents] == ["09:04", "18:03"]


NOTES = [
    "[2020-08-29 11:11] Moved house.\nI moved to Leeds.\n[2020-09-24 09:14] The third entry.\nI met Bart at the harbour.\n",
    "2024-01-05 10:00 - moved to Leeds, it rains\n2024-01-06 10:00 - met Bart: he sells boats\n2024-01-07 10:00 - I bought a bike\n",
    "2024-01-05 10:00 met Bart. He sells boats.\n2024-01-06 10:00 Rain: all day.\n",
    "2024-01-05 10:00 - Dentist: no holes\n2024-01-06 10:00 - Boat: sold\n2024-01-07 10:00 - Garden: dug over\n",
    "2024-01-05 10:00:00 INFO: started\n2024-01-05 10:00:01 INFO: ended\n",
    "05/01/2024, 18:03\nI rowed.\n\n06/01/2024, 18:03\nI skied.\n",
]  # fmt: skip


@pytest.mark.parametrize("text", NOTES)
def test_a_diary_is_no_chat(tmp_path: Path, text: str) -> None:
    (tmp_path / "2024-01-01 a.md").write_text("I row.")
    result = ingest(tmp_path, text, name="journal.txt")
    assert "message" not in result.report.kept


@pytest.mark.parametrize("text", ["I like it.\n", "Today I wrote:\n13/05/2018, 18:03 - Mira: I row.\n"])
def test_a_note_about_the_program_is_a_note(tmp_path: Path, text: str) -> None:
    assert ingest(tmp_path, text, name="2024-01-05 WhatsApp.txt").report.kept == {"note": 1}


@pytest.mark.parametrize(
    "name",
    [
        "Conversa do WhatsApp com Tom.txt",
        "Discussion WhatsApp avec Tom.txt",
        "Чат WhatsApp с Tom.txt",
        "与Tom的WhatsApp聊天.txt",
        "a.txt",
    ],
)
def test_an_export_of_another_name_is_one(tmp_path: Path, name: str) -> None:
    lines = "13.05.18 21.25.15: Mira: one\n13.05.18 21.25.16: Tom: two\n"
    assert ingest(tmp_path, lines, name=name).report.kept == {"message": 2}


DATES = [
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%d. %m. %Y.",
    "%d-%m-%Y",
    "%m/%d/%Y",
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y. %m. %d.",
    "%Y年%m月%d日",
    "%Y년 %m월 %d일",
    "%d/%m/%y",
    "%m/%d/%y",
    "%y-%m-%d",
    "%d‏/%m‏/%Y",
    "%d.%m.%Y г.",
]
CLOCKS = ["%H:%M", "%H:%M:%S", "%H.%M", "%I:%M %p", "%I:%M:%S\u202f%p", "%p %I:%M"]
HALVES_OF = [
    ("AM", "PM"),
    ("a. m.", "p. m."),
    ("上午", "下午"),
    ("오전", "오후"),
    ("ص", "م"),
    ("π.μ.", "μ.μ."),
    ("לפנה״צ", "אחה״צ"),
    ("पूर्वाह्न", "अपराह्न"),
]
DIGITS = ["0123456789", "٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "०१२३४५६७८९", "০১২৩৪৫৬৭৮৯"]
FORMS = [
    "[{date}, {time}] ",
    "[{date} {time}] ",
    "{date}, {time} - ",
    "{date} {time} - ",
    "{date}، {time} – ",
    "[{time}, {date}] ",
    "{date} klo {time} - ",
]
AUTHORS = [
    "Mira",
    "Tomas H.",
    "+44 7700 900123",
    'Jim "Jimbo" Hale',
    "“Auntie” Jo",
    "De Vries, Jan",
    "李雷",
    "أحمد",
    "O'Brien (work)",
    "🛶",
    "a:b",
    "1234",
]
SAID = st.text(st.sampled_from("ab:é中🛶\n,.")).filter(lambda text: text.strip() and not text.strip().isdigit())


@given(
    begin=st.datetimes(datetime(2010, 1, 1), datetime(2030, 1, 1)),
    steps=st.lists(st.tuples(st.integers(0, 10_000_000), st.sampled_from(AUTHORS), SAID), min_size=1, max_size=20),
    date=st.sampled_from(DATES), clock=st.sampled_from(CLOCKS), halves=st.sampled_from(HALVES_OF), digits=st.sampled_from(DIGITS),
    form=st.sampled_from(FORMS),
)  # fmt: skip
@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_any_phone_writes_is_read_back(
    tmp_path: Path, begin: datetime, steps: list[tuple[int, str, str]], date: str, clock: str, halves: tuple[str, str],
    digits: str, form: str,
) -> None:  # fmt: skip
    # A day of each half of each month decides the order, whatever it is.
    moments = [datetime(2009, 12, 13, 1, 1), datetime(2009, 12, 31, 13, 13)]
    for seconds, _, _ in steps:
        moments.append(max(moments[-1], begin) + timedelta(seconds=seconds))
    chat = [
        (at, author, text)
        for at, (_, author, text) in zip(moments, [(0, "Mira", "a"), (0, "Tomas H.", "b"), *steps], strict=True)
    ]
    figures = str.maketrans("0123456789", digits)

    def stamp(at: datetime) -> str:
        time = at.strftime(clock.replace("%p", halves[at.hour >= 12]))
        return form.format(date=at.strftime(date), time=time).translate(figures)

    result = ingest(tmp_path, "\n".join(f"{stamp(at)}{author}: {text}" for at, author, text in chat))
    kept = {"microsecond": 0} if "%S" in clock else {"second": 0, "microsecond": 0}
    found = sorted((d.created_at.replace(microsecond=0), d.author, d.text) for d in result.documents)
    assert found == sorted((at.replace(**kept), author, text.strip()) for at, author, text in chat)
    assert result.report.problems == ()
