"""The laws that hold for every value: what is rendered and parsed again is what it was, or a Loss says where not."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from chatwire import CLAUDE, REPLY, encoded, events
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from hexapla.errors import HexaplaError
from hexapla.ir.content import (
    CacheMark,
    Citation,
    Media,
    Opaque,
    Origin,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from hexapla.ir.event import Ping, StreamError
from hexapla.ir.fold import fold, unfold
from hexapla.ir.grammar import check
from hexapla.ir.loss import LossLog
from hexapla.ir.request import (
    GenerateRequest,
    Message,
    OutputFormat,
    ReasoningWish,
    Sampling,
    ServerTool,
    Tool,
    ToolChoice,
)
from hexapla.ir.response import GenerateResponse, Stop, Usage
from hexapla.ir.target import Target
from hexapla.protocols.openai_chat import OPENAI_CHAT

CHAT = Origin("openai_chat")
words = st.text(min_size=1, max_size=12)
names = st.text("abcdef_-", min_size=1, max_size=8)
raws = st.sampled_from([Raw(b'{"b":1.50,"a":2}'), Raw(b"{}"), Raw(b'{"type":"object","properties":{}}')])
counts = st.none() | st.integers(0, 10**6)
marks = st.none() | st.builds(CacheMark, ttl=st.sampled_from([None, "5m", "1h"]))
extras = st.sampled_from([{}, {}, {}, {"openai_chat": {"x_own": Raw(b"1")}}, {"anthropic_messages": {"y": Raw(b"2")}}])


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Often nothing."""
    return st.none() | strategy


# answers

thoughts = st.builds(
    Reasoning, text=words, form=st.sampled_from(["reasoning_content", "reasoning"]), origin=st.just(CHAT)
)
detailed = st.builds(
    lambda text: Reasoning(
        text=text,
        details=Raw(msgspec.json.encode([{"type": "reasoning.text", "text": text, "signature": "s", "index": 0}])),
        form="reasoning",
        origin=CHAT,
    ),
    words,
)
citations = st.builds(Citation, url=names, title=names, start=st.integers(0, 9), end=st.integers(0, 9))
texts = st.builds(Text, text=words)
refusals = st.builds(Refusal, text=words)


@st.composite
def calls(draw: st.DrawFn) -> list[ToolCall]:
    """Calls with ids of their own."""
    ids = draw(st.lists(names, max_size=3, unique=True))
    return [
        ToolCall(id=each, name=draw(names), arguments=draw(st.sampled_from(["{}", '{"a": 1}', "{bad"]))) for each in ids
    ]


tokens = st.integers(0, 99)
usages = st.builds(Usage, input=tokens, output=tokens, cached=counts, reasoning=counts, cache_write=counts)


@st.composite
def answers(draw: st.DrawFn) -> GenerateResponse:
    """Answers that Chat can say whole."""
    content = (
        *draw(st.lists(thoughts | detailed, max_size=1)),
        *draw(st.lists(texts, max_size=1)),
        *draw(st.lists(refusals, max_size=1)),
        *(made := draw(calls())),
        *draw(st.lists(st.just(Media(kind="image", data="AAAA", media_type="image/png")), max_size=1)),
    )
    reason = "tool_calls" if made else draw(st.sampled_from(["stop", "length", "content_filter"]))
    return GenerateResponse(
        id=draw(names),
        model=draw(names),
        created=draw(st.integers(1, 2**31)),
        content=content,
        stop=Stop(reason=reason, native=reason),
        usage=draw(maybe(usages)),
        service_tier=draw(st.sampled_from([None, "default", "flex"])),
        origin="openai_chat",
        extras=draw(st.sampled_from([{}, {"openai_chat": {"system_fingerprint": Raw(b'"fp"')}}])),
    )  # fmt: skip


def alike(response: GenerateResponse) -> GenerateResponse:
    """Without the field that was believed among the two that we write."""
    return replace(
        response,
        content=tuple(
            replace(part, form="reasoning_content") if isinstance(part, Reasoning) else part
            for part in response.content
        ),
    )


@given(answers())
def test_answers_return(response: GenerateResponse) -> None:
    """parse(render(answer)) is the answer."""
    losses = LossLog()
    again = OPENAI_CHAT.parse_response(OPENAI_CHAT.render_response(response, REPLY, losses))
    assert losses.losses == ()
    assert alike(_counted(again)) == alike(_counted(response))


