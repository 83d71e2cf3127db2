"""Prices are exact, complete, and silent where they do not know."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexapla.catalog.schema import Price, Tier
from hexapla.config import builtin_models
from hexapla.ir.response import Usage
from hexapla.ledger.price import Units, cost, minute_utc, saved, total
from hexapla.ledger.record import Cost

TOKENS = st.integers(0, 10**7)
RATES = st.decimals(0, 1000, places=6).map(float)
PRICE_FIELDS = (
    "input",
    "output",
    "cached",
    "cache_write",
    "cache_write_1h",
    "reasoning",
    "audio_input",
    "audio_output",
)


def nanos(usage: Usage, price: Price, minute: int = 0, **units: float) -> int | None:
    bill = cost(usage, price, minute, units=Units(**units)) if units else cost(usage, price, minute)
    return None if bill is None else bill.nanos


@given(
    st.fixed_dictionaries(dict.fromkeys(PRICE_FIELDS, RATES)),
    st.tuples(*[TOKENS] * 8),
)
def test_every_class_is_billed_once_and_exactly(rates: dict[str, float], counts: tuple[int, ...]) -> None:
    """The bill is the exact sum of class x price, rounded once, for any prices of six decimals."""
    plain, cached, write5, write1h, audio_in, said, thought, audio_out = counts
    usage = Usage(
        input=plain + cached + write5 + write1h + audio_in,
        output=said + thought + audio_out,
        cached=cached,
        cache_write=write5 + write1h,
        cache_write_1h=write1h,
        reasoning=thought,
        audio_input=audio_in,
        audio_output=audio_out,
    )
    order = ("input", "cached", "cache_write", "cache_write_1h", "audio_input", "output", "reasoning", "audio_output")
    exact = sum(Fraction(str(rates[name])) * count * 1000 for name, count in zip(order, counts))
    assert nanos(usage, Price(**rates)) == round(exact)


@given(RATES, RATES, TOKENS, TOKENS, TOKENS)
def test_a_class_without_a_price_costs_what_its_parent_costs(
    input_rate: float, output_rate: float, plain: int, special: int, said: int
) -> None:
    """Cached, written, audio and reasoning tokens are ordinary tokens where the table names no price for them."""
    price = Price(input=input_rate, output=output_rate)
    bare = nanos(Usage(input=plain + special, output=said + special), price)
    for field in ("cached", "cache_write", "audio_input", "reasoning", "audio_output"):
        usage = Usage(input=plain + special, output=said + special, **{field: special})
        assert nanos(usage, price) == bare


def test_hour_writes_fall_back_to_five_minute_writes() -> None:
    """The one-hour part is billed as a cache write, not as plain input, where it has no price."""
    usage = Usage(input=1000, output=0, cache_write=1000, cache_write_1h=400)
    assert nanos(usage, Price(input=1, output=1, cache_write=2)) == 2_000_000
    assert nanos(usage, Price(input=1, output=1, cache_write=2, cache_write_1h=5)) == 600 * 2000 + 400 * 5000


@pytest.mark.parametrize(
    ("usage", "price"),
    [
        (Usage(input=1, output=1), None),
        (Usage(input=1, output=1), Price()),
        (Usage(), Price(input=1, output=1)),
        (Usage(input=1), Price(input=1, output=1)),
        (Usage(output=1), Price(input=1, output=1)),
        (Usage(input=1, output=1), Price(input=1)),
        (Usage(input=1, output=1), Price(input=float("nan"), output=1)),
        (Usage(input=1, output=1), Price(input=-1, output=1)),
        (Usage(input=1, output=1), Price(input=1, output=1, tiers=(Tier(window="whenever", input=2),))),
        (Usage(input=9, output=1), Price(image=0.04)),
        (Usage(), Price(second=0.0001)),
    ],
)
def test_what_is_unknown_costs_none(usage: Usage, price: Price | None) -> None:
    """A missing price, a missing count or an unreadable window make the cost unknown, never zero."""
    assert cost(usage, price, 0) is None


@pytest.mark.parametrize(
    ("usage", "price"),
    [
        (Usage(), Price(input=0, output=0)),
        (Usage(input=5, output=7), Price(input=0, output=0)),
        (Usage(input=0, output=0), Price(input=1, output=1)),
        (Usage(), Price(image=0.0)),
    ],
)
def test_free_is_zero(usage: Usage, price: Price) -> None:
    """A price of 0 is a fact, and no count is needed to know the bill."""
    assert nanos(usage, price) == 0


def test_embeddings_have_no_output() -> None:
    """A model without output tokens and without a price for them is billed by its input alone."""
    assert nanos(Usage(input=1000), Price(input=0.02)) == 20_000


@given(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6))
def test_inconsistent_counts_never_make_a_negative_bill(whole: int, cached: int, written: int) -> None:
    """Upstreams that report more cached than input tokens, or negative ones, cannot earn money."""
    bill = nanos(Usage(input=whole, output=0, cached=cached, cache_write=written), Price(input=1, output=1, cached=0.1))
    assert bill is not None
    assert bill >= 0


@pytest.mark.parametrize(("prompt", "rate"), [(0, 1), (128_000, 1), (128_001, 2), (200_000, 2), (200_001, 4)])
def test_long_prompts_have_their_tier(prompt: int, rate: int) -> None:
    """Above its limit a tier holds for input and output; the highest wins in any order."""
    tiers = (Tier(above=200_000, input=4, output=8), Tier(above=128_000, input=2, output=4))
    price = Price(input=1, output=2, cached=0.5, tiers=tiers)
    assert nanos(Usage(input=prompt, output=10), price) == prompt * rate * 1000 + 10 * rate * 2000


def test_a_tier_replaces_only_what_it_names() -> None:
    """What a tier leaves out keeps the base price; a child without any price follows the tier's parent."""
    tier = Tier(above=10, input=2, cache_write_1h=9)
    price = Price(input=1, output=2, cached=0.5, tiers=(tier,))
    usage = Usage(input=100, output=0, cached=30, cache_write=50, cache_write_1h=20)
    assert nanos(usage, price) == (20 * 2 + 30 * 2) * 1000 + 30 * 500 + 20 * 9000


