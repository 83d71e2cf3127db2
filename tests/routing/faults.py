"""The faults that an upstream can make at the height of an exchange, as scripts of what happens and when.

Each entry names the fault of the fault matrix that it plays (F01 ... F62; those below HTTP are the transport's own, and
are played for real in tests/upstream).  A script is a head, or a failure in its place, and a body in timed pieces.
`good` says whether the answer is a whole one, so that nothing but it may ever look like a success.

Rules of this file: scripts are made of a dialect's own bytes (server/wire.py) and of chance that the caller brings.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

from hexapla.errors import Kind, UpstreamError
from server.wire import CHAT, MESSAGES, RESPONSES, broken, ending, opening, piece, refusal, whole

NEVER = float("inf")
TEXT = "Grüße, 鹭 and 🪶 from the upstream."


@dataclass
class Script:
    """status and headers of the head, or the failure in its place; `body`: (seconds before it, bytes), and how it ends.

    end   "end" a clean end, "cut" a broken connection, "hang" nothing more
    good  a whole answer;  after the seconds before the head
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    failure: UpstreamError | None = None
    after: float = 0.1
    body: list[tuple[float, bytes]] = field(default_factory=list)
    end: str = "end"
    good: bool = False


Fault = Callable[[str, bool, Random], Script]
"""Makes a script for a protocol, a stream or not."""


def _body(data: bytes) -> bytes:
    return data.partition(b"\r\n\r\n")[2]


def told(protocol: str, stream: bool, text: str = TEXT) -> bytes:
    """A whole answer's bytes."""
    if not stream:
        return _body(whole(protocol, text))
    return opening(protocol) + said(protocol, text) + ending(protocol, text)


def said(protocol: str, text: str = TEXT) -> bytes:
    half = len(text) // 2
    return piece(protocol, text[:half]) + piece(protocol, text[half:])


def pieces(data: bytes, chance: Random, gap: float = 0.05) -> list[tuple[float, bytes]]:
    """`data` cut anywhere, also inside of characters and of line ends."""
    cuts = sorted(chance.randrange(1, len(data)) for _ in range(chance.randrange(6))) if len(data) > 1 else []
    edges = [0, *cuts, len(data)]
    return [(chance.random() * gap, data[a:b]) for a, b in pairwise(edges) if b > a]


def fine(protocol: str, stream: bool, chance: Random) -> Script:
    return Script(body=pieces(told(protocol, stream), chance), good=True)


def _fails(kind: Kind, after: float = 0.01) -> Fault:
    return lambda protocol, stream, chance: Script(failure=UpstreamError(kind, "it broke"), after=after)


def _answers(status: int, body: bytes | None = None, **headers: str) -> Fault:
    def make(protocol: str, stream: bool, chance: Random) -> Script:
        said = _body(refusal(protocol, status)) if body is None else body
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Script(status=status, headers=named, body=pieces(said, chance))

    return make


def _code(status: int, code: str, message: str = "no") -> Fault:
    """A refusal with a vendor's own code, in the envelope of the dialect."""

    def make(protocol: str, stream: bool, chance: Random) -> Script:
        error = {"message": message, "type": code, "code": code, "param": None}
        envelope = {"type": "error", "error": error} if protocol == MESSAGES else {"error": error}
        return Script(status=status, body=pieces(json.dumps(envelope).encode(), chance))

    return make


def _odd_hint(protocol: str, stream: bool, chance: Random) -> Script:
    hint = chance.choice(["-1", "1e308", "NaN", "inf", "Wed, 21 Oct 2015 07:28:00 GMT", "315360000", "soon", ""])
    return _answers(429, retry_after=hint)(protocol, stream, chance)


def _hidden(protocol: str, stream: bool, chance: Random) -> Script:
    """An error in a 200: as a body, or as the first event of a stream."""
    return Script(body=pieces(broken(protocol) if stream else _body(refusal(protocol, 500)), chance))


def _cut(protocol: str, stream: bool, chance: Random) -> Script:
    """The connection breaks somewhere before the end."""
    data = told(protocol, stream)
    return Script(body=pieces(data[: chance.randrange(1, _meaning(protocol, stream, data))], chance), end="cut")


def _early_end(protocol: str, stream: bool, chance: Random) -> Script:
    """A clean end that comes too early."""
    data = told(protocol, stream)
    return Script(body=pieces(data[: chance.randrange(1, _meaning(protocol, stream, data))], chance))


def _stall(protocol: str, stream: bool, chance: Random) -> Script:
    data = told(protocol, stream)
    return Script(body=pieces(data[: chance.randrange(1, _meaning(protocol, stream, data))], chance), end="hang")


def _meaning(protocol: str, stream: bool, data: bytes) -> int:
    """Up to where `data` is not yet a whole answer: what follows is a terminator that may be missing (F49)."""
    if not stream:
        return len(data) - 1
    last = {
        CHAT: b'"finish_reason": "stop"',
        RESPONSES: b"event: response.completed",
        MESSAGES: b"event: message_delta",
    }
    return data.rindex(last[protocol])


