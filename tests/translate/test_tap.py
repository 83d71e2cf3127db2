"""What the tap sees of events that look like nothing but content."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from hexapla.protocols import PROTOCOLS
from hexapla.protocols.base import Reply
from hexapla.translate.calls import Calls
from hexapla.translate.peek import peek
from hexapla.translate.summary import Summary
from hexapla.translate.verbatim import VerbatimStream
from hexapla.wire.sse import MAX_EVENT, frame

REPLY = Reply(id="gen-1", created=1_700_000_000, model="m")
CHAT = PROTOCOLS["openai_chat"]
PEEKED = peek("openai_chat", b'{"model":"m","messages":[{"role":"user","content":"hi"}]}')
USAGE = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
ERROR = {"message": "Overloaded", "code": 529}
CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}

Chunk = dict[str, Any]


def chunk(text: str = "word ", **choice: Any) -> Chunk:
    inner = {"index": 0, "delta": {"content": text}, "finish_reason": None} | choice
    return {"id": "c1", "object": "chat.completion.chunk", "model": "m", "choices": [inner], "usage": None}


MATTERS: dict[str, Chunk] = {
    "usage": {**chunk(), "usage": USAGE},
    "usage alone": {**chunk(), "choices": [], "usage": USAGE},
    "usage of a choice": chunk(usage=USAGE),
    "Groq's": {**chunk(), "x_groq": {"usage": USAGE}},
    "a reason": chunk(finish_reason="length"),
    "a reason with usage": {**chunk(finish_reason="stop"), "usage": USAGE},
    "an error": {**chunk(), "error": ERROR},
    "an error alone": {"error": ERROR},
    "an error of a choice": chunk(error=ERROR),
    "a call": chunk(delta={"tool_calls": [CALL]}),
    "the second of two": {**chunk(), "choices": [*chunk()["choices"], {"index": 1, "finish_reason": "stop"}]},
}


def spaced(said: Chunk) -> bytes:
    """As Python's json writes it."""
    return frame(msgspec.json.format(msgspec.json.encode(said), indent=0).replace(b"\n", b""))


@pytest.mark.parametrize("write", [lambda said: frame(msgspec.json.encode(said)), spaced], ids=["dense", "spaced"])
@pytest.mark.parametrize("calls", [False, True])
@pytest.mark.parametrize("matter", MATTERS)
def test_what_matters_among_content(matter: str, calls: bool, write: Callable[[Chunk], bytes]) -> None:
    """Each event alone, after and before plain ones: the summary is what decoding everything makes of it."""
    pieces = [write(said) for said in (chunk("a"), chunk("b"), MATTERS[matter], chunk("c"))]
    decoder, truth = CHAT.decoder(), Summary(calls=Calls(PEEKED, "openai_chat") if calls else None)
    for event in [event for piece in pieces for event in decoder.feed(piece)] + decoder.close():
        truth.note(event)
    stream = VerbatimStream(
        CHAT, REPLY, Summary(calls=Calls(PEEKED, "openai_chat") if calls else None), hide_usage=False
    )
    heard = b"".join([stream.feed(piece) for piece in pieces])
    assert heard.startswith(pieces[0] + pieces[1])
    stream.close()
    found = stream.summary
    assert (found.usage, found.stop, found.native) == (truth.usage, truth.stop, truth.native)
    assert (found.error is None) == (truth.error is None)
    assert found.error is None or truth.error is None or found.error.kind == truth.error.kind
    assert found.calls is None or truth.calls is None or found.calls._made == truth.calls._made


def test_an_event_without_end_is_given_up() -> None:
    """However it is cut into lines: the client hears of it, and nothing of it is held any more."""
    for line in (b"x" * 60_000, b"data: " + b"x" * 60_000 + b"\n"):
        stream = VerbatimStream(CHAT, REPLY, Summary(), hide_usage=False)
        heard = stream.feed(frame(msgspec.json.encode(chunk("a"))))
        fed = 0
        while not stream.failed and fed < 2 * MAX_EVENT:
            heard += stream.feed(line)
            fed += len(line)
        assert MAX_EVENT < fed <= MAX_EVENT + 2 * len(line)
        assert heard.count(b"\n\n") == 2 and b"longer than" in heard and b"[DONE]" not in heard
        assert stream.feed(b"\n\n") == b""


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r"])
@pytest.mark.parametrize("size", range(1, 9))
def test_an_end_that_is_cut_is_found(end: bytes, size: int) -> None:
    """Whatever its form and the pieces it comes in."""
    whole = b"".join(msgspec.json.encode(chunk(text)).join((b"data: ", end)) for text in ("a", "b"))
    stream = VerbatimStream(CHAT, REPLY, Summary(), hide_usage=False)
    assert b"".join(stream.feed(whole[at : at + size]) for at in range(0, len(whole), size)) == whole