@pytest.mark.parametrize(
    ("window", "inside", "outside"),
    [
        ("00:30-08:30+08:00", ["16:30", "20:00", "23:59", "00:00", "00:29"], ["00:30", "16:29", "12:00"]),
        ("16:30-00:30Z", ["16:30", "00:29"], ["00:30", "16:29"]),
        ("16:30-00:30", ["23:00"], ["01:00"]),
        ("09:00-17:00-05:00", ["14:00", "21:59"], ["13:59", "22:00"]),
        ("22:00-24:00", ["22:00", "23:59"], ["00:00", "21:59"]),
        ("00:00-00:00", ["00:00", "13:00"], []),
    ],
)
def test_windows_of_the_day(window: str, inside: list[str], outside: list[str]) -> None:
    """Windows start inclusive, end exclusive, wrap over midnight and honour their offset."""
    price = Price(input=2, output=2, tiers=(Tier(window=window, input=1),))
    usage = Usage(input=1000, output=0)

    def at(clock: str) -> int | None:
        hour, minute = clock.split(":")
        return nanos(usage, price, int(hour) * 60 + int(minute))

    assert {at(clock) for clock in inside} == {1_000_000}
    assert {at(clock) for clock in outside} <= {2_000_000}


def test_the_providers_own_figure_wins() -> None:
    """`usage.cost` is taken exactly as sent, whatever our table says, and even without one."""
    usage = Usage(input=1000, output=1000, cost=0.0000137)
    assert cost(usage, None, 0) == cost(usage, Price(input=50, output=50), 0)
    bill = cost(usage, None, 0)
    assert bill is not None
    assert (bill.currency, bill.nanos, bill.source) == ("USD", 13_700, "upstream")
    assert cost(Usage(cost=0.5), Price(currency="CNY"), 0).currency == "CNY"  # type: ignore[union-attr]


@pytest.mark.parametrize("stated", [float("nan"), float("inf"), -0.01])
def test_an_impossible_figure_of_the_provider_is_ignored(stated: float) -> None:
    """What is no amount falls back to our own table."""
    bill = cost(Usage(input=1000, output=0, cost=stated), Price(input=1, output=1), 0)
    assert bill is not None
    assert (bill.nanos, bill.source) == (1_000_000, "catalogue")


def test_prices_by_the_piece() -> None:
    """Requests, images, seconds and characters are billed beside or instead of tokens."""
    tokens = Usage(input=1000, output=1000)
    assert nanos(tokens, Price(input=1, output=1, request=0.005)) == 2_000_000 + 5_000_000
    assert nanos(tokens, Price(input=1, output=1, request=0.005), requests=3) == 2_000_000 + 15_000_000
    assert nanos(Usage(), Price(image=0.04), images=2) == 80_000_000
    assert nanos(Usage(), Price(second=0.0001), seconds=2.5) == 250_000
    assert nanos(Usage(), Price(characters=15), characters=1_000) == 15_000_000
    searched = Usage(input=1000, output=1000, searches=3)
    assert nanos(searched, Price(input=1, output=1, search=0.01)) == 2_000_000 + 30_000_000
    assert nanos(searched, Price(input=1, output=1)) == 2_000_000