def _without_done(protocol: str, stream: bool, chance: Random) -> Script:
    """[DONE] is missing: the answer is whole all the same."""
    data = told(protocol, stream).removesuffix(b"data: [DONE]\n\n")
    return Script(body=pieces(data, chance), good=True, end=chance.choice(["end", "end", "hang"]) if stream else "end")


def _twice_done(protocol: str, stream: bool, chance: Random) -> Script:
    more = b"data: [DONE]\n\n" + piece(protocol, "ghost") if stream else b""
    return Script(body=pieces(told(protocol, stream) + more, chance), good=True)


def _lingers(protocol: str, stream: bool, chance: Random) -> Script:
    """The connection stays open after the terminal event."""
    return Script(body=pieces(told(protocol, stream), chance), good=True, end="hang" if stream else "end")


def _in_band(protocol: str, stream: bool, chance: Random) -> Script:
    """Content, then the dialect's own error event."""
    if not stream:
        return _hidden(protocol, stream, chance)
    return Script(body=pieces(opening(protocol) + said(protocol) + broken(protocol), chance))


def _slow(protocol: str, stream: bool, chance: Random) -> Script:
    """The first content takes longer than anybody waits."""
    return Script(after=0.1, body=[(400.0, told(protocol, stream))], good=False)


def _heartbeats(protocol: str, stream: bool, chance: Random) -> Script:
    """Pings for ever and nothing else."""
    if not stream:
        return Script(after=NEVER)
    ping = b": ping\n\n" if protocol != MESSAGES else b'event: ping\ndata: {"type": "ping"}\n\n'
    return Script(body=[(0.1, opening(protocol)), *((10.0, ping) for _ in range(200))], end="hang")


def _lines(protocol: str, stream: bool, chance: Random) -> Script:
    """CRLF, comments and a byte order mark."""
    data = told(protocol, stream)
    if stream:
        data = b"\xef\xbb\xbf: hello\n\n" + data
        data = data.replace(b"\n", b"\r\n")
    return Script(body=pieces(data, chance), good=True)


def _whole_for_stream(protocol: str, stream: bool, chance: Random) -> Script:
    """A JSON body where a stream was asked for, or a stream where none was."""
    return Script(body=pieces(told(protocol, not stream), chance), good=True)


FAULTS: dict[str, Fault] = {
    "F00 fine": fine,
    "F01 refused": _fails(Kind.UPSTREAM_CONNECT),
    "F02 black hole": _fails(Kind.UPSTREAM_CONNECT, after=3.0),
    "F05 tls": _fails(Kind.UPSTREAM_TLS),
    "F06 egress proxy": _fails(Kind.EGRESS_PROXY),
    "F08 reset": _fails(Kind.UPSTREAM_CONNECT, after=0.2),
    "F11 silence": lambda protocol, stream, chance: Script(after=NEVER),
    "F12 dripped head": _fails(Kind.TIMEOUT, after=30.0),
    "F13 head too large": _fails(Kind.UPSTREAM_PROTOCOL),
    "F14 no http": _fails(Kind.UPSTREAM_PROTOCOL),
    "F15 redirect": _answers(302, b"", location="http://elsewhere.example/"),
    "F16 key refused": _answers(401),
    "F16 key forbidden": _answers(403),
    "F17 no money": _answers(402),
    "F17 no quota": _code(429, "insufficient_quota"),
    "F18 gone": _answers(404),
    "F18 gone for good": _answers(410),
    "F19 request time-out": _answers(408),
    "F19 conflict": _answers(409),
    "F20 context": _code(400, "context_length_exceeded"),
    "F21 bad parameter": _answers(400),
    "F22 filter": _code(400, "content_filter"),
    "F23 limit with a hint": _answers(429, retry_after="1"),
    "F23 limit with a long hint": _answers(429, retry_after="600"),
    "F24 limit": _answers(429),
    "F26 odd hint": _odd_hint,
    "F28 broken": _answers(500),
    "F29 busy with a hint": _answers(503, retry_after="1"),
    "F30 overloaded": _answers(529),
    "F31 html": _answers(502, b"<html><h1>Bad gateway</h1></html>"),
    "F32 html in a 200": lambda protocol, stream, chance: Script(body=pieces(b"<html>Log in</html>", chance)),
    "F33 error in a 200": _hidden,
    "F34 first event": _hidden,
    "F35 empty": lambda protocol, stream, chance: Script(),
    "F36 no json": lambda protocol, stream, chance: Script(body=pieces(b'{"id": "x", "choices": [', chance)),
    "F37 cut": _cut,
    "F43 cut stream": _cut,
    "F44 early end": _early_end,
    "F45 stall": _stall,
    "F46 slow first": _slow,
    "F47 heartbeats": _heartbeats,
    "F49 no done": _without_done,
    "F50 twice done": _twice_done,
    "F52 cut characters": fine,
    "F53 lines": _lines,
    "F55 in-band error": _in_band,
    "F58 lingers": _lingers,
    "F60 other kind of body": _whole_for_stream,
}
