"""The heads of answers: what kind of bytes follow, who served, how, and what was lost on the way.

Rules of this file: header values are ASCII of a sane length, whatever a client or a provider called its model.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct

from hexapla.engine.faults import LeavingError
from hexapla.errors import GatewayError
from hexapla.ir.loss import Loss, gravest
from hexapla.routing.commands import Start
from hexapla.routing.memory import CrowdedError

Pairs = tuple[tuple[str, str], ...]

MAX_LOSS_HEADER = 1000  # characters; the record holds more of them (ir/loss.py)

JSON: Pairs = (("content-type", "application/json"),)
SSE: Pairs = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))

_ID = "\0"
"""Stands for the answer's id in what answers share; a header value cannot hold it."""

_IDENTITY: Pairs = (("x-request-id", _ID), ("request-id", _ID), ("x-generation-id", _ID))
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Head(Struct, frozen=True):
    """The headers of one answer, of which many others share all but the id.

    lines  in the form of HTTP/1.1
    """

    lines: str
    _answer_id: str
    _shared: Pairs

    @property
    def pairs(self) -> Pairs:
        """Lower-case names and values, content-type first."""
        return tuple([(name, value.replace(_ID, self._answer_id)) for name, value in self._shared])

    @property
    def streams(self) -> bool:
        """Whether events follow."""
        return self._shared[0] == SSE[0]

    def and_more(self, *more: tuple[str, str]) -> Head:
        return _head(self._answer_id, (*self._shared, *more))


def answer_head(answer_id: str, start: Start) -> Head:
    """The head of an answer: who served it, how, and what was lost on the way there."""
    lane, candidate = start.lane, start.candidate
    name, tried = candidate.provider.id, start.tried
    lost = losses_value(lane.losses) if lane.losses else ""
    pairs, lines = _served(start.stream, name, candidate.model, lane.name, tried, lost)
    return Head(lines.replace(_ID, answer_id), answer_id, pairs)


def plain_head(answer_id: str, *more: tuple[str, str]) -> Head:
    """The head of an answer that nobody served."""
    return _head(answer_id, (*JSON, *_IDENTITY, *more))


def _head(answer_id: str, pairs: Pairs) -> Head:
    return Head(_spelled(pairs).replace(_ID, answer_id), answer_id, pairs)


@lru_cache(maxsize=1024)
def _served(stream: bool, provider: str, model: str, lane: str, tried: int, losses: str) -> tuple[Pairs, str]:
    pairs = (
        *(SSE if stream else JSON),
        *_IDENTITY,
        ("x-hexapla-provider", provider),
        ("x-hexapla-model", ascii_value(model)),
        ("x-hexapla-lane", lane),
        ("x-hexapla-attempts", str(tried)),
        ("x-hexapla-losses", losses),
    )
    return pairs, _spelled(pairs)


def _spelled(pairs: Pairs) -> str:
    return "".join([f"{name}: {value}\r\n" for name, value in pairs])


def losses_value(losses: Sequence[Loss]) -> str:
    """Losses as a header: field names, content first, as many as a sane length holds."""
    names = [loss.field for loss in gravest(losses)]
    value = ascii_value(", ".join(names))
    if len(value) <= MAX_LOSS_HEADER:
        return value
    return value[:MAX_LOSS_HEADER].rpartition(", ")[0] or value[:MAX_LOSS_HEADER]


def ascii_value(text: str) -> str:
    """`text` as a header value can hold it."""
    return _CONTROL.sub(" ", text.encode("ascii", "backslashreplace").decode())


def error_headers(error: GatewayError) -> Pairs:
    """Our own retries are spent, so SDKs are asked not to add theirs (openai and anthropic obey x-should-retry)."""
    again = isinstance(error, LeavingError | CrowdedError)  # nothing was tried
    headers: list[tuple[str, str]] = [("x-should-retry", "true" if again else "false")]
    if error.retry_after is not None:
        headers.append(("retry-after", str(max(0, math.ceil(error.retry_after)))))
    return tuple(headers)
