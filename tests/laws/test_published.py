"""L6 for everything that is published: each thing that a vendor's own types let a request say arrives, or is a loss.

The SDKs' types of the three dialects are walked (`published.py`); whatever they allow is said once, and beside it the same
request without that one thing.  From every dialect to every dialect, the two may not come out alike: one of them has to
differ in what is sent or in what is named as lost.  Nor may two of the words that a field knows, unless its loss is named.
What is sent has to be what the target's types allow, and null is nothing said.

A vendor that publishes a new field tomorrow adds it to this walk with its next SDK.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
import pytest
from anthropic.types import message_create_params as messages
from anthropic.types.beta import message_create_params as messages_beta
from openai.types.chat import completion_create_params as chat
from openai.types.responses import response_create_params as responses

from hexapla.catalog.quirks import DEFAULTS
from hexapla.catalog.schema import Quirks
from hexapla.errors import GatewayError, ProtocolError
from hexapla.ir.content import Origin
from hexapla.ir.target import Target
from hexapla.protocols.anthropic_messages import request as anthropic_messages
from hexapla.protocols.base import Reply
from hexapla.protocols.extras import IDLE
from hexapla.protocols.openai_chat import request as openai_chat
from hexapla.protocols.openai_responses import request as openai_responses
from hexapla.translate.open import Translation
from hexapla.translate.peek import peek
from published import CALL, NOTHING, TOOL, faults, fields_of, spread

Json = dict[str, Any]

KINDS: dict[str, tuple[Any, ...]] = {
    "openai_chat": (chat.CompletionCreateParamsStreaming,),
    "openai_responses": (responses.ResponseCreateParamsStreaming,),
    "anthropic_messages": (messages.MessageCreateParamsStreaming, messages_beta.MessageCreateParamsStreaming),
}
WIRE: dict[str, type[msgspec.Struct]] = {
    "openai_chat": openai_chat.WireRequest,
    "openai_responses": openai_responses.WireRequest,
    "anthropic_messages": anthropic_messages.WireRequest,
}
SAID_ELSEWHERE = {
    "model": "in every request",
    "stream": "in every request",
    "betas": "a header",
    "max_tokens": "in every request of Messages, which demands it; Chat's has a test of its own",
}
HI = {"role": "user", "content": "hi"}
ARGUMENTS = '{"city":"Rome"}'
TALKS = {"openai_chat": "messages", "openai_responses": "input", "anthropic_messages": "messages"}
TOOLS: dict[str, list[Json]] = {
    "openai_chat": [{"type": "function", "function": {"name": TOOL, "parameters": {"type": "object"}}}],
    "openai_responses": [{"type": "function", "name": TOOL, "parameters": {"type": "object"}, "strict": False}],
    "anthropic_messages": [{"name": TOOL, "input_schema": {"type": "object"}}],
}
CALLS: dict[str, Json] = {
    "openai_chat": {
        "role": "assistant",
        "tool_calls": [{"id": CALL, "type": "function", "function": {"name": TOOL, "arguments": ARGUMENTS}}],
    },
    "openai_responses": {"type": "function_call", "call_id": CALL, "name": TOOL, "arguments": ARGUMENTS},
    "anthropic_messages": {
        "role": "assistant",
        "content": [{"type": "tool_use", "id": CALL, "name": TOOL, "input": {"city": "Rome"}}],
    },
}
RESULTS: dict[str, Json] = {
    "openai_chat": {"role": "tool", "tool_call_id": CALL, "content": "21"},
    "openai_responses": {"type": "function_call_output", "call_id": CALL, "output": "21"},
    "anthropic_messages": {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": CALL, "content": "21"}],
    },
}
AFTER_A_CALL = ('"tool_call_id"', '"type": "tool_result"', '_call_output"')
BEFORE_A_RESULT = ('"tool_calls": [', '"type": "tool_use"', '"type": "function_call"', '"type": "custom_tool_call"')
OLD_CALL = {"role": "assistant", "function_call": {"name": TOOL, "arguments": ARGUMENTS}}
OLD_RESULT = {"role": "function", "name": TOOL, "content": "21"}

SAME: dict[str, str] = {
    # what means the same as what it differs from, by its place in a request (client, target, fields)
    r"\S+ \S+ stop$": "a text is a list of one",
    r"openai_chat \S+ stream_options\.include_usage": "usage is always asked for; the encoder tells it or not",
    r"openai_chat openai_chat messages\.content messages\.refusal": "a refusal has two places",
    r"openai_chat openai_responses messages\.content\.image_url\.detail": "auto is what silence means",
    r"\S+ openai_responses tools(\.function)?\.strict": "false is what silence means, and Responses demands it",
    r"\S+ openai_responses messages\.content\.tool\.definition\.strict": "the same in a tool that is added later",
    r"\S+ anthropic_messages response_format": "text is what Messages answers in",
    r"\S+ anthropic_messages text\.format": "text is what Messages answers in",
    r"\S+ anthropic_messages tool_choice": "a tool is called by its name, whatever its kind",
    r"openai_responses \S+ input\.type$": "an item without a type is a message; a result follows its call",
    r"openai_responses openai_responses reasoning\.generate_summary reasoning\.summary": "its former name",
    r"openai_chat anthropic_messages function_call": "auto is what silence means",
    r"anthropic_messages \S+ fallbacks": "the gateway asks them itself",
    r"anthropic_messages \S+ (tools|messages\.content\.tool\.definition)\.type": "a tool without a type is custom",
    r"anthropic_messages openai_\S+ messages\.content\.is_error": "false is what silence means",
    r"anthropic_messages openai_\S+ messages\.clear_at": "never is what silence means",
    r"\S+ \S+ (tools|messages\.content\.tool\.definition)(\.tools)?\.defer_loading": "at once is what silence means",
}
NO_REQUEST: dict[str, str] = {
    # what the types allow and no vendor takes, so that it is refused with its place
    "needs file_data": "a file that is nowhere",
    "needs image_url": "a picture that is nowhere",
    "call_id is required": "an output of which nobody says whose it is",
    "content is required": "a system message that says nothing",
    "can only stand in user messages": "a result that the model said itself",
    "no matching tool call": "a result in a place where nothing was called",
    "n must be 1": "more than one answer, which nobody can carry across",
    "what its own vendor keeps": "a conversation that is elsewhere",
    "keeps no threads": "a conversation that is elsewhere",
}
TAKEN: dict[str, str] = {
    # what is sent although the target's types do not know it
    r"\$\.(temperature|top_p|top_k) is unknown": "Messages: gone from the SDK of 2026-11; the models before it take it",
    r"\$\.input\[\d+\]": "Responses: sound, and what a model said without the id of its item, as servers take them",
}

CALLED = {
    "cache": ("cache_control",),
    "deferred": ("defer_loading",),
    "reasoning": ("reasoning_effort", "thinking"),
    "summary": ("generate_summary", "display"),
}
"""Names of the wire that are others in the interlingua."""

Outcome = tuple[bytes, frozenset[str]]


def asked(client: str, name: str, value: Any) -> Json:
    """A request that says `value` in its field `name`, and what has to stand around it."""
    body: Json = {"model": "p/m", TALKS[client]: [HI]}
    if client == "anthropic_messages":
        body["max_tokens"] = 4096
    if name in ("tool_choice", "parallel_tool_calls"):
        body["tools"] = TOOLS[client]
    if name == "function_call":
        body["functions"] = [{"name": TOOL}]
    if name == "top_logprobs":
        body["logprobs"] = True
    if value is NOTHING:
        return body
    talk = name == TALKS[client] and isinstance(value, list)
    return body | {name: _conversation(client, value) if talk else value}


def _conversation(client: str, turns: list[Json]) -> list[Json]:
    text = json.dumps(turns)
    if client == "openai_chat" and '"role": "function"' in text:
        return [HI, OLD_CALL, *turns]
    if any(sign in text for sign in AFTER_A_CALL):
        return [HI, CALLS[client], *turns]
    if '"function_call": {' in text:
        return [HI, *turns, OLD_RESULT]
    after = [RESULTS[client]] if any(sign in text for sign in BEFORE_A_RESULT) else [HI]
    return [HI, *turns, *after]


def outcome(client: str, upstream: str, body: bytes) -> Outcome:
    """(what is sent, what is named as lost).  Raises GatewayError and ProtocolError."""
    target = Target(origin=Origin(upstream, "p"), model="m", **DEFAULTS.get(upstream, {}))
    translation = Translation(peek(client, body), Reply(id="gen-1", created=1, model="m"))
    lane = translation.open(target, Quirks(reencode=True))
    return lane.body, frozenset(loss.field for loss in lane.losses)


def attempt(client: str, upstream: str, body: Json) -> Outcome | None:
    """`outcome`; None for what no vendor takes."""
    return _attempt(client, upstream, json.dumps(body).encode())


@cache
def _attempt(client: str, upstream: str, body: bytes) -> Outcome | None:
    try:
        return outcome(client, upstream, body)
    except (GatewayError, ProtocolError) as error:
        if any(why in str(error) for why in NO_REQUEST):
            return None
        return b"", frozenset({f"refused: {error}"})


Asked = tuple[Json, Json]


@cache
def requests(client: str) -> dict[str, list[Asked]]:
    """For each field, (a request that says something in it, the same without that one thing)."""
    found: dict[str, list[Asked]] = {}
    seen: set[str] = set()
    for kind in KINDS[client]:
        for name, (hint, _) in fields_of(kind).items():
            if name in SAID_ELSEWHERE:
                continue
            for value, without in spread(hint, name):
                body = asked(client, name, value)
                if (text := json.dumps(body)) not in seen:
                    seen.add(text)
                    found.setdefault(name, []).append((body, asked(client, name, without)))
    return found


def differing(a: Any, b: Any, path: str = "") -> Iterator[str]:
    """Where two bodies differ, without places in lists."""
    if isinstance(a, dict) and isinstance(b, dict):
        for name in a | b:
            yield from differing(a.get(name), b.get(name), f"{path}.{name}".lstrip("."))
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for x, y in zip(a, b, strict=True):
            yield from differing(x, y, path)
    elif _says(a) != _says(b):
        yield path


def _says(value: Any) -> Any:
    """Empty things and null say nothing."""
    return value if value not in ({}, [], None) else None


def is_named(fields: list[str], losses: frozenset[str]) -> bool:
    """Whether one of `losses` speaks of `fields`, or of the whole part, tool or field in which they stand."""
    names = {name for field in fields for name in field.split(".")}
    for loss in losses:
        last = loss.rpartition(".")[2]
        if last.endswith("]") or "extras" in loss:
            return True
        if not names.isdisjoint({last, *CALLED.get(last, ())}):
            return True
    return False


def silent(fields: list[str], pair: str, losses: frozenset[str]) -> bool:
    said = f"{pair} {' '.join(sorted(set(fields)))}"
    return bool(fields) and not is_named(fields, losses) and not any(re.match(rule, said) for rule in SAME)


def idle(client: str, name: str) -> Any:
    """What a field may ask for that is done anyway."""
    return IDLE.get(client, {}).get(name, ...)


pairs = pytest.mark.parametrize(("client", "upstream"), [(client, upstream) for client in KINDS for upstream in KINDS])


@pairs
def test_whatever_is_published_arrives_or_is_named(client: str, upstream: str) -> None:
    """What a request says makes a difference, and so does each word of a field."""
    found: dict[str, Any] = {}
    for name, field in requests(client).items():
        alike: dict[Outcome, Json] = {}
        for body, without in field:
            said = attempt(client, upstream, body)
            if said is None or ": null" in json.dumps(body) or body[name] == idle(client, name):
                continue
            others = [without] if attempt(client, upstream, without) == said else []
            others += [alike[said]] if said in alike else []
            for other in others:
                fields = list(differing(body, other))
                if silent(fields, f"{client} {upstream}", said[1]):
                    found[" ".join(sorted(set(fields)))] = (body, other, said)
            alike.setdefault(said, body)
    assert not found


@pairs
def test_null_is_nothing_said(client: str, upstream: str) -> None:
    """An explicit null in any field that need not be there."""
    found: dict[str, Any] = {}
    for field in requests(client).values():
        for body, without in field:
            if ": null" not in json.dumps(body):
                continue
            left, said = attempt(client, upstream, without), attempt(client, upstream, body)
            if left != said and (left is None or said is None or _bare(said) != _bare(left)):
                found[str(body)] = (left, said)
    assert not found


def _bare(said: Outcome) -> Any:
    """An outcome without nulls, which a vendor's own blocks keep."""
    return said if not said[0] else (_without_null(json.loads(said[0])), said[1])


