"""L6 for answers: what the client's dialect cannot say of an answer is a loss, whether it comes whole or as a stream."""

from __future__ import annotations

import base64
import json
import re
import zlib
from typing import Any

import pytest
from answer_bodies import EVENTS, WHOLE
from test_unknown import FIELD, known, objects, with_field

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


EXEMPT: dict[str, str] = {
    # objects of an answer in which an unknown field is not named, as a pattern of their place, and why
    r"usage": "counts: what two dialects count alike is carried, each one's further counts are its own",
    r"citation|annotation|logprobs|grounding|safetyRatings": "sources and probabilities are said in the client's own form",
    r"images": "a picture is its bytes",
    r"summary\.\d": "a paragraph of a summary is its text",
    r"^(4|10|12|15)\.item|\.part$|^16\.response\.output": "events of Responses repeat an item: its beginning counts",
    r"^11\.content_block\.input": "arguments begin empty in a stream, and deltas say them",
}
LOST_WHOLE = re.compile(r"^content\[\d\]$|^extras\.anthropic_messages\.container$")
"""Losses of what stands around the field."""

AROUND = re.compile(r"content\.3|container|output\.2|executableCode|^9\.content_block|^11\.item")


def heard(lane: Lane, upstream: str, said: Any) -> str:
    """All that the client gets, envelopes opened."""
    if isinstance(said, dict):
        out = lane.answer(json.dumps(said).encode()).decode()
    else:
        names = [f"event: {event['type']}\n" if "type" in event else "" for event in said]
        ends = "data: [DONE]\n\n" if upstream == "openai_chat" else ""
        sent = "".join(f"{name}data: {json.dumps(event)}\n\n" for name, event in zip(names, said)) + ends
        stream = lane.stream()
        out = (stream.feed(sent.encode()) + stream.close()).decode()
    signed = re.findall(r'"thoughtSignature":"([A-Za-z0-9+/=]+)"', out)
    seals = re.findall(
        r"hxp1\.([\w=-]+)", "".join([out, *(base64.b64decode(each).decode("latin1") for each in signed)])
    )
    return out + "".join(zlib.decompress(base64.urlsafe_b64decode(seal)).decode() for seal in seals)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@across
def test_what_nobody_knows_of_an_answer_arrives_or_is_named(client: str, upstream: str, stream: bool) -> None:
    """A field that nobody knows, in any object of an answer or of an event, one after the other."""
    said: Any = EVENTS[upstream] if stream else WHOLE[upstream]
    silent = []
    for place in objects(said):
        path = ".".join(map(str, place))
        if any(re.search(pattern, path) for pattern in EXEMPT):
            continue
        opened = lane(client, upstream, stream=stream)
        out = heard(opened, upstream, json.loads(with_field(said, place)))
        losses = [loss.field for loss in opened.losses]
        around = AROUND.search(path) and any(map(LOST_WHOLE.match, losses))
        if not (known(out) or any(map(known, losses)) or around):
            silent.append(path)
    assert not silent


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@across
def test_an_answer_of_known_fields_makes_no_noise(client: str, upstream: str, stream: bool) -> None:
    """Nothing is said of what vendors add as a rule, and no client misses."""
    opened = lane(client, upstream, stream=stream)
    heard(opened, upstream, EVENTS[upstream] if stream else WHOLE[upstream])
    assert not [loss for loss in opened.losses if "nobody here knows" in loss.why]
    assert FIELD not in str(opened.losses)
