"""The log of requests is complete and never in the way."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hexapla.ledger import Generation
from hexapla.observe.lines import render_json, render_pretty
from hexapla.observe.log import RequestLog
from observe.finished import FINISHED


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_busy_request_does_not_wait_for_the_thread() -> None:
    """Lines are made by whoever is free to; none is made twice, and they stay in order."""
    written: list[bytes] = []
    log = RequestLog(written.append, lambda generations: b"".join(each.id.encode() for each in generations), 10_000)
    with log._making:
        for number in range(100):
            log.write(Generation(id=f"{number} "))
        assert len(log._queue) == 100
    for number in range(100, 200):
        log.write(Generation(id=f"{number} "))
    log.close()
    assert b"".join(written).split() == [b"%d" % number for number in range(200)]
    assert log.dropped == 0


def test_the_thread_does_not_run_after_single_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """While traffic makes blocks, what makes none yet waits for the next one, or for the end."""
    monkeypatch.setattr("hexapla.observe.log._PAUSE", 1000.0)
    written: list[bytes] = []
    log = RequestLog(written.append, render_json, 10_000)
    for _ in range(100):
        log.write(FINISHED)
    log.flush(tail=False)
    assert b"".join(written) == render_json([FINISHED] * 96)
    log.close()
    assert b"".join(written) == render_json([FINISHED] * 100)


def test_lines_reach_a_file_and_follow_its_rotation(tmp_path: Path) -> None:
    """Lines appear within a moment by themselves; a file that was moved away is begun anew."""
    path = tmp_path / "requests.log"
    log = RequestLog.open(path)
    log.write(FINISHED)
    wait_until(lambda: path.exists() and path.read_bytes().count(b"\n") == 1)
    path.rename(tmp_path / "requests.log.1")
    for _ in range(1000):
        log.write(FINISHED)
    log.close()
    assert path.read_bytes() == render_json([FINISHED]) * 1000
    assert log.dropped == 0


def test_a_stuck_sink_costs_lines_never_time() -> None:
    """With a pipe that nobody reads, writing stays immediate, memory bounded, and the loss is counted and reported."""
    reader, writer = os.pipe()
    log = RequestLog.open(writer, capacity=500)
    slowest = 0.0
    for _ in range(20_000):
        start = time.perf_counter()
        log.write(FINISHED)
        slowest = max(slowest, time.perf_counter() - start)
    assert slowest < 0.5
    assert len(log._queue) + sum(block.lines for block in log._blocks) <= 500
    assert log.dropped > 10_000
    received = bytearray()

    def read() -> None:
        while data := os.read(reader, 1 << 16):
            received.extend(data)

    thread = threading.Thread(target=read)
    thread.start()
    log.flush()
    log.close()
    os.close(writer)
    thread.join()
    os.close(reader)
    lines = [json.loads(line) for line in bytes(received).splitlines()]
    reported = sum(line["dropped"] for line in lines if "dropped" in line)
    assert reported == log.dropped
    assert sum("id" in line for line in lines) + reported == 20_000


def test_a_non_blocking_sink_gets_every_line() -> None:
    """A terminal that somebody made non-blocking is written piece by piece."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    log = RequestLog.open(writer)
    for _ in range(1000):
        log.write(FINISHED)
    received = bytearray()
    while received.count(b"\n") < 1000:
        received.extend(os.read(reader, 1 << 16))
    log.close()
    os.close(writer)
    os.close(reader)
    assert bytes(received) == render_json([FINISHED]) * 1000


def test_closing_gives_up_on_a_stuck_sink(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shutdown does not wait for a reader that never comes, and counts what it leaves."""
    monkeypatch.setattr("hexapla.observe.log._PATIENCE", 0.1)
    reader, writer = os.pipe()
    log = RequestLog.open(writer, capacity=5000)
    for _ in range(5000):
        log.write(FINISHED)
    start = time.monotonic()
    log.close()
    assert time.monotonic() - start < 5
    assert log.dropped > 0
    log.write(FINISHED)
    os.close(reader)  # frees the thread: its write fails
    log._thread.join(5)
    assert not log._thread.is_alive()
    os.close(writer)


def test_a_sink_that_fails_is_survived(tmp_path: Path) -> None:
    """A directory that vanished, or a full disk: lines are dropped and counted, and later ones come through."""
    path = tmp_path / "gone" / "requests.log"
    log = RequestLog.open(path)
    log.write(FINISHED)
    log.flush()
    wait_until(lambda: log.dropped == 1)
    path.parent.mkdir()
    log.write(FINISHED)
    log.close()
    assert [json.loads(line).get("dropped") for line in path.read_bytes().splitlines()] == [None, 1]
    full = RequestLog.open("/dev/full")
    full.write(FINISHED)
    full.close()
    assert full.dropped == 1


def test_standard_error_is_the_default(capfd: pytest.CaptureFixture[str]) -> None:
    """Without a sink lines go to standard error, in the style asked for."""
    log = RequestLog.open(style="pretty")
    log.write(FINISHED)
    log.close()
    assert capfd.readouterr().err.encode() == render_pretty([FINISHED])