def _without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_null(each) for name, each in value.items() if each is not None}
    return [_without_null(each) for each in value] if isinstance(value, list) else value


@pairs
def test_what_is_sent_is_published(client: str, upstream: str) -> None:
    """Another dialect's request is one that the target's own SDK could have made."""
    if client == upstream:
        return  # whatever a client says there is between the two
    checked: set[bytes] = set()
    wrong: dict[str, Any] = {}
    for field in requests(client).values():
        for body, _ in field:
            said = attempt(client, upstream, body)
            if said is None or said[0] in checked or ": null" in json.dumps(body):
                continue
            checked.add(said[0])
            found = faults(json.loads(said[0] or b"{}") | {"stream": True}, KINDS[upstream][-1])
            wrong |= {fault: body for fault in found if not any(re.match(known, fault) for known in TAKEN)}
    assert not wrong


def test_the_law_can_fail() -> None:
    """What comes out alike and is not named is silent."""
    assert silent(["messages.name"], "openai_chat anthropic_messages", frozenset({"messages[0].role"}))
    assert not silent(["messages.name"], "openai_chat anthropic_messages", frozenset({"messages[0].name"}))
    assert not silent(["stop"], "openai_chat openai_responses", frozenset())
    assert list(differing({"a": [{"b": 1}]}, {"a": [{}]})) == ["a.b"]
    assert faults({"model": "m", "input": 7, "stream": True}, responses.ResponseCreateParamsStreaming)
    with pytest.raises(ProtocolError):
        outcome("openai_chat", "openai_chat", b'{"model":"p/m"}')


