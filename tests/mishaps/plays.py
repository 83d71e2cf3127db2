"""What goes wrong, one play a row: which fault of the matrix it is, what the upstream does, what must come of it.

A play is a coroutine that gets one request to the upstream (server/upstream.py), or a place where no such upstream is
(places.py).  What must come of it is told by the matrix: the class of the error when nobody else can be asked, and how
often the endpoint is asked.  With a second, healthy endpoint every fault is invisible that comes before content.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from itertools import product
from random import Random

from faults import FAULTS as SCRIPTED
from misspoken import SPEAKS_SSE, says
from scripted import TEXT, Fault, Script, said, told

from server.upstream import Visit
from server.wire import LAST, OK, STREAM, broken, chunk, opening, piece
from upstream.fault_server import FAULTS as RAW
from upstream.fault_server import REDIRECTS

Acts = Callable[[Visit], Awaitable[None]]

CLOCK = 1 / 25  # of a script's seconds; its world's timers are as much longer than those of places.QUICK
LONGEST = 30.0  # seconds that any script waits here


@dataclass(frozen=True, kw_only=True)
class Play:
    """One way in which an upstream goes wrong.

    fault    its number in the matrix;  name: what is played
    acts     what the upstream does with a request;  place: where else the endpoint is (places.py)
    ends     the error's status and kind when nobody else can be asked; "" when the client gets the whole answer
    whole    the same of a whole answer, where that differs
    late     what a stream ends with where its fault comes after content, so that nobody else can be asked
    text     the whole answer; what is said of a broken one is its beginning
    tries    how often the endpoint is asked; a stream whose fault is late is asked for once
    stalls   it takes a timer to notice
    warm     a good request goes before it;  apart: over connections that no other cell uses
    crowded  the gateway has no memory left for it, whoever it would ask
    """

    fault: str
    name: str
    acts: Acts | None = None
    place: str = ""
    ends: str = ""
    text: str = TEXT
    tries: int = 1
    whole: str = ""
    late: str = ""
    stalls: bool = False
    warm: bool = False
    apart: bool = False
    crowded: bool = False

    @property
    def resumable(self) -> bool:
        """What was said before it is the beginning of the answer, so that somebody else can go on."""
        return bool(self.late) and self.text == TEXT


# --- how scripts of routing/faults.py and of upstream/fault_server.py are played over sockets ---------------------------


def scripted(fault: Fault, seed: int = 0) -> Acts:
    """A script of the simulator, for real."""

    async def acts(visit: Visit) -> None:
        script = fault(visit.protocol, visit.stream, Random(seed))
        if script.once and visit.turn:
            script = SCRIPTED["F00 fine"](visit.protocol, visit.stream, Random(seed))
        await perform(visit, script)

    return acts


async def perform(visit: Visit, script: Script) -> None:
    """Say what a script says, in chunks, and end as it ends."""
    leaving = asyncio.ensure_future(visit.until_gone())
    try:
        if await _left(leaving, script.after):
            return
        await visit.write(head(script))
        for seconds, data in script.body:
            if await _left(leaving, seconds):
                return
            await visit.write(chunk(data))
        if script.end == "end":
            await visit.write(LAST)
        elif script.end == "cut":
            reset(visit)
        else:
            await asyncio.wait([leaving], timeout=LONGEST)
    finally:
        leaving.cancel()


async def _left(leaving: asyncio.Future[None], seconds: float) -> bool:
    """Let a script's time pass; whether the gateway left in it."""
    if seconds >= 1:
        await asyncio.wait([leaving], timeout=min(LONGEST, seconds * CLOCK))
    return leaving.done()


def head(script: Script) -> bytes:
    if script.status == 200 and not script.headers:
        return STREAM
    lines = [f"HTTP/1.1 {script.status} Said", *(f"{name}: {value}" for name, value in script.headers.items())]
    return "\r\n".join([*lines, "transfer-encoding: chunked", "", ""]).encode()


def raw(name: str) -> Acts:
    """The bytes of the transport suite's own server."""

    async def acts(visit: Visit) -> None:
        if await RAW[name](visit.writer):
            visit.writer.close()
        else:
            await visit.until_gone()

    return acts


def reset(visit: Visit) -> None:
    """Break the connection off, and not just close it."""
    linger = struct.pack("ii", 1, 0)
    visit.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    visit.writer.transport.abort()