@given(answers(), st.integers(1, 40))
def test_streams_return(response: GenerateResponse, cut: int) -> None:
    """fold(decode(encode(unfold(answer)))) is the answer, in any cutting; a missing usage stays missing."""
    stream = encoded([*unfold(response)])
    assert alike(_counted(fold(events(stream, cut)))) == alike(_counted(response))


def _counted(response: GenerateResponse) -> GenerateResponse:
    """xAI's arithmetic cannot be told from OpenAI's when the total happens to fit both."""
    usage = response.usage
    return response if usage is None else replace(response, usage=replace(usage, reasoning=None))


@given(answers(), st.data())
def test_a_cut_stream_is_no_success(response: GenerateResponse, data: st.DataObject) -> None:
    """Cut anywhere before the finish reason, a stream ends in exactly one truncation."""
    stream = encoded([*unfold(response)])
    end = stream.index(b'"finish_reason":"')
    found = events(stream[: data.draw(st.integers(0, end))])
    ends = [event for event in found if isinstance(event, StreamError)]
    assert [error.kind for error in ends] == ["upstream_truncated"]
    assert found[-1] is ends[0]


@settings(max_examples=100)
@given(st.lists(st.binary(max_size=30), max_size=8))
def test_decoder_is_total(pieces: list[bytes]) -> None:
    """Arbitrary bytes give events that the grammar accepts, with one end."""
    decoder = OPENAI_CHAT.decoder()
    found = [event for piece in pieces for event in decoder.feed(piece)] + decoder.close()
    check(found)


KEYS = st.sampled_from(
    ["choices", "delta", "message", "content", "tool_calls", "index", "id", "function", "name", "arguments", "usage",
     "finish_reason", "error", "reasoning", "reasoning_details", "text", "type", "images", "audio", "citations", "x_groq"]
)  # fmt: skip
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)
DELTAS = st.dictionaries(KEYS, ODD, max_size=5)
CHOICES = st.builds(
    lambda delta, rest: {"index": 0, "delta": delta, **rest}, DELTAS, st.dictionaries(KEYS, ODD, max_size=3)
)
CHUNKS = st.builds(
    lambda choices, rest: {"choices": choices, **rest},
    st.lists(CHOICES, max_size=2),
    st.dictionaries(KEYS, ODD, max_size=2),
)


@settings(max_examples=100)
@given(st.lists(CHUNKS | ODD, max_size=4))
def test_decoder_survives_any_json(chunks: list[Any]) -> None:
    """JSON of any shape where chunks belong gives events that the grammar accepts, and an encodable stream."""
    stream = b"".join(b"data: %b\n\n" % json.dumps(chunk).encode() for chunk in chunks) + b"data: [DONE]\n\n"
    decoder = OPENAI_CHAT.decoder()
    found = decoder.feed(stream) + decoder.close()
    check(found)
    encoded([event for event in found if not isinstance(event, Ping)])


@settings(max_examples=100)
@given(ODD)
def test_parser_survives_any_json(value: Any) -> None:
    """JSON of any shape is an answer, a protocol error or an upstream error."""
    try:
        OPENAI_CHAT.parse_response(json.dumps(value).encode())
    except HexaplaError:
        return


# requests

