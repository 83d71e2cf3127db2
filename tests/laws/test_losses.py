"""L4: what is not translated is not touched.  L6: what is lost is said."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from strategies import json_values, names, requests

from hexapla.catalog.schema import Quirks
from hexapla.errors import ClientError
from hexapla.ir.content import Media, Origin, Reasoning, Text, ToolCall, ToolResult
from hexapla.ir.envelope import MARK
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest, Message
from hexapla.ir.target import Target
from hexapla.protocols import PROTOCOLS
from hexapla.protocols.base import Protocol, Reply
from hexapla.translate.adapt.adapt import adapt
from hexapla.translate.open import Translation
from hexapla.translate.ours import OURS
from hexapla.translate.peek import peek
from hexapla.wire.rawjson import split

every_protocol = pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
REPLY = Reply(id="gen-1", created=1, model="m")
CONVERSATION = {
    "openai_chat": {"messages": [{"role": "user", "content": "hi"}]},
    "anthropic_messages": {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 9},
    "openai_responses": {"input": "hi"},
    "gemini_generate": {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
}
KNOWN = {"model", "stream", "stream_options", "messages", "input", "contents", "max_tokens", "temperature", *OURS}
unknown = st.dictionaries(names.filter(lambda name: name not in KNOWN), json_values, max_size=5).filter(
    lambda fields: MARK not in json.dumps(fields)  # whatever looks like our envelope is opened, which takes the Hub
)


def body_of(protocol: Protocol, extra: dict[str, Any]) -> bytes:
    named = {} if protocol.name == "gemini_generate" else {"model": "p/m"}
    return json.dumps({**named, **CONVERSATION[protocol.name], **extra}, ensure_ascii=False).encode()


def opened(protocol: Protocol, body: bytes, quirks: Quirks) -> tuple[str, dict[str, Any]]:
    """(lane, upstream fields) of a same-protocol request."""
    target = Target(origin=Origin(protocol.name, "p"), model="m")
    in_path = "p/m" if protocol.name == "gemini_generate" else ""
    lane = Translation(peek(protocol.name, body, model=in_path), REPLY).open(target, quirks)
    return lane.name, dict(split(lane.body))


def without_model(protocol: Protocol, sent: dict[str, Any]) -> dict[str, Any]:
    """What was sent beside the model's name, which stands in Gemini's URL and in every other dialect's body."""
    if protocol.name != "gemini_generate":
        assert sent.pop("model") == msgspec.Raw(b'"m"')
    return sent


@every_protocol
@given(extra=unknown)
def test_l4_verbatim_touches_the_model_only(protocol: Protocol, extra: dict[str, Any]) -> None:
    """L4: every byte of every other top-level value is the client's own."""
    body = body_of(protocol, extra)
    lane, sent = opened(protocol, body, Quirks())
    before = dict(split(body))
    before.pop("model", None)
    assert lane == "verbatim" and without_model(protocol, sent) == before


@every_protocol
@given(extra=unknown)
def test_l4_patch_touches_what_its_quirks_name(protocol: Protocol, extra: dict[str, Any]) -> None:
    """L4: quirks edit the fields that they name; unknown ones survive byte by byte."""
    body = body_of(protocol, {**extra, "temperature": 1.5})
    quirks = Quirks(rename={"temperature": "heat"}, set={"added": True}, clamp={"heat": (0, 1)})
    lane, sent = opened(protocol, body, quirks)
    before = dict(split(body))
    assert lane == "patch"
    assert sent.pop("heat") in (msgspec.Raw(b"1"), msgspec.Raw(b"1.0")) and sent.pop("added") == msgspec.Raw(b"true")
    for field in ("model", "temperature"):
        before.pop(field, None)
    assert without_model(protocol, sent) == before


# L6

INDIFFERENT = frozenset(
    # What a dialect cannot help but set or leave out, with the same meaning (see ir/request.py and TRANSLATION):
    # who spoke the dialect, how a string was spelt, defaults that the target's vendor applies anyway.
    {"protocol", "model", "include_usage", "form", "plain", "origin", "extras"}
)


