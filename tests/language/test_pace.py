"""When a server is sent the next request: a clock of our own, so that nothing here waits."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mealign.language.pace import Pace
from mealign.language.transport import wait_of


class Clock:
    """Time that passes only where somebody sleeps: the earliest sleeper wakes first."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            await asyncio.sleep(0)
            self.now += 0.001


def timed(work: Callable[[Pace, Clock], Awaitable[None]], **options: int) -> float:
    clock = Clock()
    pace = Pace(clock=clock, sleep=clock.sleep, **options)  # type: ignore[arg-type]
    asyncio.run(work(pace, clock))  # type: ignore[arg-type]
    return clock.now


async def one(pace: Pace, clock: Clock, *, tokens: int = 1, seconds: float = 0.0) -> None:
    await pace.start(tokens)
    if seconds:
        await clock.sleep(seconds)
    pace.answered()
    pace.end()


def test_requests_a_minute_are_spaced_evenly() -> None:
    async def ten(pace: Pace, clock: Clock) -> None:
        await asyncio.gather(*(one(pace, clock) for _ in range(10)))

    assert timed(ten, concurrency=10) == 0
    assert timed(ten, concurrency=10, requests_per_minute=60) == pytest.approx(9.0, abs=0.1)


def test_tokens_a_minute_are_spaced_by_their_number() -> None:
    async def three(pace: Pace, clock: Clock) -> None:
        for tokens in (300, 100, 50):
            await one(pace, clock, tokens=tokens)

    assert timed(three, concurrency=10, tokens_per_minute=6000) == pytest.approx(4.0, abs=0.1)


@given(st.integers(1, 8), st.integers(1, 30))
def test_no_more_are_under_way_than_allowed_and_none_is_forgotten(concurrency: int, count: int) -> None:
    under_way = most = done = 0

    async def ask(pace: Pace) -> None:
        nonlocal under_way, most, done
        await pace.start(1)
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        done += 1
        pace.end()

    async def all_of_them(pace: Pace, _: Clock) -> None:
        await asyncio.gather(*(ask(pace) for _ in range(count)))

    timed(all_of_them, concurrency=concurrency)
    assert most == min(concurrency, count)
    assert done == count


def test_a_429_halves_once_a_round_and_answers_raise_by_one_a_round() -> None:
    async def work(pace: Pace, clock: Clock) -> None:
        started = [await pace.start(1) for _ in range(16)]
        clock.now = 1.0
        for when in started:
            pace.throttled(when, wait=None, too_many=True)
            pace.end()
        assert pace.window == 8, "sixteen refusals of one round are one piece of news"
        for _ in range(8):
            pace.answered()
        assert 8.9 < pace.window < 9.1
        for _ in range(1000):
            pace.answered()
        assert pace.window == 16
        for second in range(2, 12):
            clock.now = float(second)
            pace.throttled(clock.now, wait=None, too_many=True)
        assert pace.window == 1

    timed(work, concurrency=16)


def test_the_time_that_a_server_asks_for_holds_for_all_that_is_not_sent() -> None:
    async def work(pace: Pace, clock: Clock) -> None:
        started = await pace.start(1)
        pace.throttled(started, wait=5.0, too_many=True)
        pace.throttled(started, wait=2.0, too_many=False)
        pace.end()
        await asyncio.gather(*(one(pace, clock) for _ in range(4)))

    assert timed(work, concurrency=4) == pytest.approx(5.0, abs=0.1)


def test_a_server_that_is_merely_busy_is_not_asked_less() -> None:
    async def work(pace: Pace, _: Clock) -> None:
        pace.throttled(await pace.start(1), wait=None, too_many=False)
        assert pace.window == 4

    timed(work, concurrency=4)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        # By the server's clock, whatever ours says.
        ({"date": "Wed, 21 Oct 2015 07:28:00 GMT", "retry-after": "Wed, 21 Oct 2015 07:28:30 GMT"}, 30.0),
        ({"date": "Wed, 21 Oct 2065 07:28:00 GMT", "retry-after": "Wed, 21 Oct 2065 07:28:05 -0000"}, 5.0),
        ({"date": "Wed, 21 Oct 2015 07:28:00 GMT", "retry-after": "Wed, 21 Oct 2015 07:27:00 GMT"}, None),
        ({"date": "yesterday", "retry-after": "Wed, 21 Oct 2015 07:28:30 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_the_seconds_that_a_server_asks_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert wait_of(headers) == seconds