media = st.sampled_from(
    [
        Media(kind="image", url="https://i/a.png", detail="low"),
        Media(kind="image", data="iVBORw0KGgo=", media_type="image/png"),
        Media(kind="image", file_id="f"),
        Media(kind="audio", data="AA", media_type="audio/wav"),
        Media(kind="video", url="https://v"),
        Media(kind="document", data="AA", media_type="application/pdf", filename="a.pdf", title="T"),
        Media(kind="document", text="plain"),
    ]
)
opaques = st.sampled_from(
    [
        Opaque(origin=CHAT, type="hologram", data=Raw(b'{"type":"hologram"}')),
        Opaque(origin=CLAUDE, type="x", data=Raw(b'{"type":"x"}')),
    ]
)
marked = st.builds(Text, text=words, cache=marks, extras=extras)
foreign = st.sampled_from(
    [
        Reasoning(text="hm", signature="s", form="thinking", origin=CLAUDE),
        Reasoning(encrypted="x", form="redacted_thinking", origin=CLAUDE),
    ]
)
users = st.builds(
    Message, role=st.sampled_from(["user", "system", "developer"]), name=maybe(names), extras=extras,
    content=st.lists(marked | media | opaques, min_size=1, max_size=3).map(tuple),
)  # fmt: skip
plain = st.builds(Message, role=st.just("user"), content=st.tuples(texts), plain=st.just(True))
assistants = st.builds(
    lambda thought, said, made, extra: Message(role="assistant", content=(*thought, *said, *made), extras=extra),
    st.lists(thoughts | foreign, max_size=1),
    st.lists(marked | refusals, max_size=2),
    st.lists(st.builds(ToolCall, id=names, name=names, arguments=st.sampled_from(["{}", '{"a":1}']), cache=marks,
                       kind=st.sampled_from(["function", "custom"]), namespace=maybe(names)), max_size=2),
    extras,
)  # fmt: skip
results = st.builds(
    ToolResult, call_id=names, content=st.lists(marked | media, max_size=2).map(tuple), plain=st.booleans(),
    is_error=st.sampled_from([None, None, True]), cache=marks, name=maybe(names),
)  # fmt: skip
tools_said = st.builds(Message, role=st.just("tool"), content=st.lists(results, min_size=1, max_size=2).map(tuple))
tools = st.builds(
    Tool, name=names, description=maybe(words), parameters=maybe(raws), strict=maybe(st.booleans()), cache=marks,
    extras=extras, namespace=maybe(names), deferred=maybe(st.booleans()),
) | st.builds(Tool, name=names, kind=st.just("custom"), format=maybe(raws)) | st.sampled_from(
    [
        ServerTool(origin="openai_chat", type="web", data=Raw(b'{"type":"web"}')),
        ServerTool(origin="anthropic_messages", type="web_search", data=Raw(b'{"type":"web_search"}')),
    ]
)  # fmt: skip
choices = st.sampled_from(
    [
        ToolChoice(mode="auto"),
        ToolChoice(mode="required"),
        ToolChoice(mode="named", name="f"),
        ToolChoice(mode="native", origin="openai_chat", native=Raw(b'{"type":"x"}')),
        ToolChoice(mode="native", origin="openai_responses", native=Raw(b'{"type":"x"}')),
    ]
)
numbers = maybe(st.sampled_from([0.0, 0.5, 1.0]))
samplings = st.builds(
    Sampling, temperature=numbers, top_p=numbers, top_k=counts, min_p=numbers, seed=counts, logit_bias=maybe(raws),
    stop=maybe(st.lists(words, min_size=1, max_size=2).map(tuple)), logprobs=maybe(st.booleans()),
    repetition_penalty=numbers,
)  # fmt: skip
wishes = st.builds(
    ReasoningWish, mode=st.sampled_from([None, "enabled", "disabled", "adaptive"]), budget=maybe(st.integers(1, 9999)),
    effort=st.sampled_from([None, "none", "low", "high", "max"]), exclude=maybe(st.booleans()),
    summary=maybe(st.just("auto")),
).filter(lambda wish: wish != ReasoningWish())  # fmt: skip
outputs = st.builds(
    OutputFormat, kind=st.just("json_schema"), name=maybe(names), schema=raws, strict=maybe(st.booleans())
)
HI = Message(role="user", content=(Text(text="hi"),), plain=True)
requests = st.builds(
    GenerateRequest, protocol=st.just("anthropic_messages"), model=names,
    messages=st.lists(users | plain | assistants | tools_said, max_size=4).map(lambda said: (HI, *said)),
    tools=st.lists(tools, max_size=2).map(tuple), tool_choice=maybe(choices), parallel_tool_calls=maybe(st.booleans()),
    max_tokens=maybe(st.integers(1, 9999)), sampling=samplings, reasoning=maybe(wishes), output=maybe(outputs),
    verbosity=maybe(st.just("low")), stream=st.booleans(), user=maybe(words), metadata=maybe(raws),
    store=maybe(st.booleans()),
    service_tier=st.sampled_from([None, "flex", "standard_only"]), cache_key=maybe(words), cache=marks, extras=extras,
    safety_identifier=maybe(words), continues=maybe(words), betas=st.sampled_from([(), ("b",)]),
)  # fmt: skip
targets = st.builds(
    Target, origin=st.just(CHAT), developer_role=st.booleans(), mid_system=st.booleans(), content_strings=st.booleans(),
    cache_marks=st.sampled_from([0, 4]), strict_tools=st.booleans(), tool_choice_required=st.booleans(),
    sampling=st.booleans(), prefill=st.booleans(), replay_reasoning=st.sampled_from(["origin", "always", "never"]),
    reasoning_style=st.sampled_from(["", "openrouter", "enable_thinking", "thinking", "none"]),
    max_tokens_field=st.sampled_from([None, "max_completion_tokens"]), effort_levels=st.sampled_from([(), ("low", "high")]),
    unsupported=st.sampled_from([frozenset(), frozenset({"sampling.seed", "max_tokens"})]),
)  # fmt: skip


