"""The laws of streams and answers (L1, L2, L3, L5, L7, L8), for every protocol."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from strategies import cuttings, responses

from hexapla.errors import GatewayError, ProtocolError
from hexapla.ir.event import AnyEvent, MessageStart, MessageStop, Ping, StreamError, UsageReport
from hexapla.ir.fold import fold, unfold
from hexapla.ir.grammar import check
from hexapla.ir.loss import LossLog
from hexapla.ir.response import GenerateResponse
from hexapla.protocols import PROTOCOLS
from hexapla.protocols.base import Protocol, Reply
from hexapla.translate.summary import Summary
from hexapla.translate.verbatim import VerbatimStream

REPLY = Reply(id="gen-1", created=1_700_000_000, model="m", include_usage=True)
every_protocol = pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)


def stream_of(protocol: Protocol, response: GenerateResponse) -> bytes:
    encoder = protocol.encoder(REPLY)
    return b"".join([encoder.encode(event) for event in unfold(response)]) + encoder.close()


def decode(protocol: Protocol, pieces: list[bytes]) -> list[AnyEvent]:
    decoder = protocol.decoder()
    return [event for piece in pieces for event in decoder.feed(piece)] + decoder.close()


def said(events: list[AnyEvent]) -> list[AnyEvent]:
    return [event for event in events if not isinstance(event, Ping)]


def essence(response: GenerateResponse) -> dict[str, Any]:
    """What every dialect can carry of an answer: parts without wire ids, reason, counts."""
    parts = [replace(part, extras={}) if hasattr(part, "extras") else part for part in response.content]
    usage = replace(response.usage, extras={}) if response.usage else None
    counts = (usage.input, usage.output, usage.cached or 0, usage.reasoning or 0) if usage else None
    return {"content": parts, "reason": response.stop.reason if response.stop else None, "usage": counts}


@every_protocol
@given(data=st.data())
def test_l1_cuts_change_nothing(protocol: Protocol, data: st.DataObject) -> None:
    """L1: any cut of a byte stream yields the same events."""
    stream = stream_of(protocol, data.draw(responses(protocol.name)))
    pieces = data.draw(cuttings(stream))
    assert said(decode(protocol, pieces)) == said(decode(protocol, [stream]))


@every_protocol
@given(data=st.data())
def test_l2_decoders_speak_the_grammar(protocol: Protocol, data: st.DataObject) -> None:
    """L2: every decoder's output is accepted by the grammar."""
    stream = stream_of(protocol, data.draw(responses(protocol.name)))
    check(decode(protocol, data.draw(cuttings(stream))))


@every_protocol
@given(data=st.data())
def test_l3_a_stream_and_its_twin_are_one_value(protocol: Protocol, data: st.DataObject) -> None:
    """L3: folding a stream gives what parsing the whole answer gives."""
    response = data.draw(responses(protocol.name))
    whole = protocol.parse_response(protocol.render_response(response, REPLY, LossLog()))
    folded = fold(decode(protocol, [stream_of(protocol, response)]))
    assert essence(folded) == essence(whole)
    assert (folded.id, folded.model) == (whole.id, whole.model)


@every_protocol
@given(data=st.data())
def test_l5_answers_come_back_as_they_were(protocol: Protocol, data: st.DataObject) -> None:
    """L5: an answer within a protocol's capability survives rendering and parsing, whole and streamed."""
    response = data.draw(responses(protocol.name))
    losses = LossLog()
    whole = protocol.parse_response(protocol.render_response(response, REPLY, losses))
    assert essence(whole) == essence(response) and not losses.losses


@every_protocol
@given(data=st.data())
def test_a_glance_sees_the_answer_without_its_content(protocol: Protocol, data: st.DataObject) -> None:
    """What the ledger is told of an answer that is only forwarded is what parsing it would have told."""
    whole = bytearray(protocol.render_response(data.draw(responses(protocol.name)), REPLY, LossLog()))
    if data.draw(st.booleans()):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))

    def outcome(parse: Callable[[bytes], GenerateResponse]) -> object:
        try:
            found = parse(bytes(whole))
            return found.id, found.model, found.stop, found.usage
        except (ProtocolError, GatewayError) as error:
            return type(error), str(error)

    assert outcome(protocol.glance) == outcome(protocol.parse_response)