def moment(text: str) -> int:
    return minute_utc(datetime.fromisoformat(text).timestamp())


@pytest.mark.parametrize(
    ("when", "peak"),
    [
        ("2026-11-24T01:00+00:00", True),  # a Tuesday
        ("2026-11-24T03:59+00:00", True),
        ("2026-11-24T04:00+00:00", False),
        ("2026-11-24T06:00+00:00", True),
        ("2026-11-24T10:00+00:00", False),
        ("2026-11-27T09:59+00:00", True),  # Friday
        ("2026-11-28T02:00+00:00", False),  # Saturday
        ("2026-11-29T08:00+00:00", False),  # Sunday
        ("2026-11-30T02:00+00:00", True),
        ("2026-10-01T02:00+00:00", False),  # Thursday, and the National Day of China
        ("2026-10-08T02:00+00:00", True),
    ],
)
def test_deepseeks_peak_hours(when: str, peak: bool) -> None:
    """Peak is Monday to Friday except Chinese holidays, 01:00-04:00 and 06:00-10:00 UTC; every other hour costs half.

    https://api-docs.deepseek.com/quick_start/pricing (2026-11-24)
    """
    (model,) = (model for model in builtin_models()["deepseek"] if model.id == "deepseek-flash")
    bill = cost(Usage(input=1_000_000, output=1_000_000), model.price, moment(when))
    assert bill is not None and bill.nanos == (1_500_000_000 if peak else 750_000_000)


def test_days_are_those_of_the_windows_own_clock() -> None:
    """Sunday evening in Greenwich is Monday in Beijing; days may be listed, span the weekend, or stand alone."""
    usage = Usage(input=1_000_000, output=0)

    def price(days: str, window: str = "") -> Price:
        return Price(input=2, output=2, tiers=(Tier(days=days, window=window, input=1),))

    sunday_evening = moment("2026-11-29T20:00+00:00")
    assert nanos(usage, price("mon", "00:00-08:00+08:00"), sunday_evening) == 1_000_000_000
    assert nanos(usage, price("mon"), sunday_evening) == 2_000_000_000
    assert nanos(usage, price("fri-mon"), sunday_evening) == 1_000_000_000
    assert nanos(usage, price("wed,sun"), sunday_evening) == 1_000_000_000
    assert nanos(usage, price("someday"), sunday_evening) is None


@given(st.integers(0, 10**9))
def test_minutes_since_1970(now: int) -> None:
    """The minute comes from the clock's seconds alone."""
    assert minute_utc(now + 86_400) == minute_utc(now) + 1440
    assert minute_utc(1_700_000_000) % 1440 == 22 * 60 + 13


@given(st.integers(0, 10**15))
def test_rounding_is_half_to_even(tokens: int) -> None:
    """Half a nano-unit goes to the even neighbour, as Python's own round does."""
    assert nanos(Usage(input=tokens, output=0), Price(input=0.0005, output=0)) == round(Fraction(tokens, 2))


CACHED = Price(input=1.0, output=2.0, cached=0.1, cache_write=1.25)


@pytest.mark.parametrize(
    ("usage", "price", "nanos"),
    [
        (Usage(input=1_000_000, output=5, cached=400_000), CACHED, 360_000_000),
        (Usage(input=1_000_000, output=5, cache_write=400_000), CACHED, -100_000_000),
        (Usage(input=1_000_000, output=5, cached=1000, cost=0.5), CACHED, 900_000),
        (Usage(input=1_000_000, output=5), CACHED, 0),
        (Usage(input=1_000_000, output=5, cached=1000), None, 0),
        (Usage(input=1_000_000, output=5, cached=1000), Price(input=1.0, output=1.0), 0),
    ],
)
def test_what_a_prompt_cache_saves(usage: Usage, price: Price | None, nanos: int) -> None:
    """The bill without it less the bill with it, whatever the upstream says of the bill; writing it costs."""
    assert saved(usage, price, 0) == nanos


def test_bills_of_one_currency_are_added() -> None:
    """What is unknown, or in another currency, stands at its own attempt; an unknown bill stays unknown."""
    dollar = Cost(currency="USD", nanos=5, source="catalogue")
    yuan = Cost(currency="CNY", nanos=9, source="catalogue")
    assert total(dollar, [dollar, None, yuan]) == Cost(currency="USD", nanos=10, source="sum")
    assert total(dollar, [None, yuan]) == dollar
    assert total(None, [dollar]) is None