FIELDS = (
    *("model", "tool_choice", "parallel_tool_calls", "max_tokens", "output", "verbosity", "stream", "user", "metadata"),
    *("service_tier", "store", "cache_key", "cache", "safety_identifier", "continues", "betas"),
)


@settings(max_examples=120, deadline=None)
@given(requests, targets)
def test_loss_honesty(request: GenerateRequest, to: Target) -> None:
    """parse(render(request)) differs from the request only where a Loss says so."""
    losses = LossLog()
    again = OPENAI_CHAT.parse_request(OPENAI_CHAT.render_request(request, to, losses))
    named = [loss.field for loss in losses.losses]
    for field in FIELDS:
        _same(getattr(request, field), getattr(again, field), field, named)
    for name in Sampling.__struct_fields__:
        _same(getattr(request.sampling, name), getattr(again.sampling, name), f"sampling.{name}", named)
    _same_wish(request.reasoning, again.reasoning, named)
    _same(_own(request.extras), _own(again.extras), "extras", named)
    _same_tools(request, again, named)
    _same_messages(request, again, named)


def _same(before: object, after: object, path: str, named: list[str]) -> None:
    lost = any(field.startswith(path) or path.startswith(f"{field}.") for field in named)
    assert before == after or lost, f"{path}: {before!r} became {after!r}"


def _own(extras: Any) -> dict[str, Raw]:
    return dict(extras.get("openai_chat", {}))


def _same_wish(before: ReasoningWish | None, after: ReasoningWish | None, named: list[str]) -> None:
    """A part of the wish may be said as another part, if the one that it stands for is named."""
    was, now = before or ReasoningWish(), after or ReasoningWish()
    for name in ("mode", "effort", "budget", "summary", "exclude"):
        said = getattr(was, name) or None
        _same(said, getattr(now, name) or None, "reasoning" if said is None else f"reasoning.{name}", named)


def _same_tools(request: GenerateRequest, again: GenerateRequest, named: list[str]) -> None:
    kept = [(i, tool) for i, tool in enumerate(request.tools) if f"tools[{i}]" not in named]
    assert len(kept) == len(again.tools)
    for (index, before), after in zip(kept, again.tools):
        for name in before.__struct_fields__:
            was, now = getattr(before, name), getattr(after, name)
            _same(*((_own(was), _own(now)) if name == "extras" else (was, now)), f"tools[{index}].{name}", named)


def _same_messages(request: GenerateRequest, again: GenerateRequest, named: list[str]) -> None:
    """Messages that no Loss speaks of return exactly, in order (neighbouring tool messages gather)."""
    silent = [m for i, m in enumerate(request.messages) if not any(f.startswith(f"messages[{i}]") for f in named)]
    found = list(again.messages)
    for message in silent:
        if message.role == "tool":
            heard = [part for m in found if m.role == "tool" for part in m.content]
            for part in message.content:
                assert _plain(part) in [_plain(each) for each in heard]
        else:
            assert _told(message) in [_told(each) for each in found]


def _plain(part: Any) -> Any:
    """A result whatever its wire form was; no content and empty content are the same."""
    return replace(part, plain=False, content=part.content or (Text(text=""),))


def _told(message: Message) -> Message:
    return replace(message, plain=False, extras={k: v for k, v in message.extras.items() if k == "openai_chat"})
