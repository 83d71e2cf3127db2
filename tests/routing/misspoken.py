"""Answers whose head is a 200 and whose body is not what it should be, or is, and looks odd.

Rules of this file: `good` is a promise: whatever is not marked so may never reach a client as a success.
"""

from __future__ import annotations

import json
from random import Random

from scripted import NEVER, TEXT, Fault, Script, body_of, fine, pieces, said, told

from hexapla.errors import Kind
from server.wire import CHAT, MESSAGES, RESPONSES, broken, ending, opening, piece, refusal

SPEAKS_SSE = 'It says:\n\ndata: {"error": "none"}\n\nevent: message_stop\rdata: x\r\n: done'
MARKS = {
    CHAT: b'"finish_reason": "stop"',
    RESPONSES: b"event: response.completed",
    MESSAGES: b"event: message_delta",
}
"""Where the end of a stream begins: up to there it is no whole answer."""


def unfinished(protocol: str, stream: bool, data: bytes) -> int:
    """Up to where `data` is not yet a whole answer: what follows is a terminator that may be missing (F49)."""
    return data.rindex(MARKS[protocol]) if stream else len(data) - 1


def _part(protocol: str, stream: bool, chance: Random) -> list[tuple[float, bytes]]:
    data = told(protocol, stream)
    return pieces(data[: chance.randrange(1, unfinished(protocol, stream, data))], chance)


def _breaks(kind: Kind = Kind.UPSTREAM_TRUNCATED) -> Fault:
    """The connection breaks somewhere before the end, or the transport must not believe what it hears."""
    return lambda protocol, stream, chance: Script(body=_part(protocol, stream, chance), end="cut", breaks=kind)


def _early_end(protocol: str, stream: bool, chance: Random) -> Script:
    """A clean end that comes too early."""
    return Script(body=_part(protocol, stream, chance))


def _stall(protocol: str, stream: bool, chance: Random) -> Script:
    return Script(body=_part(protocol, stream, chance), end="hang")


def says(*bodies: bytes) -> Fault:
    """A body that is no answer, whatever was asked for."""
    return lambda protocol, stream, chance: Script(body=pieces(chance.choice(bodies), chance))


def hidden(protocol: str, stream: bool, chance: Random) -> Script:
    """An error in a 200: as a body, or as the first event of a stream."""
    return Script(body=pieces(broken(protocol) if stream else body_of(refusal(protocol, 500)), chance))


def _empty(protocol: str, stream: bool, chance: Random) -> Script:
    """Nothing, or an envelope around nothing."""
    nothing = {CHAT: b'{"id": "x", "choices": []}', RESPONSES: b"{}", MESSAGES: b"{}"}
    return Script(body=pieces(chance.choice([b" \n", nothing[protocol]]), chance))


def _byte_order_mark(protocol: str, stream: bool, chance: Random) -> Script:
    return Script(body=pieces(b"\xef\xbb\xbf" + told(protocol, stream), chance), good=True)


def _trickle(protocol: str, stream: bool, chance: Random) -> Script:
    """A byte every five seconds."""
    data = told(protocol, stream)
    return Script(body=[(5.0, data[at : at + 1]) for at in range(len(data))])


def _slow(protocol: str, stream: bool, chance: Random) -> Script:
    """The first content takes longer than anybody waits."""
    return Script(after=0.1, body=[(400.0, told(protocol, stream))])


def _heartbeats(protocol: str, stream: bool, chance: Random) -> Script:
    """Pings for ever and nothing else."""
    if not stream:
        return Script(after=NEVER)
    ping = b": ping\n\n" if protocol != MESSAGES else b'event: ping\ndata: {"type": "ping"}\n\n'
    return Script(body=[(0.1, opening(protocol)), *((10.0, ping) for _ in range(200))], end="hang")


def _malformed_event(protocol: str, stream: bool, chance: Random) -> Script:
    """An event in the middle that is no JSON: what it said is lost, so the whole is no whole answer."""
    if not stream:
        return Script(body=pieces(told(protocol, stream)[:-9] + b'"oops', chance))
    head = opening(protocol) + piece(protocol, TEXT[:9])
    spoilt = piece(protocol, TEXT[9:20])[:-9] + b"\n\n"
    return Script(body=pieces(head + spoilt + piece(protocol, TEXT[20:]) + ending(protocol, TEXT), chance))


def _without_done(protocol: str, stream: bool, chance: Random) -> Script:
    """[DONE] is missing: the answer is whole all the same."""
    data = told(protocol, stream).removesuffix(b"data: [DONE]\n\n")
    return Script(body=pieces(data, chance), good=True)


def _twice_done(protocol: str, stream: bool, chance: Random) -> Script:
    more = b"data: [DONE]\n\n" + piece(protocol, "ghost") if stream else b""
    return Script(body=pieces(told(protocol, stream) + more, chance), good=True)


