"""L6 for answers: what the client's dialect cannot say of an answer is a loss, whether it comes whole or as a stream."""

from __future__ import annotations

import json
import re

import pytest
from answers import WHOLE

from hexapla.catalog.schema import Quirks
from hexapla.ir.content import Origin
from hexapla.ir.fold import unfold
from hexapla.ir.target import Target
from hexapla.protocols import PROTOCOLS
from hexapla.protocols.base import Reply
from hexapla.translate.lane import Lane
from hexapla.translate.open import Translation
from hexapla.translate.peek import peek

REPLY = Reply(id="gen-1", created=1_700_000_000, model="m", include_usage=True)
HI = [{"role": "user", "content": "hi"}]
ASKED = {
    "openai_chat": {"model": "p/m", "messages": HI},
    "anthropic_messages": {"model": "p/m", "max_tokens": 99, "messages": HI},
    "openai_responses": {"model": "p/m", "input": "hi"},
    "gemini_generate": {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
}
across = pytest.mark.parametrize(
    ("client", "upstream"), [(client, upstream) for client in PROTOCOLS for upstream in PROTOCOLS if client != upstream]
)


def lane(client: str, upstream: str, *, stream: bool) -> Lane:
    asked = json.dumps(ASKED[client] | ({"stream": True} if stream and client != "gemini_generate" else {})).encode()
    named = {"model": "p/m", "stream": stream} if client == "gemini_generate" else {}
    target = Target(origin=Origin(upstream, "p"), model="m")
    return Translation(peek(client, asked, **named), REPLY).open(target, Quirks())


def fields(lane: Lane) -> set[str]:
    """What was lost; a stream's pieces are lost without their place."""
    return {re.sub(r"^content(\[\d+\])?\.", "content.", loss.field) for loss in lane.losses}


@across
def test_a_stream_loses_what_its_whole_twin_loses(client: str, upstream: str) -> None:
    """The record of an answer says the same, however it was sent."""
    protocol = PROTOCOLS[upstream]
    body = json.dumps(WHOLE[upstream]).encode()
    whole = lane(client, upstream, stream=False)
    whole.answer(body)
    encoder = protocol.encoder(REPLY)
    sent = b"".join(map(encoder.encode, unfold(protocol.parse_response(body)))) + encoder.close()
    streamed = lane(client, upstream, stream=True)
    stream = streamed.stream()
    stream.feed(sent)
    stream.close()
    assert fields(streamed) == fields(whole)
