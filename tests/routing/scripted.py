"""Scripts of what an upstream does: a head, or a failure in its place, and a body in timed pieces.

Rules of this file: scripts are made of a dialect's own bytes (server/wire.py) and of chance that the caller brings.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

from hexapla.errors import Kind, UpstreamError
from server.wire import ending, opening, piece, whole

NEVER = float("inf")
TEXT = "Grüße, 鹭 and 🪶 from the upstream."
SAYS = ContextVar("SAYS", default=TEXT)
"""What upstreams say at present: the text, or what is left of it for one that goes on."""


@dataclass
class Script:
    """status and headers of the head, or the failure in its place; `body`: (seconds before it, bytes), and how it ends.

    end      "end" a clean end, "cut" a broken connection, "hang" nothing more;  breaks: what a cut is to the transport
    good     a whole answer, with `text` in it
    counted  its usage is the one of server/wire.py
    once     the same endpoint's next try is answered well
    after    the seconds before the head
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    failure: UpstreamError | None = None
    after: float = 0.1
    body: list[tuple[float, bytes]] = field(default_factory=list)
    end: str = "end"
    breaks: Kind = Kind.UPSTREAM_TRUNCATED
    good: bool = False
    text: str = TEXT
    counted: bool = True
    once: bool = False


Fault = Callable[[str, bool, Random], Script]
"""Makes a script for a protocol, a stream or not."""


def body_of(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


def told(protocol: str, stream: bool, text: str | None = None) -> bytes:
    """A whole answer's bytes."""
    text = SAYS.get() if text is None else text
    if not stream:
        return body_of(whole(protocol, text))
    return opening(protocol) + said(protocol, text) + ending(protocol, text)


def said(protocol: str, text: str | None = None) -> bytes:
    text = SAYS.get() if text is None else text
    half = len(text) // 2
    return piece(protocol, text[:half]) + piece(protocol, text[half:])


def pieces(data: bytes, chance: Random, gap: float = 0.05) -> list[tuple[float, bytes]]:
    """`data` cut anywhere, also inside of characters and of line ends."""
    cuts = sorted(chance.randrange(1, len(data)) for _ in range(chance.randrange(6))) if len(data) > 1 else []
    edges = [0, *cuts, len(data)]
    return [(chance.random() * gap, data[a:b]) for a, b in pairwise(edges) if b > a]


def fine(protocol: str, stream: bool, chance: Random) -> Script:
    return Script(body=pieces(told(protocol, stream), chance), good=True)