@every_protocol
@given(data=st.data())
def test_a_tap_misses_nothing(protocol: Protocol, data: st.DataObject) -> None:
    """What is read of a stream that is only forwarded is what decoding all of it tells, however it is cut."""
    stream = stream_of(protocol, data.draw(responses(protocol.name)))
    events = [event + b"\n\n" for event in stream.split(b"\n\n")[:-1]]
    pieces = events if data.draw(st.booleans()) else data.draw(cuttings(stream))
    truth = Summary()
    for event in decode(protocol, [stream]):
        truth.note(event)
    tapped = VerbatimStream(protocol, REPLY, Summary(), hide_usage=False)
    out = b"".join([tapped.feed(piece) for piece in pieces]) + tapped.close()
    assert out == stream
    found = tapped.summary
    assert (found.id, found.model, found.usage) == (truth.id, truth.model, truth.usage)
    assert (found.stop, found.native, found.tier, found.error) == (truth.stop, truth.native, truth.tier, None)


@every_protocol
@given(
    junk=st.binary(max_size=300) | st.text(max_size=200).map(lambda text: b"data: " + text.encode("utf-8", "replace"))
)
def test_l7_junk_raises_nothing_unexpected(protocol: Protocol, junk: bytes) -> None:
    """L7: arbitrary bytes raise nothing but ProtocolError (and GatewayError where an answer says that it failed)."""
    for parse in (protocol.parse_request, protocol.parse_response):
        try:
            parse(junk)
        except (ProtocolError, GatewayError):
            continue
    protocol.parse_error(500, {}, junk)
    events = decode(protocol, [junk, b"\n\n"])
    check(events)
    assert isinstance(events[-1], StreamError | MessageStop)


@every_protocol
@given(data=st.data())
def test_l7_mutated_answers_raise_nothing_unexpected(protocol: Protocol, data: st.DataObject) -> None:
    """L7: real answers with bytes changed are answers, errors or ProtocolErrors, never anything else."""
    response = data.draw(responses(protocol.name))
    whole = bytearray(protocol.render_response(response, REPLY, LossLog()))
    stream = bytearray(stream_of(protocol, response))
    for victim in (whole, stream):
        for _ in range(data.draw(st.integers(1, 4))):
            victim[data.draw(st.integers(0, len(victim) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ProtocolError, GatewayError):
        protocol.parse_response(bytes(whole))
    check(decode(protocol, [bytes(stream)]))


TERMINAL = {
    "openai_chat": b'"finish_reason":"',
    "anthropic_messages": b'"stop_reason":"',
    "openai_responses": b"event: response.completed\ndata: ",
    "gemini_generate": b'"finishReason":"',
}


@every_protocol
@given(data=st.data())
def test_l8_a_cut_is_never_a_success(protocol: Protocol, data: st.DataObject) -> None:
    """L8: cut after every byte: one terminal event, the counts that were reported, success only after the end was seen."""
    response = replace(data.draw(responses(protocol.name)), stop=None)
    stream = stream_of(protocol, response)
    step = max(1, len(stream) // 40)
    for end in range(0, len(stream), step):
        events = decode(protocol, [stream[:end]])
        check(events)
        succeeded = isinstance(events[-1], MessageStop)
        seen = any(mark in stream[:end] for mark in (TERMINAL[protocol.name], b"[DONE]", b'"response.incomplete"'))
        assert not succeeded or seen
        assert sum(isinstance(event, MessageStop | StreamError) for event in events) == 1


@every_protocol
@given(data=st.data())
def test_l8_the_whole_stream_is_a_success_with_its_counts(protocol: Protocol, data: st.DataObject) -> None:
    """L8: nothing cut, nothing lost: the stop and the usage arrive."""
    response = data.draw(responses(protocol.name))
    events = decode(protocol, [stream_of(protocol, response)])
    assert isinstance(events[0], MessageStart) and isinstance(events[-1], MessageStop)
    assert any(isinstance(event, UsageReport) for event in events)
