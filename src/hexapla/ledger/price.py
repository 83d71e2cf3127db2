"""What one answer costs: usage × price → Cost, in integer nano-units.

Bills are sums of many small products, so nothing here is a float once a price has been read: a price is the decimal
that its author wrote (`0.0375`), a product is an integer, and the only rounding is the last step to nano-units.  An
unknown is None, never zero: a zero in a bill is a claim.

Rules of this file: pure; no clock (the minute is an argument, counted from 1970 in UTC, since some prices go by the hour,
by the day of the week and by the calendar); every class of token is billed exactly once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

import msgspec
from msgspec.structs import replace

from hexapla.catalog.calendar import DAY, holidays, week, window
from hexapla.catalog.schema import Price, Tier
from hexapla.ir.response import Usage
from hexapla.ledger.record import Cost

_GRAINS_PER_NANO = 10**9  # a grain is 10^-18 of the currency's unit: prices per million are exact to 12 decimals
_MILLION = 10**6

_WHOLE_DAY = "00:00-00:00"
_THURSDAY = 3  # 1970-01-01, with Monday as 0

_Line = tuple[int | None, int | None]  # how many, grains of one; None: unknown


class Units(msgspec.Struct, frozen=True, kw_only=True):
    """What an operation used that is not a token."""

    requests: int = 1
    images: int = 0
    seconds: float = 0.0  # of sound or video
    characters: int = 0


ONE_REQUEST = Units()


def cost(usage: Usage, price: Price | None, minute_utc: int, *, units: Units = ONE_REQUEST) -> Cost | None:
    """Return what `usage` costs, or None where that is unknown.

    The provider's own figure (`usage.cost`) wins over our table.  `minute_utc` is the minute, since 1970 in UTC, at
    which the answer ended: DeepSeek, whose prices go by the hour, bills by the time of completion
    (https://api-docs.deepseek.com/quick_start/pricing, 2025-02).
    """
    stated = _exact(usage.cost, 9) if usage.cost is not None else None
    if stated is not None:
        return Cost(currency=price.currency if price else "USD", nanos=stated, source="upstream")
    if price is None:
        return None
    rates = _rates(price, usage.input or 0, minute_utc)
    grains = _sum(_lines(usage, units, rates)) if rates else None
    if grains is None:
        return None
    return Cost(currency=price.currency, nanos=_round(grains), source="catalogue")


def prompt_cost(usage: Usage, price: Price | None, minute_utc: int) -> Cost | None:
    """Return what of `cost` the input makes; None where that is unknown, as in a bill that only the provider knows."""
    return cost(replace(usage, output=0, reasoning=0, audio_output=0, cost=None), price, minute_utc)


def total(bill: Cost | None, others: Sequence[Cost | None]) -> Cost | None:
    """Return `bill` with all of the others that are known and of its currency."""
    more = [each.nanos for each in others if each is not None and bill is not None and each.currency == bill.currency]
    return replace(bill, nanos=bill.nanos + sum(more), source="sum") if bill is not None and more else bill


def saved(usage: Usage, price: Price | None, minute_utc: int, bill: Cost | None = None) -> int:
    """Return what the prompt cache saved, in nano-units: what the same tokens cost without it, less what they cost.

    bill  their cost, where it has been worked out already
    """
    if not (usage.cached or usage.cache_write or usage.cache_write_1h) or price is None:
        return 0
    without = cost(replace(usage, cached=0, cache_write=0, cache_write_1h=0, cost=None), price, minute_utc)
    if bill is None or bill.source != "catalogue":
        bill = cost(replace(usage, cost=None), price, minute_utc)
    return without.nanos - bill.nanos if without is not None and bill is not None else 0


def minute_utc(unix_seconds: float) -> int:
    """Return the minute since 1970-01-01T00:00Z, a Thursday."""
    return int(unix_seconds // 60)


# --- which price holds ------------------------------------------------------------------------------------------------


class _Rates(msgspec.Struct, frozen=True, kw_only=True):
    """Grains of one token (one image, a microsecond ...) by class; None is unknown.

    pieces  whether anything is billed by the piece
    """

    input: int | None
    output: int | None
    cached: int | None
    cache_write: int | None
    cache_write_1h: int | None
    reasoning: int | None
    audio_input: int | None
    audio_output: int | None
    request: int | None
    image: int | None
    second: int | None
    characters: int | None
    search: int | None
    pieces: bool


# A price that a table leaves out is the price of the class it belongs to: vendors list only what differs
# (https://platform.openai.com/docs/pricing has no column for cache writes, https://api-docs.deepseek.com/quick_start/pricing
# none for reasoning; 2026-10).  Parents stand before their children's children.
_PARENTS = (
    ("cached", "input"),
    ("cache_write", "input"),
    ("cache_write_1h", "cache_write"),
    ("audio_input", "input"),
    ("reasoning", "output"),
    ("audio_output", "output"),
)
_PIECES = ("request", "image", "second", "characters", "search")
_RATES = tuple(name for name in _Rates.__struct_fields__ if name != "pieces")
_TIER_FIELDS = tuple(name for name in Tier.__struct_fields__ if name in _RATES)


def _rates(price: Price, prompt: int, minute: int) -> _Rates | None:
    """Return what holds for this prompt at this minute; None if a time window cannot be read."""
    if not price.tiers:
        return _overlay(price, ())
    verdicts = [(_holds(tier, prompt, minute), tier) for tier in price.tiers]
    if any(verdict is None for verdict, _ in verdicts):
        return None
    return _overlay(price, tuple(tier for verdict, tier in verdicts if verdict))


@lru_cache(maxsize=4096)
def _overlay(price: Price, tiers: tuple[Tier, ...]) -> _Rates:
    """Lay the tiers over the price.  Longer prompts win over shorter ones, a window over the whole day."""
    rates: dict[str, float | None] = {name: getattr(price, name) for name in _RATES}
    for tier in sorted(tiers, key=lambda tier: (tier.above, bool(tier.window or tier.days))):
        rates.update((name, rate) for name in _TIER_FIELDS if (rate := getattr(tier, name)) is not None)
    for child, parent in _PARENTS:
        if rates[child] is None:
            rates[child] = rates[parent]
    grains = {name: _exact(rate, 12) for name, rate in rates.items()}
    return _Rates(**grains, pieces=any(grains[name] is not None for name in _PIECES))


def _holds(tier: Tier, prompt: int, minute: int) -> bool | None:
    # Vendors say "prompts > 200k tokens" (https://ai.google.dev/gemini-api/docs/pricing, 2026-10): the limit itself is
    # still the lower tier.
    if tier.above and prompt <= tier.above:
        return False
    if not (tier.window or tier.days or tier.except_holidays):
        return True
    span, days = window(tier.window or _WHOLE_DAY), week(tier.days)
    if span is None or days is None:
        return None
    start, end, offset = span
    day, local = divmod(minute + offset, DAY)
    if days and (day + _THURSDAY) % 7 not in days:
        return False
    if tier.except_holidays and day in holidays(tier.except_holidays):
        return False
    if start == end:
        return True
    return start <= local < end if start < end else local >= start or local < end


# --- how much of what -------------------------------------------------------------------------------------------------


def _lines(usage: Usage, units: Units, rates: _Rates) -> list[_Line]:
    """Return the bill's lines.  Tokens are billed unless the price knows of none (images by the piece, sound by the
    second); what has no price by the piece is not billed by the piece."""
    pieces = _unit_lines(usage, units, rates) if rates.pieces else []
    if rates.input is None and rates.output is None:
        return pieces if any(count or rate == 0 for count, rate in pieces) else [(None, None)]
    return [*_input_lines(usage, rates), *_output_lines(usage, rates), *pieces]


def _input_lines(usage: Usage, rates: _Rates) -> tuple[_Line, ...]:
    if not (usage.cached or usage.cache_write or usage.cache_write_1h or usage.audio_input):
        return ((_rest(usage.input, 0), rates.input),)
    cached, written = _count(usage.cached), _count(usage.cache_write)
    long, audio = _count(usage.cache_write_1h), _count(usage.audio_input)
    return (
        (_rest(usage.input, cached + max(written, long) + audio), rates.input),
        (cached, rates.cached),
        (max(written - long, 0), rates.cache_write),
        (long, rates.cache_write_1h),
        (audio, rates.audio_input),
    )


def _output_lines(usage: Usage, rates: _Rates) -> tuple[_Line, ...]:
    if usage.output is None and rates.output is None:  # embeddings: no output, and no price for it
        return ()
    if not (usage.reasoning or usage.audio_output):
        return ((_rest(usage.output, 0), rates.output),)
    thought, audio = _count(usage.reasoning), _count(usage.audio_output)
    return (
        (_rest(usage.output, thought + audio), rates.output),
        (thought, rates.reasoning),
        (audio, rates.audio_output),
    )


def _unit_lines(usage: Usage, units: Units, rates: _Rates) -> list[_Line]:
    # Rates are by the million, so a piece counts as a million, a second as a million microseconds.
    counts = (
        (units.requests * _MILLION, rates.request),
        (units.images * _MILLION, rates.image),
        (round(units.seconds * _MILLION), rates.second),
        (units.characters, rates.characters),
        (_count(usage.searches) * _MILLION, rates.search),
    )
    return [line for line in counts if line[1] is not None]


def _count(value: int | None) -> int:
    return value if value and value > 0 else 0


def _rest(whole: int | None, parts: int) -> int | None:
    """What is left of a count without its parts; never negative, however the upstream counted."""
    return None if whole is None else whole - parts if whole > parts else 0


# --- exact arithmetic -------------------------------------------------------------------------------------------------


def _sum(lines: Iterable[_Line]) -> int | None:
    """Return the sum in grains; None as soon as a line that matters is unknown."""
    total = 0
    for count, rate in lines:
        if count == 0 or rate == 0:
            continue
        if count is None or rate is None:
            return None
        total += count * rate
    return total


def _exact(amount: float | None, places: int) -> int | None:
    """Return `amount` x 10^places, the amount being the decimal that was written; None for what is no amount."""
    if amount is None or not math.isfinite(amount) or amount < 0:
        return None
    return int(Decimal(repr(amount)).scaleb(places).to_integral_value(ROUND_HALF_EVEN))


def _round(grains: int) -> int:
    """Nano-units, ties to even: a million roundings do not drift."""
    nanos, rest = divmod(grains, _GRAINS_PER_NANO)
    return nanos + (rest * 2 > _GRAINS_PER_NANO or (rest * 2 == _GRAINS_PER_NANO and nanos % 2 == 1))
