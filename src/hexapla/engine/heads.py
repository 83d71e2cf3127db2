"""The heads of answers: what kind of bytes follow, who served, how, and what was lost on the way.

Rules of this file: header values are ASCII of a sane length, whatever a client or a provider called its model.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache

from hexapla.engine.faults import LeavingError
from hexapla.errors import GatewayError
from hexapla.ir.loss import Loss
from hexapla.routing.commands import Start
from hexapla.routing.memory import CrowdedError

Headers = tuple[tuple[str, str], ...]

MAX_LOSS_HEADER = 1000  # characters; the record holds them all

JSON: Headers = (("content-type", "application/json"),)
SSE: Headers = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def answer_headers(answer_id: str, start: Start) -> Headers:
    """The head of an answer: who served it, how, and what was lost on the way there."""
    lane, candidate = start.lane, start.candidate
    served = _served(candidate.provider.id, candidate.model, lane.name, start.tried, lane.losses)
    identified = (("x-request-id", answer_id), ("request-id", answer_id), ("x-generation-id", answer_id))
    return (*(SSE if start.stream else JSON), *identified, *served)


@lru_cache(maxsize=1024)
def _served(provider: str, model: str, lane: str, tried: int, losses: tuple[Loss, ...]) -> Headers:
    return (
        ("x-hexapla-provider", provider),
        ("x-hexapla-model", ascii_value(model)),
        ("x-hexapla-lane", lane),
        ("x-hexapla-attempts", str(tried)),
        ("x-hexapla-losses", losses_value(losses)),
    )


def losses_value(losses: Sequence[Loss]) -> str:
    """Losses as a header: field names, content first, cut at a sane length."""
    order = {"content": 0, "parameter": 1, "cosmetic": 2}
    names = [loss.field for loss in sorted(losses, key=lambda loss: order[loss.severity])]
    return ascii_value(", ".join(names))[:MAX_LOSS_HEADER]


def ascii_value(text: str) -> str:
    """`text` as a header value can hold it."""
    return _CONTROL.sub(" ", text.encode("ascii", "backslashreplace").decode())


def identity(answer_id: str) -> Headers:
    return (("x-request-id", answer_id), ("request-id", answer_id), ("x-generation-id", answer_id))


def error_headers(error: GatewayError) -> Headers:
    """Our own retries are spent, so SDKs are asked not to add theirs (openai and anthropic obey x-should-retry)."""
    again = isinstance(error, LeavingError | CrowdedError)  # nothing was tried
    headers: list[tuple[str, str]] = [("x-should-retry", "true" if again else "false")]
    if error.retry_after is not None:
        headers.append(("retry-after", str(max(0, math.ceil(error.retry_after)))))
    return tuple(headers)
