"""What tokens cost, what of a server's count is believed, and what is reserved before it is spent."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mealign.compose import compose_settings
from mealign.language.budget import Budget
from mealign.language.prices import OVERHEAD, Price, believed, price_of, tokens_in
from mealign.language.settings import PriceConfig
from tests.defaults import PricesConfig


def test_the_first_pattern_counts_that_a_name_matches() -> None:
    prices = PricesConfig(
        batch_factor=0.25,
        models=[PriceConfig("m-mini*", 1.0, 2.0), PriceConfig("m*", 3.0, 4.0), PriceConfig("m-mini-2", 5.0, 6.0)],
    )
    assert price_of("m-mini-2", prices) == Price(1.0, 2.0, 0.25)
    assert price_of("m-large", prices) == Price(3.0, 4.0, 0.25)
    assert price_of("other", prices) is None


def test_the_price_table_is_read_with_the_settings() -> None:
    prices = compose_settings().prices
    mini, whole = price_of("gpt-4o-mini-2024-07-18", prices), price_of("gpt-4o", prices)
    assert mini
    assert whole
    assert mini.prompt < whole.prompt < whole.completion
    assert price_of("llama-3.1-8b", prices) is None


def test_dollars_by_hand() -> None:
    price = Price(prompt=2.0, completion=8.0, batch_factor=0.5)
    assert price.usd(1_000_000, 500_000, batch=False) == pytest.approx(6.0)
    assert price.usd(1_000_000, 500_000, batch=True) == pytest.approx(3.0)


def test_a_count_that_can_be_true_is_believed() -> None:
    usage = believed(100, 10, sent=400, received=40, limit=64)
    assert (usage.prompt_tokens, usage.completion_tokens) == (100, 10)
    assert believed(25, 64, sent=400, received=40, limit=64).prompt_tokens == 25
    assert believed(400 + OVERHEAD, 64, sent=400, received=40, limit=64).completion_tokens == 64


@given(st.one_of(st.none(), st.integers(), st.floats(), st.booleans(), st.text()), st.integers(0, 10**6))
def test_whatever_a_server_says_the_count_can_be_true(said: object, size: int) -> None:
    usage = believed(said, said, sent=size, received=size, limit=64)
    for count in (usage.prompt_tokens, usage.completion_tokens):
        assert size // 16 <= count <= max(size + OVERHEAD, 64)
        assert count == said or count == tokens_in(size)


def test_what_is_reserved_is_not_spent_twice() -> None:
    budget = Budget(max_usd=1.0)
    assert budget.take("a", 0.6)
    assert not budget.take("b", 0.6)
    budget.count("a", 0.1)
    assert budget.take("b", 0.6)
    budget.release("b")
    budget.count("a", 0.1)
    assert (budget.spent, budget.calls) == (0.1, 1)
    assert budget.take("c", 0.9)


def test_what_is_under_way_may_leave_enough() -> None:
    async def work() -> list[bool]:
        budget = Budget(max_usd=1.0)
        assert await budget.reserve("a", 0.9)
        waiting = asyncio.create_task(budget.reserve("b", 0.5))
        await asyncio.sleep(0)
        assert not waiting.done()
        budget.count("a", 0.2)
        second = await waiting
        budget.count("b", 0.5)
        return [second, await budget.reserve("c", 0.5)]

    assert asyncio.run(work()) == [True, False]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=30), st.floats(0, 5))
def test_a_budget_is_never_overspent(requests: list[tuple[float, float]], limit: float) -> None:
    """Each request costs at most what is reserved for it; all of them are under way together."""

    async def ask(budget: Budget, number: int, most: float, share: float) -> None:
        if await budget.reserve(str(number), most):
            await asyncio.sleep(0)
            budget.count(str(number), most * share)

    async def work() -> float:
        budget = Budget(max_usd=limit)
        await asyncio.gather(*(ask(budget, number, *request) for number, request in enumerate(requests)))
        return budget.spent

    assert asyncio.run(work()) <= limit + 1e-6


def test_calls_are_counted_with_those_under_way() -> None:
    budget = Budget(max_calls=2)
    budget.count("known", 0.0)
    assert budget.take("a", 0.0)
    assert not budget.take("b", 0.0)