APART = {
    # what cannot stand beside the rest, by client, and whatever refuses the whole request where it is understood by nobody
    "openai_chat": {"functions", "function_call", "n"},
    "openai_responses": {"conversation", "previous_response_id", "prompt"},
    "anthropic_messages": {"fallbacks", "thread"},
}
OVERRULED = frozenset({"logprobs", "max_completion_tokens", "max_tokens"})
"""What means nothing beside another field."""


@pairs
def test_everything_at_once(client: str, upstream: str) -> None:
    """All fields in one request, each as fully as its walk goes: every one arrives or is named, and none hides another."""
    body = asked(client, "tools", TOOLS[client])
    for name, field in requests(client).items():
        said = [one[name] for one, _ in field if one[name] not in (None, {}, [], idle(client, name))]
        if name not in body and name not in APART[client]:
            body[name] = max(said, key=lambda value: len(json.dumps(value)))
    whole = outcome(client, upstream, json.dumps(body).encode())
    for name in body.keys() - OVERRULED - {"model", "tools", TALKS[client]}:
        assert attempt(client, upstream, {other: body[other] for other in body if other != name}) != whole, name


@pairs
def test_null_is_nothing_said_in_what_others_added(client: str, upstream: str) -> None:
    """The fields that a dialect's other vendors have, whose clients send null as well (Ark's, google-genai's)."""
    body = asked(client, "model", "p/m")
    for name in WIRE[client].__struct_encode_fields__:
        if name not in body:
            assert attempt(client, upstream, body | {name: None}) == attempt(client, upstream, body), name
