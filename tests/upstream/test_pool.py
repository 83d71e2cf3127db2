"""A pool looks at its connections now and then, and no exchange looks at a clock."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from hexapla.errors import Kind
from hexapla.upstream.connection import Connection
from hexapla.upstream.transport import Timeouts
from upstream.test_plain import LETTERHEAD, Socket, answer, chunked

PATIENT = replace(LETTERHEAD, timeouts=Timeouts(write=0, head=5, idle=2))
STREAM = chunked(b"some", end=b"")


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Connection:
    """One that carries an exchange."""
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: None)
    line = Connection()
    line.connection_made(Socket())  # type: ignore[arg-type]
    line.pool.busy.add(line)
    line.begin(PATIENT, b"")
    return line


def looked(line: Connection, *times: float) -> list[bool]:
    """Whether it had timed out after each look."""
    found = []
    for now in times:
        line.pool.look(now, 60)
        found.append(line.error is not None and line.error.kind is Kind.TIMEOUT)
    return found


def test_a_head_has_its_time_from_the_first_look(line: Connection) -> None:
    assert looked(line, 100, 104, 104.9, 105) == [False, False, False, True]


def test_each_piece_has_a_time_of_its_own(line: Connection) -> None:
    """Also where the head had used most of its own."""
    assert not any(looked(line, 100, 104.9))
    line.data_received(STREAM)
    assert not any(looked(line, 105, 106.9))
    line.data_received(b"1\r\nx\r\n")
    assert looked(line, 108, 109.9, 110) == [False, False, True]


def test_half_a_head_buys_no_time(line: Connection) -> None:
    looked(line, 100)
    line.data_received(STREAM[:9])
    assert looked(line, 105) == [True]


def test_no_time_is_for_ever(line: Connection) -> None:
    line.begin(replace(PATIENT, timeouts=Timeouts(write=0, head=0, idle=0)), b"")
    assert not any(looked(line, 100, 1e9))
    line.data_received(STREAM)
    assert not any(looked(line, 1e9, 2e9))


def test_who_is_not_read_has_all_the_time(line: Connection) -> None:
    """Once he is read again, it counts from there."""
    line.data_received(STREAM)
    line._paused = True
    assert not any(looked(line, 100, 200))
    line.take()
    assert looked(line, 300, 301.9, 302) == [False, False, True]


def test_an_exchange_has_no_time_left_over_from_the_one_before(line: Connection) -> None:
    looked(line, 100, 104)
    line.data_received(answer())
    line.finish()
    line.pool.waiting.remove(line)
    line.pool.busy.add(line)
    line.begin(PATIENT, b"")
    assert not any(looked(line, 105, 109))


def test_who_waits_too_long_goes(line: Connection) -> None:
    """And whoever cannot be used any more."""
    looked(line, 100)
    line.data_received(answer())
    line.finish()
    assert [*line.pool.waiting] == [line] and not line.pool.busy
    looked(line, 160)
    assert line.reusable
    looked(line, 160.5)
    assert line.closed and not line.pool.waiting
