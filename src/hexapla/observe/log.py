"""One line a request, for people at a terminal and for pipelines.

A log call that formats and writes costs 10 µs, and a pipe whose reader has stopped costs the gateway its life.  So a
request only puts its Generation into a bounded queue; a thread makes lines of them and writes many at once.  When the
sink does not keep up, lines are dropped and counted, and the next line that goes through says how many.

Rules of this file: `write` never blocks and never raises; no content, no credential, no message of an upstream: only
names, counts, times and outcomes; control characters never reach a terminal.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Literal

import msgspec

from hexapla.ledger.record import Generation

Style = Literal["json", "pretty"]

_PAUSE = 0.25  # seconds between writes
_AT_ONCE = 256  # lines
_PATIENCE = 2.0  # seconds that `close` waits for a sink
_LONGEST_NAME = 200

_encode = msgspec.json.Encoder().encode


class RequestLog:
    """Open it with `RequestLog.open`.

    dropped  lines that were never written
    """

    def __init__(self, write: Callable[[bytes], None], render: Callable[[Generation], bytes], capacity: int) -> None:
        self.dropped = 0
        self._write = write
        self._render = render
        self._capacity = capacity
        self._queue: list[Generation] = []
        self._reported = 0
        self._wake = threading.Event()
        self._draining = threading.Lock()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="hexapla-request-log", daemon=True)
        self._thread.start()

    @classmethod
    def open(
        cls,
        sink: str | Path | int = "stderr",
        *,
        style: Style = "json",
        color: bool = False,
        capacity: int = 10_000,
    ) -> RequestLog:
        """Log to standard error, a file (opened anew for each batch: it can be rotated) or a file descriptor."""
        renderers: dict[Style, Callable[[Generation], bytes]] = {
            "json": render_json,
            "pretty": lambda generation: render_pretty(generation, color=color),
        }
        return cls(_writer(sink), renderers[style], capacity)

    def write(self, generation: Generation) -> None:
        """Log a finished request, soon."""
        if len(self._queue) >= self._capacity or self._closing:
            self.dropped += 1
            return
        self._queue.append(generation)
        if len(self._queue) == _AT_ONCE:
            self._wake.set()

    def flush(self) -> None:
        """Write everything that waits; blocks for as long as the sink does."""
        with self._draining:
            queue = self._queue
            while batch := queue[:_AT_ONCE]:
                del queue[: len(batch)]  # whoever adds a line meanwhile adds it behind
                self._put(b"".join(map(self._render, batch)), len(batch))

    def close(self) -> None:
        """Write what waits and stop; a sink that is stuck is given up after two seconds."""
        self._closing = True
        self._wake.set()
        self._thread.join(_PATIENCE)
        self.dropped += len(self._queue)

    def _run(self) -> None:
        while not self._closing:
            self._wake.wait(_PAUSE)
            self._wake.clear()
            self.flush()
        self.flush()

    def _put(self, data: bytes, lines: int) -> None:
        missing = self.dropped - self._reported
        try:
            self._write(data + _encode({"dropped": missing}) + b"\n" if missing else data)
        except OSError:
            self.dropped += lines
        else:
            self._reported += missing


def render_json(generation: Generation) -> bytes:
    """Return one line of JSON: times in seconds, cost in units of the currency.

    It is put together by hand, which takes a third of an encoder's time: most of its words were in the last line too.
    """
    it, usage, cost = generation, generation.usage, generation.cost
    first, latency = it.first, it.latency
    key, client, requested, provider, model = it.key, it.client_protocol, it.requested, it.provider, it.model
    said = _said(key, client, requested, provider, model, it.lane, it.stream, it.status, it.outcome, it.stop)
    called = ""
    for each in it.attempts:
        told = _called(each.provider, each.model, each.status, each.outcome)
        called += f'{"," if called else ""}{told}{"%.3f" % each.latency}s"'  # noqa: UP031
    total = "%.6f" % latency  # noqa: UP031  half the time of a format specification
    begun = total if first == latency else "null" if first is None else "%.6f" % first  # noqa: UP031
    money = 'null,"currency":null' if cost is None else f'{cost.nanos / 1e9},"currency":{_word(cost.currency)}'
    fresh, cached, output, thought = usage.input, usage.cached, usage.output, usage.reasoning
    return (
        f'{{"time":"{_moment(int(it.created * 1000))}","id":"{it.id}",{said},'
        f'"input":{"null" if fresh is None else fresh},"cached":{"null" if cached is None else cached},'
        f'"output":{"null" if output is None else output},"reasoning":{"null" if thought is None else thought},'
        f'"estimated":{"true" if it.estimated else "false"},"cost":{money},'
        f'"first":{begun},"latency":{total},"attempts":[{called}],"losses":{len(it.losses)}}}\n'
    ).encode()


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


def render_pretty(generation: Generation, *, color: bool = False) -> bytes:
    """Return one line for a terminal, in local time."""
    paint = _paint if color else _plain
    usage, cost = generation.usage, generation.cost
    served = f"{_name(generation.provider)}/{_name(generation.model)}" if generation.provider else "nobody"
    parts = [
        paint("2", time.strftime("%H:%M:%S", time.localtime(generation.created))),
        paint(_COLORS.get(generation.outcome, "31"), f"{generation.status} {generation.outcome}"),
        f"{generation.client_protocol} → {paint('1', served)}",
        f"{generation.lane or '-'}{' stream' if generation.stream else ''}",
        f"{_short(usage.input)}→{_short(usage.output)} tok{' est.' if generation.estimated else ''}",
        *([f"{cost.nanos / 1e9:.6f} {cost.currency}"] if cost else []),
        *([f"first {generation.first:.2f}s"] if generation.first is not None else []),
        f"total {generation.latency:.2f}s",
        *([f"{len(generation.attempts)} attempts"] if len(generation.attempts) > 1 else []),
        *([f"{len(generation.losses)} losses"] if generation.losses else []),
        paint("2", generation.id),
    ]
    return ("  ".join(parts) + "\n").encode("utf-8", "replace")


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
    return f"{count / 1000:.1f}k" if count >= 10_000 else str(count)


def _writer(sink: str | Path | int) -> Callable[[bytes], None]:
    if isinstance(sink, int):
        return lambda data: _write_all(sink, data)
    if sink == "stderr":
        return lambda data: _write_all(2, data)
    path = Path(sink).expanduser()
    return lambda data: _append(path, data)


def _append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:  # somebody made the terminal non-blocking
            time.sleep(0.02)
