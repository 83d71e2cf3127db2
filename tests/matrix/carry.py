"""Carries one case from a client dialect to an upstream dialect and back."""

from __future__ import annotations

from typing import Any, NamedTuple

from cases import Case
from msgspec.structs import replace

from hexapla.catalog.schema import Quirks
from hexapla.errors import ClientError, ProtocolError
from hexapla.ir.content import Origin, Reasoning, Refusal, Text, ToolCall
from hexapla.ir.event import Ping
from hexapla.ir.fold import fold, unfold
from hexapla.ir.grammar import check
from hexapla.ir.loss import LossLog
from hexapla.ir.request import Message, Tool
from hexapla.ir.response import GenerateResponse
from hexapla.ir.target import Target
from hexapla.protocols import PROTOCOLS
from hexapla.protocols.base import Reply
from hexapla.translate.adapt.adapt import adapt
from hexapla.translate.lane import Lane
from hexapla.translate.open import Translation
from hexapla.translate.peek import Peek, peek

REPLY = Reply(id="gen-1", created=1_700_000_000, model="m", include_usage=True)
CLIENTS = tuple(PROTOCOLS)


class Carried(NamedTuple):
    """What became of a case: its lane, what was lost on the way there, and the answer's facts at both ends."""

    lane: str
    losses: tuple[str, ...]
    refused: str
    sent: dict[str, Any]
    heard: dict[str, Any]


def client_body(case: Case, client: str, *, stream: bool) -> bytes | None:
    """The case as a client of this dialect would say it; None where the dialect has no words for it."""
    losses = LossLog()
    kinds = {tool.kind for tool in case.asks.tools if isinstance(tool, Tool)}
    spaces = {tool.namespace for tool in case.asks.tools if isinstance(tool, Tool)}
    freeform = client not in ("anthropic_messages", "gemini_generate")
    if ("custom" in kinds and not freeform) or (spaces - {None} and client != "openai_responses"):
        return None
    target = Target(origin=Origin(client), model="p/m", tool_name_pattern="^.*$", custom_tools=True)
    asked = replace(case.asks, protocol=client, stream=stream, include_usage=True)
    try:
        bent, _ = adapt(asked, target, losses)
        body = PROTOCOLS[client].render_request(bent, target, losses)
    except ClientError:
        return None
    grave = [loss for loss in losses.losses if loss.severity != "cosmetic"]
    return None if grave else body


def look(client: str, body: bytes, *, stream: bool) -> Peek:
    """The first look at a body; Gemini says the model and the wish to stream in the path."""
    if client == "gemini_generate":
        return peek(client, body, model="p/m", stream=stream)
    return peek(client, body)


def carry(case: Case, client: str, upstream: str, *, stream: bool) -> Carried | None:
    """Carry `case`; None where the client's dialect cannot even ask it."""
    body = client_body(case, client, stream=stream)
    if body is None:
        return None
    target = Target(origin=Origin(upstream, "p"), model="m")
    try:
        lane = Translation(look(client, body, stream=stream), REPLY).open(target, Quirks())
    except (ClientError, ProtocolError) as error:
        return Carried("refused", (), str(error), {}, {})
    PROTOCOLS[upstream].parse_request(lane.body)  # what is sent is what the dialect allows
    answered = _own(case.answers, upstream)
    back = _bent(answered, case, client, upstream)
    heard = _streamed(lane, back, client, upstream) if stream else _whole(lane, back, client, upstream)
    losses = tuple(loss.field for loss in lane.losses if loss.severity != "cosmetic")
    return Carried(lane.name, losses, "", facts(answered), facts(heard))


def _own(answer: GenerateResponse, upstream: str) -> GenerateResponse:
    """Thought in the answer comes from the upstream itself, in the form that it uses."""
    forms = {
        "openai_chat": "reasoning_content",
        "anthropic_messages": "thinking",
        "openai_responses": "reasoning",
        "gemini_generate": "thought",
    }

    def owned(part: Any) -> Any:
        if not isinstance(part, Reasoning):
            return part
        if upstream == "gemini_generate" and not part.text:  # Gemini's unreadable state stands beside a part
            return Reasoning(encrypted=part.encrypted, id="text", form="signature", origin=Origin(upstream))
        signature = "c2ln" if upstream == "anthropic_messages" and part.text else None
        return replace(part, origin=Origin(upstream), form=forms[upstream], signature=signature)

    return replace(answer, content=tuple(owned(part) for part in answer.content))


def _bent(answer: GenerateResponse, case: Case, client: str, upstream: str) -> GenerateResponse:
    """The answer in the names that the upstream was told (fitted, flattened, bridged)."""
    if client == upstream:
        return answer
    asked = replace(case.asks, protocol=client)
    said = replace(asked, messages=(*asked.messages, _turn(answer)))
    bent, _ = adapt(said, Target(origin=Origin(upstream, "p"), model="m"), LossLog())
    made = [p for m in bent.messages for p in m.content if isinstance(p, ToolCall)]
    count = sum(isinstance(p, ToolCall) for p in answer.content)
    fresh = iter(made[len(made) - count :])
    return replace(answer, content=tuple(next(fresh) if isinstance(p, ToolCall) else p for p in answer.content))


def _turn(answer: GenerateResponse) -> Message:
    return Message(role="assistant", content=answer.content)


def _whole(lane: Lane, answer: GenerateResponse, client: str, upstream: str) -> GenerateResponse:
    sent = PROTOCOLS[upstream].render_response(answer, REPLY, LossLog())
    return PROTOCOLS[client].parse_response(lane.answer(sent))


def _streamed(lane: Lane, answer: GenerateResponse, client: str, upstream: str) -> GenerateResponse:
    encoder = PROTOCOLS[upstream].encoder(REPLY)
    sent = b"".join(encoder.encode(event) for event in unfold(answer)) + encoder.close()
    stream = lane.stream()
    heard = b"".join(stream.feed(sent[at : at + 37]) for at in range(0, len(sent), 37)) + stream.close()
    assert not stream.failed
    decoder = PROTOCOLS[client].decoder()
    events = [event for event in [*decoder.feed(heard), *decoder.close()] if not isinstance(event, Ping)]
    check(events)
    return fold(events)


def facts(answer: GenerateResponse) -> dict[str, Any]:
    """What every dialect can say of an answer."""
    usage = answer.usage
    said = [part.text for part in answer.content if isinstance(part, Text | Refusal)]
    return {
        "text": "".join(said),
        "thought": "".join(part.readable for part in answer.content if isinstance(part, Reasoning)),
        "calls": [(c.id, c.name, c.arguments or "{}") for c in answer.content if isinstance(c, ToolCall)],
        "reason": answer.stop.reason if answer.stop else None,
        "usage": (usage.input, usage.output) if usage else None,
    }