def difference(a: Any, b: Any, path: str = "") -> set[str]:
    """Paths at which two interlingua values differ."""
    if isinstance(a, msgspec.Struct) and type(a) is type(b):
        fields = [name for name in a.__struct_fields__ if name not in INDIFFERENT]
        return {p for f in fields for p in difference(getattr(a, f), getattr(b, f), f"{path}.{f}" if path else f)}
    if isinstance(a, tuple) and isinstance(b, tuple) and len(a) == len(b):
        return {p for i, (x, y) in enumerate(zip(a, b)) for p in difference(x, y, f"{path}[{i}]")}
    return set() if a == b else {path}


def canonical(request: GenerateRequest) -> GenerateRequest:
    """The request with the shapes that dialects spell differently in one spelling."""
    messages = tuple(_canonical(message) for message in request.messages)
    if not request.tools:
        request = replace(request, tool_choice=None, parallel_tool_calls=None)
    return replace(request, messages=messages)


def _one_name(part: Any) -> Any:
    """A document has a title in one dialect and a file name, which OpenAI demands, in another; so it does a picture's
    detail, whose "auto" is what silence means."""
    if isinstance(part, ToolResult):
        return replace(part, content=tuple(_one_name(each) for each in part.content))
    if isinstance(part, Media):
        title, detail = part.title or part.filename, None if part.detail == "auto" else part.detail
        return replace(part, title=None if title == "document.pdf" else title, filename=None, detail=detail)
    return part


def _canonical(message: Message) -> Message:
    content = tuple(_one_name(replace(p, extras={}) if hasattr(p, "extras") else p) for p in message.content)
    if message.role == "assistant" and all(isinstance(p, Text | ToolCall | Reasoning) for p in content):
        order = {Reasoning: 0, Text: 1, ToolCall: 2}  # Chat has one place for each
        content = tuple(sorted(content, key=lambda part: order[type(part)]))
    return replace(message, content=content)


def _named(field: str) -> str:
    """What a loss speaks of: the ways to ask for thought are one wish, and an error mark became part of the text."""
    if field.startswith("reasoning"):
        return "reasoning"
    return field.removesuffix(".is_error")


def unsaid(differences: set[str], losses: set[str]) -> set[str]:
    """Differences that no loss names: a loss names its own path, everything below it, and its container."""
    return {d for d in differences if not any(d.startswith(loss) or loss.startswith(d) for loss in losses)}


@every_protocol
@given(data=st.data())
def test_l6_nothing_is_lost_in_silence(protocol: Protocol, data: st.DataObject) -> None:
    """L6: after rendering and parsing, a request differs only in what the losses name."""
    request = data.draw(requests())
    target = Target(origin=Origin(protocol.name, "p"), model="m")
    losses = LossLog()
    try:
        bent, _ = adapt(request, target, losses)
        body = protocol.render_request(bent, target, losses)
    except ClientError:
        return
    parsed = protocol.parse_request(body)
    named = {_named(loss.field) for loss in losses.losses}
    if "messages" in named or any(loss.startswith("messages[") and loss.count("[") == 1 for loss in named):
        named.add("messages")
    found = difference(canonical(bent), canonical(parsed))
    left = unsaid(found, named) - _allowed(request, bent, protocol)
    assert not left, (left, named, body)


def _allowed(request: GenerateRequest, bent: GenerateRequest, protocol: Protocol) -> set[str]:
    """Differences with a rule of their own, each with its reason."""
    allowed = set()
    if protocol.name == "anthropic_messages":
        if request.max_tokens is None:
            allowed.add("max_tokens")  # the API demands one; a documented constant
        if bent.user is not None:
            allowed.add("metadata")  # the user's id travels in metadata and is read back from there
        if bent.parallel_tool_calls is not None and bent.tool_choice is None:
            allowed.add("tool_choice")  # Messages says "not parallel" inside the choice, whose default is auto
    if protocol.name == "gemini_generate":
        allowed.add("stream")  # said in the path
    if protocol.name == "openai_responses" and request.protocol != protocol.name:
        allowed.update(f"tools[{i}].strict" for i, t in enumerate(bent.tools) if t.strict is None)  # type: ignore[union-attr]
        if request.reasoning is not None:
            allowed.add("reasoning.summary")  # shown by default elsewhere, so it is asked for here
    return allowed


def test_the_law_can_fail() -> None:
    """A rendering that forgets a field in silence would be caught."""
    one = GenerateRequest(protocol="openai_chat", model="m", verbosity="low")
    assert unsaid(difference(one, replace(one, verbosity=None)), {"sampling.top_k"}) == {"verbosity"}
    assert not unsaid(difference(one, replace(one, verbosity=None)), {"verbosity"})
