"""A finished request as a line of the request log: JSON for pipelines, colours for people at a terminal.

Rules of this file: pure; no content, no credential, no message of an upstream: only names, counts, times and outcomes;
control characters never reach a terminal.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from hexapla.ledger.record import Cost, Generation

_LONGEST_NAME = 200
_MOST = 10**18  # of anything: a float holds it, and no sense is beyond

_THREE = tuple(f"{number:03}" for number in range(1000))
"""Digits to put together: `%.6f` takes half as long again, and a format specification twice as long as that."""

_encode = msgspec.json.Encoder().encode


def render_json(generations: Iterable[Generation]) -> bytes:
    """Return a line of JSON for each: times in seconds, cost in units of the currency.

    They are put together by hand, which takes a third of an encoder's time: most of its words were in the last one too.
    """
    lines, three, moment, known = [], _THREE, "", -1
    for it in generations:
        usage, cost, first, latency = it.usage, it.cost, it.first, it.latency
        key, client, requested, provider, model = it.key, it.client_protocol, it.requested, it.provider, it.model
        said = _said(key, client, requested, provider, model, it.lane, it.stream, it.status, it.outcome, it.stop)
        called = ""
        for each in it.attempts:
            told = _called(each.provider, each.model, each.status, each.outcome)
            millis = int(each.latency * 1e3 + 0.5)
            called += f'{"," if called else ""}{told}{millis // 1000}.{three[millis % 1000]}s"'
        micros = int(latency * 1e6 + 0.5)
        total = f"{micros // 1_000_000}.{three[micros // 1000 % 1000]}{three[micros % 1000]}"
        begun = total if first == latency else "null" if first is None else "%.6f" % first  # noqa: UP031  see _THREE
        if (now := int(it.created * 1000)) != known:
            moment, known = _moment(now), now
        money = 'null,"currency":null' if cost is None else f'{_units(cost)},"currency":{_word(cost.currency)}'
        fresh, cached, output, thought = usage.input, usage.cached, usage.output, usage.reasoning
        lines.append(
            f'{{"time":"{moment}","id":"{it.id}",{said},'
            f'"input":{"null" if fresh is None else fresh},"cached":{"null" if cached is None else cached},'
            f'"output":{"null" if output is None else output},"reasoning":{"null" if thought is None else thought},'
            f'"estimated":{"true" if it.estimated else "false"},"cost":{money},'
            f'"first":{begun},"latency":{total},"attempts":[{called}],"losses":{len(it.losses)}}}\n'
        )
    return "".join(lines).encode()


@lru_cache(maxsize=1024)
def _said(
    key: str,
    client: str,
    requested: str,
    provider: str,
    model: str,
    lane: str,
    stream: bool,
    status: int,
    outcome: str,
    stop: str | None,
) -> str:
    """What many requests have in common."""
    return (
        f'"key":{_word(key)},"client":{_word(client)},"requested":{_word(requested)},'
        f'"provider":{_word(provider)},"model":{_word(model)},"lane":{_word(lane)},'
        f'"stream":{"true" if stream else "false"},"status":{status},'
        f'"outcome":{_word(outcome)},"stop":{"null" if stop is None else _word(stop)}'
    )


@lru_cache(maxsize=1024)
def _called(provider: str, model: str, status: int | None, outcome: str) -> str:
    """An attempt in quotes, but for its time."""
    told = f"{_name(provider)}/{_name(model)} {'-' if status is None else status} {outcome} "
    return _encode(told).decode()[:-1]


def _word(text: str) -> str:
    return _encode(_name(text)).decode()


def render_pretty(generations: Iterable[Generation], *, color: bool = False) -> bytes:
    """Return a line for a terminal for each, in local time."""
    paint = _paint if color else _plain
    return "".join(_pretty(each, paint) for each in generations).encode("utf-8", "replace")


def _pretty(generation: Generation, paint: Callable[[str, str], str]) -> str:
    usage, cost = generation.usage, generation.cost
    served = f"{_name(generation.provider)}/{_name(generation.model)}" if generation.provider else "nobody"
    parts = [
        paint("2", time.strftime("%H:%M:%S", time.localtime(generation.created))),
        paint(_COLORS.get(generation.outcome, "31"), f"{generation.status} {generation.outcome}"),
        f"{generation.client_protocol} → {paint('1', served)}",
        f"{generation.lane or '-'}{' stream' if generation.stream else ''}",
        f"{_short(usage.input)}→{_short(usage.output)} tok{' est.' if generation.estimated else ''}",
        *([f"{_units(cost):.6f} {cost.currency}"] if cost else []),
        *([f"first {generation.first:.2f}s"] if generation.first is not None else []),
        f"total {generation.latency:.2f}s",
        *([f"{len(generation.attempts)} attempts"] if len(generation.attempts) > 1 else []),
        *([f"{len(generation.losses)} losses"] if generation.losses else []),
        paint("2", generation.id),
    ]
    return "  ".join(parts) + "\n"


_COLORS = {"ok": "32", "cancelled": "33", "interrupted": "33"}  # everything else is red


def _paint(code: str, text: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m"


def _plain(_code: str, text: str) -> str:
    return text


@lru_cache(maxsize=4)
def _moment(milliseconds: int) -> str:
    """A time as RFC 3339 writes it; a busy gateway has several requests a millisecond."""
    return f"{_second(milliseconds // 1000)}.{milliseconds % 1000:03d}+00:00"


@lru_cache(maxsize=4)
def _second(whole: int) -> str:
    return datetime.fromtimestamp(whole, UTC).isoformat()[:19]


@lru_cache(maxsize=1024)
def _name(text: str) -> str:
    """Return a name that somebody else chose, fit for a terminal: short and printable."""
    text = text[:_LONGEST_NAME]
    return text if text.isprintable() else "".join(letter if letter.isprintable() else "?" for letter in text)


def _short(count: int | None) -> str:
    if count is None:
        return "?"
    return f"{min(count, _MOST) / 1000:.1f}k" if count >= 10_000 else str(count)


def _units(cost: Cost) -> float:
    return min(cost.nanos, _MOST) / 1e9
