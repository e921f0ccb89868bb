"""The page, as text and in a browser: it works, asks nothing of the network, and a hostile note stays a note."""

import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from mealign.reporting.memory_page import render_memory_page
from tests.reporting.memories import BIKE, BREAKING, FACTS, HOSTILE, TRAIN, fact, memory

CHROMIUM = shutil.which("chromium")


class Tags(HTMLParser):
    """The tags of a page and the attributes that could load something."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts = 0
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.loads += [value or "" for key, value in attrs if key in ("src", "href", "srcset", "action", "data")]


def test_a_hostile_note_adds_no_tag_and_nothing_is_loaded() -> None:
    page = render_memory_page(memory())
    tags = Tags()
    tags.feed(page)
    assert tags.scripts == 2, "the data and the page's own script"
    assert all(value.startswith("#") for value in tags.loads)
    assert "<script>window" not in page
    assert not re.search(r"url\(|@import|https?://", page)


def test_the_same_memory_gives_the_same_page() -> None:
    assert render_memory_page(memory()) == render_memory_page(memory())


def test_a_memory_of_ten_thousand_facts_draws_some_and_lists_all() -> None:
    many = [
        fact(f"{number:06d}", BIKE, "Bart came along", f"Bart told joke {number}.", entities=("Bart Molenaar", "Koga"))
        for number in range(10_000)
    ]
    page = render_memory_page(memory(facts=[*FACTS, *many]))
    assert page.count('class="bead') < 100
    assert re.search(r"Not drawn: \d+ names that are mentioned less, and 9,9\d\d facts", page)
    assert page.count('"statement"') == 10_004
    assert page.count(BIKE.source) == 1, "a document is in the page once"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no chromium on the path; apt-get install chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    path = tmp_path / "memory.html"
    path.write_text(render_memory_page(memory()), encoding="utf-8")
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    troubles: list[str] = []
    opened.on("console", lambda message: troubles.append(message.text))
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    opened.on("request", lambda request: troubles.append(request.url) if request.url != path.as_uri() else None)
    opened.goto(path.as_uri())
    yield opened
    opened.close()
    assert troubles == []


def test_a_fact_shows_its_source_with_the_span_marked(page: Page) -> None:
    page.click("#list button[data-fact='0']")
    assert page.text_content("#source mark") == "I ride a blue Koga to work", "two emoji stand before it"
    assert page.text_content("#source blockquote") == BIKE.text
    assert "notes/bike.md" in (page.text_content("#source .path") or "")
    assert page.text_content("#source .when") == "since 1 March 2024, until 20 March 2024"
    page.click("#source .versions a")
    assert page.text_content("#source mark") == TRAIN.text
    assert page.url.endswith("#fact_ab02")
    page.keyboard.press("Escape")
    assert page.locator("#source mark").count() == 0


def test_the_search_narrows_the_list(page: Page) -> None:
    assert page.locator("#list li").count() == len(FACTS)
    page.fill("#query", "TRAIN bart")
    assert page.locator("#list li").all_text_contents() == ["20 March 2024Nadia goes to work by train with Bart."]
    assert page.text_content("#found") == "1 of 4 facts"
    page.fill("#query", "nothing like it")
    assert page.locator("#list li").count() == 0
    page.fill("#query", "")
    page.click("#changed")
    assert page.locator("#list li").count() == 2


def test_names_topics_and_months_narrow_it_too_and_let_go_again(page: Page) -> None:
    page.click("#people button")
    assert page.locator("#list li").count() == 3
    assert page.locator("#graph .place.lit").count() > 1
    page.click(".filter")
    assert page.locator("#list li").count() == len(FACTS)
    page.click("#topics h3 button")
    assert page.locator("#list li").count() == 2
    page.click(".bars button")
    assert page.locator("#list li").count() == len(FACTS)


def test_the_map_lights_up_and_zooms(page: Page) -> None:
    page.locator("#graph .bead").first.dispatch_event("click")
    assert page.locator("#source mark").count() == 1
    assert page.locator("#graph .bead.chosen").count() == 1
    page.locator("#graph .place").nth(1).press("Enter")
    assert page.locator("#graph.focused").count() == 1
    before = page.get_attribute("#graph", "viewBox")
    page.click("[data-zoom='in']")
    assert page.get_attribute("#graph", "viewBox") != before
    page.click("[data-zoom='reset']")
    assert page.get_attribute("#graph", "viewBox") == before


def test_the_bio_speaks_in_both_persons(page: Page) -> None:
    assert page.inner_text(".bio").strip() == "Nadia goes to work by train."
    page.click(".voices [data-voice='first']")
    assert page.inner_text(".bio").strip() == "I go to work by train."


def test_a_hostile_note_is_shown_and_does_nothing(page: Page) -> None:
    page.click("#list button[data-fact='3']")
    assert page.text_content("#source mark") == HOSTILE
    assert page.text_content("#source blockquote") == BREAKING.text
    assert page.evaluate("window.broken") is None
    assert page.locator("main b, aside b").count() == 0


def test_nothing_is_wider_than_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    page.click("#list button[data-fact='3']")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