def cut(upto: Callable[[str], bytes], end: str) -> Acts:
    """A stream up to a boundary (a whole answer up to its middle), and its end: a reset, a close, a clean end, silence."""

    async def acts(visit: Visit) -> None:
        if visit.stream:
            await visit.write(STREAM)
            if data := upto(visit.protocol):
                await visit.write(chunk(data))
        else:
            body = told(visit.protocol, False)
            await visit.write(STREAM + chunk(body[: len(body) // 2]))
        await asyncio.sleep(0.01)  # a reset overtakes what was said before it
        await _ENDS[end](visit)

    return acts


async def _reset(visit: Visit) -> None:
    reset(visit)


async def _close(visit: Visit) -> None:
    visit.writer.close()


async def _clean(visit: Visit) -> None:
    await visit.write(LAST)


_ENDS: dict[str, Acts] = {"reset": _reset, "closed": _close, "ended": _clean, "silent": Visit.until_gone}


def _half(protocol: str) -> bytes:
    return opening(protocol) + piece(protocol, TEXT[:9])


BOUNDARIES: dict[str, Callable[[str], bytes]] = {
    "after the head": lambda protocol: b"",
    "before content": opening,
    "after content": _half,
    "in an event": lambda protocol: _half(protocol) + piece(protocol, "half an event")[:-9],
    "in a character": lambda protocol: _half(protocol) + piece(protocol, "鹭").partition(b"\\u")[0] + b"\\u9",
    "before the end": lambda protocol: opening(protocol) + said(protocol),
}
WITH_CONTENT = frozenset(BOUNDARIES) - {"after the head", "before content"}


async def stale(visit: Visit) -> None:
    """A good answer, and then a reset of the idle connection in the moment in which it is used again."""
    if visit.turn == 1:
        reset(visit)
        return
    await perform(visit, SCRIPTED["F00 fine"](visit.protocol, visit.stream, Random(0)))


async def refuses_early(visit: Visit) -> None:
    body = b'{"error": {"message": "the request is too large", "type": "invalid_request_error"}}'
    await visit.write(b"HTTP/1.1 413 Said\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))


async def drips(visit: Visit) -> None:
    """A head without end, byte by byte."""
    while not visit.writer.transport.is_closing():
        for byte in b"x-header: 1\r\n" if visit.written else b"HTTP/1.1 200 OK\r\n":
            await visit.write(bytes([byte]))
            await asyncio.sleep(0.02)


async def trailing(visit: Visit) -> None:
    """The whole answer, and bytes after it."""
    body = told(visit.protocol, visit.stream)
    await visit.write(OK + b"content-length: %d\r\n\r\n%bHTTP/1.1 200 OK\r\n" % (len(body), body))


async def trailers(visit: Visit) -> None:
    await visit.write(STREAM + chunk(told(visit.protocol, visit.stream)) + b"0\r\nx-error: 1\r\nstatus: 500\r\n\r\n")


async def interim(visit: Visit) -> None:
    """103 and 100 before the answer."""
    await visit.write(b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" * 3)
    await perform(visit, SCRIPTED["F00 fine"](visit.protocol, visit.stream, Random(0)))


async def byte_by_byte(visit: Visit) -> None:
    """One byte a chunk, so that every character and every line end is split."""
    body = told(visit.protocol, visit.stream)
    await visit.write(STREAM + b"".join(chunk(body[at : at + 1]) for at in range(len(body))) + LAST)


async def floods(visit: Visit) -> None:
    """Content without end, as fast as it is read."""
    await visit.write(STREAM)
    data = chunk(piece(visit.protocol, "x" * 60_000)) if visit.stream else chunk(b" " * 60_000)
    if visit.stream:
        await visit.write(chunk(opening(visit.protocol)))
    while not visit.writer.transport.is_closing():
        await visit.write(data)


async def error_then_reset(visit: Visit) -> None:
    await visit.write(STREAM + chunk(_half(visit.protocol) + broken(visit.protocol)))
    await asyncio.sleep(0.01)
    reset(visit)


def _play(fault: str, name: str, acts: Acts | None = None, **more: object) -> Play:
    return Play(fault=fault, name=name, acts=acts, **more)  # type: ignore[arg-type]


def _script(name: str, **more: object) -> Play:
    return Play(fault=name[:3], name=name[4:], acts=scripted(SCRIPTED[name]), **more)  # type: ignore[arg-type]


NO_JSON = {
    "cut JSON": b'{"id": "x", "choices": [',
    "wrong types": b'{"id": 1, "choices": 2, "output": 3, "content": 4}',
    "two answers": b'{"id": "x"} {"id": "y"}',
    "brackets": b"[[[",
    "a string": b'"yes"',
}


CONNECT: dict[str, object] = {"ends": "502 upstream_connect", "tries": 2}
TLS: dict[str, object] = {"ends": "502 upstream_tls"}
PROXY: dict[str, object] = {"ends": "502 egress_proxy"}
SLOW: dict[str, object] = {"ends": "504 timeout", "stalls": True}
PROTOCOL: dict[str, object] = {"ends": "502 upstream_protocol", "tries": 2}
TRUNCATED: dict[str, object] = {"ends": "502 upstream_truncated", "tries": 2}
FAILED: dict[str, object] = {"ends": "502 upstream_error", "tries": 2}
LIMITED: dict[str, object] = {"ends": "429 rate_limit", "tries": 3}

NO_JSON = {
    "cut JSON": b'{"id": "x", "choices": [',
    "wrong types": b'{"id": 1, "choices": 2, "output": 3, "content": 4}',
    "two answers": b'{"id": "x"} {"id": "y"}',
    "brackets": b"[[[",
}
ODD_ERRORS = {
    "`error` is a string": b'{"error": "overloaded"}',
    "`success` is false": b'{"success": false, "code": 502, "msg": "no"}',
    "code and message": b'{"code": "InternalError", "message": "no", "request_id": "r"}',
}


def _cuts() -> Iterator[Play]:
    """Every end at every boundary."""
    faults = {"reset": "F43", "closed": "F43", "ended": "F44", "silent": "F45"}
    for (end, fault), (where, upto) in product(faults.items(), BOUNDARIES.items()):
        content = where in WITH_CONTENT
        kind = "timeout" if end == "silent" else "upstream_truncated"
        more: dict[str, object] = dict(SLOW if end == "silent" else TRUNCATED)
        if end == "ended":  # the body is complete by its framing: what was said of a whole answer is no JSON
            more["whole"] = "502 upstream_protocol"
            if where == "after the head":
                more["ends"] = "502 upstream_empty"
        yield _play(fault, f"{end} {where}", cut(upto, end), late=kind if content else "", **more)


PLAYS: tuple[Play, ...] = (
    # below HTTP
    _play("F01", "nobody listens", place="refused", **CONNECT),
    _play("F02", "nobody takes the connection", place="hole", **SLOW),
    _play("F03", "no such name", place="unknown", **CONNECT),
    _play("F03", "the resolver fails", place="failing", **CONNECT),
    _play("F03", "no address", place="empty", **CONNECT),
    _play("F03", "the resolver is silent", place="silent", **SLOW),
    _play("F04", "the name leads elsewhere", place="elsewhere", **TLS),
    _play("F05", "expired certificate", place="expired", **TLS),
    _play("F05", "wrong host", place="wrong-host", **TLS),
    _play("F05", "unknown authority", place="unknown-authority", **TLS),
    _play("F05", "TLS 1.1", place="old", **TLS),
    _play("F05", "handshake stalls", place="tls-stall", **SLOW),
    _play("F05", "handshake broken off", place="tls-closed", **TLS),
    _play("F05", "no TLS", place="tls-none", **TLS),
    _play("F05", "no protocol in common", place="tls-alpn", **TLS),
    _play("F06", "proxy demands a password", place="proxy-407", **PROXY),
    _play("F06", "proxy cannot reach it", place="proxy-502", **PROXY),
    _play("F06", "proxy stalls", place="proxy-stall", **SLOW),
    _play("F06", "no proxy there", place="proxy-none", **PROXY),
    _play("F07", "reset of an idle connection", stale, warm=True, apart=True),
    _play("F08", "reset before the head", raw("reset-before"), apart=True, **CONNECT),
    _play("F08", "closed before the head", raw("no-answer"), apart=True, **CONNECT),
    _play("F09", "413 during the upload", refuses_early, ends="413 too_large"),
    _play("F10", "interim answers", interim),
    _play("F10", "flood of interim answers", raw("interim-flood"), **PROTOCOL),
    _play("F11", "silence", raw("silence"), **SLOW),
    _play("F12", "dripped head", drips, **SLOW),
    _play("F13", "1 MB header", raw("huge-head"), **PROTOCOL),
    _play("F13", "400 headers", raw("many-headers"), **PROTOCOL),
    _play("F13", "bad bytes in a header", raw("bad-header"), **PROTOCOL),
    _play("F13", "half a head", raw("half-head"), **PROTOCOL),
    _play("F14", "SSH banner", raw("banner"), **PROTOCOL),
    _play("F14", "TLS alert", raw("tls-alert"), **PROTOCOL),
    _play("F14", "HTTP/0.9", raw("http-0.9"), **PROTOCOL),
    *(
        _play("F15", f"redirect {status}", raw(f"redirect-{status}"), ends="502 upstream_misconfigured")
        for status in REDIRECTS
    ),
    # refusals
    _script("F16 key refused", ends="401 upstream_auth"),
    _script("F16 key forbidden", ends="403 permission"),
    _script("F17 no money", ends="402 upstream_billing"),
    _script("F17 no quota", ends="429 upstream_billing"),
    _script("F17 in arrears", ends="400 upstream_billing"),
    _script("F17 no money in a 200", ends="502 upstream_billing"),
    _script("F18 gone", ends="404 not_found"),
    _script("F18 gone for good", ends="410 not_found"),
    _script("F19 request time-out", ends="408 timeout"),
    _script("F19 conflict", ends="409 upstream_error", tries=2),
    _script("F19 too early", ends="425 upstream_error", tries=2),
    _script("F20 context", ends="400 context_length"),
    _script("F21 bad parameter", ends="400 invalid_request"),
    _script("F22 filter", ends="400 content_filter"),
    _script("F23 limit with a hint", **LIMITED),
    _script("F23 limit with a long hint", ends="429 rate_limit"),
    _script("F24 limit", **LIMITED),
    _script("F25 quota of the day", ends="429 upstream_billing"),
    _script("F26 odd hint", **LIMITED),
    _script("F27 broken once", tries=2),
    _script("F28 broken", ends="500 upstream_error", tries=2),
    _script("F29 busy with a hint", ends="503 overloaded", tries=3),
    _script("F30 overloaded", ends="503 overloaded", tries=3),
    _script("F31 html", **FAILED),
    # bodies that are not what they should be
    _script("F32 html in a 200", **PROTOCOL),
    _script("F33 error in a 200", **FAILED),
    *(_play("F33", name, scripted(says(body)), **FAILED) for name, body in ODD_ERRORS.items()),
    _script("F34 first event", **FAILED),
    _script("F35 empty", ends="502 upstream_empty", tries=2),
    _script("F35 nothing in it", **PROTOCOL),
    *(_play("F36", name, scripted(says(body)), **PROTOCOL) for name, body in NO_JSON.items()),
    _script("F36 byte order mark"),
    _play("F37", "shorter than it said", raw("short"), **TRUNCATED),
    _play("F38", "two lengths", raw("two-lengths"), **PROTOCOL),
    _play("F38", "length and chunks", raw("length-and-chunks"), **PROTOCOL),
    _play("F38", "bad chunk size", raw("bad-chunk"), **PROTOCOL),
    _play("F38", "no last chunk", raw("no-last-chunk"), **TRUNCATED),
    _play("F38", "bytes after the answer", trailing),
    _play("F39", "no gzip", raw("not-gzip"), **PROTOCOL),
    _play("F39", "cut gzip", raw("cut-gzip"), **TRUNCATED),
    _play("F39", "brotli", raw("brotli"), **PROTOCOL),
    _play("F39", "zstd", raw("zstd"), **PROTOCOL),
    _play("F40", "bomb", raw("bomb"), **PROTOCOL),
    _play("F41", "endless answer", floods, late="upstream_protocol", text="x" * 3_000_000, **PROTOCOL),
    _script("F42 trickle", **SLOW),
    # streams
    *_cuts(),
    _script("F46 slow first", **SLOW),
    _script("F47 heartbeats", **SLOW),
    _script("F48 malformed event", late="upstream_protocol", **PROTOCOL),
    _script("F49 no done"),
    _script("F50 twice done"),
    _script("F51 renamed"),
    _play("F52", "byte by byte", byte_by_byte),
    _script("F53 lines"),
    _script("F54 speaks sse", text=SPEAKS_SSE),
    _script("F55 in-band error", late="upstream_error", **FAILED),
    _play("F55", "error and reset", error_then_reset, late="upstream_error", **TRUNCATED),
    _script("F56 no reason", late="upstream_truncated", **FAILED),
    _script("F57 odd usage"),
    _script("F58 lingers"),
    _script("F59 endless", late="timeout", text="more " * 400, **SLOW),
    _script("F60 other kind of body"),
    _play("F61", "trailers", trailers),
    # the gateway itself
    _play("F72", "no memory left", crowded=True, ends="503 overloaded", tries=0),
)
