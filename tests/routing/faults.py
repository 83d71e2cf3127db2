"""The faults that an upstream can make at the height of an exchange, as scripts of what happens and when.

Each entry names the fault of the fault matrix that it plays (F01 ... F60).  Not here: what one connection alone decides
(F07, F10, F61: tests/upstream), clients (F62 to F65; the simulator's clients leave as well), logins, files and processes
(F66 to F76).  F77 and F78 are whole worlds (test_simulation.py).  tests/mishaps plays the same scripts over real sockets.

Rules of this file: one row a fault.
"""

from __future__ import annotations

import json
from random import Random

from misspoken import MISSPOKEN
from scripted import NEVER, Fault, Script, body_of, fine, pieces

from hexapla.errors import Kind, UpstreamError
from server.wire import MESSAGES, refusal


def _fails(kind: Kind, after: float = 0.01) -> Fault:
    return lambda protocol, stream, chance: Script(failure=UpstreamError(kind, "it broke"), after=after)


def _answers(status: int, body: bytes | None = None, *, once: bool = False, **headers: str) -> Fault:
    def make(protocol: str, stream: bool, chance: Random) -> Script:
        said = body_of(refusal(protocol, status)) if body is None else body
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Script(status=status, headers=named, body=pieces(said, chance), once=once)

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


FAULTS: dict[str, Fault] = {
    "F00 fine": fine,
    "F01 refused": _fails(Kind.UPSTREAM_CONNECT),
    "F02 black hole": _fails(Kind.TIMEOUT, after=3.0),
    "F03 no such name": _fails(Kind.UPSTREAM_CONNECT),
    "F04 name leads elsewhere": _fails(Kind.UPSTREAM_TLS),
    "F05 tls": _fails(Kind.UPSTREAM_TLS),
    "F06 egress proxy": _fails(Kind.EGRESS_PROXY),
    "F08 reset": _fails(Kind.UPSTREAM_CONNECT, after=0.2),
    "F09 early refusal": _answers(413),
    "F11 silence": lambda protocol, stream, chance: Script(after=NEVER),
    "F12 dripped head": _fails(Kind.TIMEOUT, after=30.0),
    "F13 head too large": _fails(Kind.UPSTREAM_PROTOCOL),
    "F14 no http": _fails(Kind.UPSTREAM_PROTOCOL),
    "F15 redirect": _answers(302, b"", location="http://elsewhere.example/"),
    "F16 key refused": _answers(401),
    "F16 key forbidden": _answers(403),
    "F17 no money": _answers(402),
    "F17 no quota": _code(429, "insufficient_quota"),
    "F17 in arrears": _code(400, "Arrearage", "Access denied, please make sure your account is in good standing."),
    "F18 gone": _answers(404),
    "F18 gone for good": _answers(410),
    "F19 request time-out": _answers(408),
    "F19 conflict": _answers(409),
    "F19 too early": _answers(425),
    "F20 context": _code(400, "context_length_exceeded"),
    "F21 bad parameter": _answers(400),
    "F22 filter": _code(400, "content_filter"),
    "F23 limit with a hint": _answers(429, retry_after="1"),
    "F23 limit with a long hint": _answers(429, retry_after="600"),
    "F24 limit": _answers(429),
    "F25 quota of the day": _code(429, "1113", "Insufficient balance or no resource package. Please recharge."),
    "F26 odd hint": _odd_hint,
    "F27 broken once": _answers(500, once=True),
    "F28 broken": _answers(500),
    "F29 busy with a hint": _answers(503, retry_after="1"),
    "F30 overloaded": _answers(529),
    "F31 html": _answers(502, b"<html><h1>Bad gateway</h1></html>"),
    **MISSPOKEN,
}
