"""One line a request: complete, and safe for a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hexapla.ir.response import Usage
from hexapla.ledger import Cost, Generation
from hexapla.observe.lines import render_json, render_pretty
from observe.finished import FINISHED


def test_a_line_says_what_happened() -> None:
    """Every figure that operators ask for is there, under a stable name."""
    assert json.loads(render_json([FINISHED])) == {
        "time": "2023-11-14T22:13:20.250+00:00",
        "id": "gen-1",
        "key": "alice",
        "client": "anthropic_messages",
        "requested": "fast",
        "provider": "deepseek",
        "model": "chat",
        "lane": "hub",
        "stream": True,
        "status": 200,
        "outcome": "ok",
        "stop": "stop",
        "input": 12_345,
        "cached": 5,
        "output": 67,
        "reasoning": None,
        "estimated": False,
        "cost": 0.001234,
        "currency": "USD",
        "first": 0.5,
        "latency": 1.25,
        "attempts": ["openai/gpt 503 overloaded 0.100s"],
        "losses": 1,
    }


def test_a_pretty_line_is_short_and_whole() -> None:
    """One line for a person, with colours only where asked for."""
    plain = render_pretty([FINISHED]).decode()
    for part in ("200 ok", "deepseek/chat", "hub stream", "12.3k→67 tok", "0.001234 USD", "1.25s", "1 losses", "gen-1"):
        assert part in plain
    assert plain.count("\n") == 1
    assert "\x1b" not in plain
    assert "\x1b[32m200 ok\x1b[0m" in render_pretty([FINISHED], color=True).decode()
    assert "nobody" in render_pretty([Generation(id="x", outcome="no_route", status=503)]).decode()


@given(st.floats(0, 1e7))
@example(0.9999996)
@example(59.9999999)
def test_times_are_said_to_the_microsecond(seconds: float) -> None:
    """Put together from digits, they are what a float's formatting says, but for the last digit's rounding."""
    attempt = msgspec.structs.replace(FINISHED.attempts[0], latency=seconds)
    line = json.loads(render_json([msgspec.structs.replace(FINISHED, latency=seconds, attempts=(attempt,))]))
    assert line["latency"] == pytest.approx(seconds, rel=1e-15, abs=0.51e-6)
    assert float(line["attempts"][0].split()[-1].removesuffix("s")) == pytest.approx(seconds, rel=1e-15, abs=0.51e-3)


@pytest.mark.parametrize("render", [render_json, render_pretty])
def test_nothing_of_the_conversation_is_said(render: Callable[[list[Generation]], bytes]) -> None:
    """What an upstream said of the request may quote the request: it stays in the ledger."""
    assert b"secret" not in render([FINISHED])


@pytest.mark.parametrize("render", [render_json, render_pretty])
def test_names_cannot_take_over_a_terminal(render: Callable[[list[Generation]], bytes]) -> None:
    """Line ends, escape codes, bidirectional overrides, surrogates and length in a client's words are defused."""
    evil = "\x1b[2J\r\n{}\u202e\ud800" + "x" * 10_000
    line = render([Generation(id="x", key=evil, requested=evil, provider=evil, model=evil)])
    assert line.count(b"\n") == 1
    assert not any(mark in line for mark in (b"\x1b", b"\r", "\u202e".encode(), b"u001b", b"u202e"))
    assert len(line) < 1500


@pytest.mark.parametrize("render", [render_json, render_pretty])
def test_no_number_is_too_large_for_a_line(render: Callable[[list[Generation]], bytes]) -> None:
    """What an upstream counts in jest, and what that would cost, is told like anything else."""
    count = 10**400
    monster = Generation(
        id="x", usage=Usage(input=count, output=count), cost=Cost(currency="USD", nanos=count, source="catalogue")
    )
    assert render([monster]).count(b"\n") == 1