def _renamed(protocol: str, stream: bool, chance: Random) -> Script:
    """Id and model change in the middle."""
    data = told(protocol, stream)
    at = data.find(piece(protocol, TEXT[len(TEXT) // 2 :])) if stream else len(data)
    odd = data[at:].replace(b'"chatcmpl-1"', b'"chatcmpl-2"').replace(b'"model": "m"', b'"model": "n"')
    return Script(body=pieces(data[:at] + odd, chance), good=True)


def _lines(protocol: str, stream: bool, chance: Random) -> Script:
    """CRLF, comments and a byte order mark."""
    data = told(protocol, stream)
    if stream:
        data = b"\xef\xbb\xbf: hello\n\n" + data
        data = data.replace(b"\n", b"\r\n")
    return Script(body=pieces(data, chance), good=True)


def _speaks_sse(protocol: str, stream: bool, chance: Random) -> Script:
    """The model's text is full of the stream's own syntax."""
    return Script(body=pieces(told(protocol, stream, SPEAKS_SSE), chance), good=True, text=SPEAKS_SSE)


def _in_band(protocol: str, stream: bool, chance: Random) -> Script:
    """Content, then the dialect's own error event."""
    if not stream:
        return hidden(protocol, stream, chance)
    return Script(body=pieces(opening(protocol) + said(protocol) + broken(protocol), chance))


def _no_reason(protocol: str, stream: bool, chance: Random) -> Script:
    """The stream ends, but no event has said why."""
    if not stream:
        return hidden(protocol, stream, chance)
    return Script(body=pieces(opening(protocol) + said(protocol), chance))


def _odd_usage(protocol: str, stream: bool, chance: Random) -> Script:
    """Counts that are none; the answer is whole."""
    data = told(protocol, stream)
    for name in (b"input_tokens", b"prompt_tokens"):
        for count in (b": 3", b":3"):
            data = data.replace(
                b'"' + name + b'"' + count, b'"' + name + b'": ' + chance.choice([b"-3", b'"3"', b"null"])
            )
    return Script(body=pieces(data, chance), good=True, counted=False)


def _lingers(protocol: str, stream: bool, chance: Random) -> Script:
    """The connection stays open after the terminal event."""
    return Script(body=pieces(told(protocol, stream), chance), good=True, end="hang" if stream else "end")


def _endless(protocol: str, stream: bool, chance: Random) -> Script:
    """More and more, for longer than a request may take."""
    if not stream:
        return _trickle(protocol, stream, chance)
    return Script(body=[(0.1, opening(protocol)), *((1.0, piece(protocol, "more ")) for _ in range(400))], end="hang")


def _whole_for_stream(protocol: str, stream: bool, chance: Random) -> Script:
    """A JSON body where a stream was asked for, or a stream where none was."""
    return Script(body=pieces(told(protocol, not stream), chance), good=True)


MISSPOKEN: dict[str, Fault] = {
    "F17 no money in a 200": says(b'{"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}'),
    "F32 html in a 200": says(b"<html>Log in</html>"),
    "F33 error in a 200": hidden,
    "F33 odd error in a 200": says(
        b'{"error": "overloaded"}',
        b'{"success": false, "code": 500, "msg": "no"}',
        json.dumps({"code": "InternalError", "message": "no", "request_id": "r"}).encode(),
    ),
    "F34 first event": hidden,
    "F35 empty": lambda protocol, stream, chance: Script(),
    "F35 nothing in it": _empty,
    "F36 no json": says(b'{"id": "x", "choices": [', b'{"id": 1, "choices": 2} {"id": 3}', b"[[[", b'"yes"'),
    "F36 byte order mark": _byte_order_mark,
    "F37 short": _breaks(),
    "F38 bad framing": _breaks(Kind.UPSTREAM_PROTOCOL),
    "F39 bad encoding": _breaks(Kind.UPSTREAM_PROTOCOL),
    "F40 bomb": _breaks(Kind.UPSTREAM_PROTOCOL),
    "F41 too large": _breaks(Kind.UPSTREAM_PROTOCOL),
    "F42 trickle": _trickle,
    "F43 cut stream": _breaks(),
    "F44 early end": _early_end,
    "F45 stall": _stall,
    "F46 slow first": _slow,
    "F47 heartbeats": _heartbeats,
    "F48 malformed event": _malformed_event,
    "F49 no done": _without_done,
    "F50 twice done": _twice_done,
    "F51 renamed": _renamed,
    "F52 cut characters": fine,
    "F53 lines": _lines,
    "F54 speaks sse": _speaks_sse,
    "F55 in-band error": _in_band,
    "F56 no reason": _no_reason,
    "F57 odd usage": _odd_usage,
    "F58 lingers": _lingers,
    "F59 endless": _endless,
    "F60 other kind of body": _whole_for_stream,
}
