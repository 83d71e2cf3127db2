"""The built-in `demo` provider: an upstream that needs no key and no network.

It is an ordinary upstream behind the ordinary Transport: it speaks all three dialects, streams, calls a tool when tools
are given, thinks when asked to, honours token limits, JSON schemas, numbers of choices and wishes for probabilities, and
refuses bad requests, so a first request exercises the whole path.  Everything it says follows from the request alone.

Models: `demo/echo` answers at once, `demo/slow` one word every 50 ms, `demo/error-<status>` refuses with that status.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from itertools import zip_longest
from urllib.parse import urlsplit

import msgspec

from hexapla.errors import ClientError, GatewayError, Kind, ProtocolError
from hexapla.ir.content import Media, Origin, Reasoning, Text, ToolCall, ToolResult
from hexapla.ir.event import AnyEvent, BlockDelta, TextDelta
from hexapla.ir.fold import unfold
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest, Message, Tool
from hexapla.ir.response import GenerateResponse, ResponsePart, Stop, Usage
from hexapla.protocols import PROTOCOLS
from hexapla.protocols.base import Protocol, Reply
from hexapla.translate.adapt.pairs import pair_calls
from hexapla.upstream.demo_choices import certain, check_number, choices_of, chunks_of
from hexapla.upstream.transport import Request

PATHS = {
    "/v1/chat/completions": "openai_chat",
    "/v1/responses": "openai_responses",
    "/v1/messages": "anthropic_messages",
}
SLOW_SECONDS = 0.05
_WORDS = re.compile(r"\S+\s*|\s+")
_CREATED = 1_767_225_600  # 2026-01-01; the demo has no clock


class DemoTransport:
    """A Transport whose other end is `answer`."""

    async def send(self, request: Request) -> DemoResponse:
        path = urlsplit(request.url).path
        if path not in PATHS:  # an operation beside conversation, such as counting tokens
            return DemoResponse(404, "application/json", [b'{"error":{"message":"The demo only converses."}}'])
        protocol = PROTOCOLS[PATHS[path]]
        try:
            asked = protocol.parse_request(request.body)
            asked = pair_calls(asked, LossLog())
            check_number(asked.sampling.n)
            refused = _refusal(asked.model)
        except ProtocolError as error:
            refused = ClientError(Kind.INVALID_REQUEST, str(error), param=error.path or None)
        except GatewayError as error:
            refused = error
        if refused is not None:
            status, body = protocol.render_error(refused)
            return DemoResponse(status, "application/json", [body])
        return _respond(protocol, asked)

    async def aclose(self) -> None:
        return None


class DemoResponse:
    """Body pieces with a pause between them."""

    def __init__(self, status: int, content_type: str, pieces: list[bytes], pause: float = 0.0) -> None:
        self.status = status
        self.headers = {"content-type": content_type}
        self._pieces = pieces
        self._pause = pause

    async def chunks(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            if self._pause:
                await asyncio.sleep(self._pause)
            yield piece

    async def read(self, limit: int) -> bytes:
        return b"".join(self._pieces)

    def close(self) -> None:
        self._pieces = []


def answer(request: GenerateRequest) -> GenerateResponse:
    """What the demo says to `request`."""
    content: list[ResponsePart] = []
    if _thinks(request):
        content.append(Reasoning(text=_thought(request), signature="demo", origin=Origin("demo")))
    last = request.messages[-1] if request.messages else Message(role="user")
    call = _call(request) if last.role == "user" else None
    content.append(call or Text(text=_text(request, last)))
    return _limited(request, content)


def _respond(protocol: Protocol, request: GenerateRequest) -> DemoResponse:
    response = answer(request)
    reply = Reply(
        id=f"demo-{len(request.messages)}",
        created=_CREATED,
        model=request.model,
        include_usage=bool(request.include_usage),
        request=request,
    )
    own = Origin(protocol.name)
    content = [msgspec.structs.replace(p, origin=own) if isinstance(p, Reasoning) else p for p in response.content]
    response = msgspec.structs.replace(response, content=tuple(content), origin=protocol.name)
    number = (request.sampling.n or 1) if protocol.name == "openai_chat" else 1
    if not request.stream:
        body = protocol.render_response(response, reply, LossLog())
        return DemoResponse(200, "application/json", [choices_of(body, number) if number > 1 else body])
    encoder = protocol.encoder(reply)
    pieces = [encoder.encode(event) for event in _word_by_word(response)]
    pieces.append(encoder.close())
    if number > 1:
        pieces = [chunks_of(piece, number) for piece in pieces]
    pause = SLOW_SECONDS if request.model == "slow" else 0.0
    return DemoResponse(200, "text/event-stream", [piece for piece in pieces if piece], pause)


def _word_by_word(response: GenerateResponse) -> Iterator[AnyEvent]:
    for event in unfold(response):
        if isinstance(event, BlockDelta) and isinstance(event.delta, TextDelta):
            for word, likely in zip_longest(_WORDS.findall(event.delta.text), event.delta.logprobs):
                yield BlockDelta(event.index, TextDelta(word, (likely,) if likely is not None else ()))
        else:
            yield event


def _refusal(model: str) -> GatewayError | None:
    found = re.fullmatch(r"error-(\d{3})", model)
    if found is None:
        return None
    status = int(found.group(1))
    kinds = {401: Kind.CLIENT_AUTH, 429: Kind.RATE_LIMIT, 529: Kind.OVERLOADED}
    kind = kinds.get(status, Kind.INVALID_REQUEST if status < 500 else Kind.INTERNAL)
    return GatewayError(kind, f"The demo was asked to fail with {status}.", status=status)


def _thinks(request: GenerateRequest) -> bool:
    wish = request.reasoning
    if wish is None or wish.mode == "disabled" or wish.effort == "none":
        return False
    return bool(wish.mode or wish.effort or wish.budget)


def _thought(request: GenerateRequest) -> str:
    return (
        f"There are {len(request.messages)} messages and {len(request.tools)} tools. The answer follows from the last."
    )


def _call(request: GenerateRequest) -> ToolCall | None:
    choice = request.tool_choice
    tools = [tool for tool in request.tools if isinstance(tool, Tool)]
    if choice is not None and choice.mode == "none":
        return None
    if choice is not None and choice.mode == "named":
        tools = [tool for tool in tools if tool.name == choice.name]
    if not tools:
        return None
    tool = tools[0]
    call_id = f"call_demo_{len(request.messages)}"
    said = _said(request.messages[-1])
    if tool.kind == "custom":
        return ToolCall(id=call_id, name=tool.name, namespace=tool.namespace, kind="custom", arguments=said)
    arguments = msgspec.json.encode(_instance(_schema(tool.parameters), said) or {}).decode()
    return ToolCall(id=call_id, name=tool.name, namespace=tool.namespace, arguments=arguments)


def _text(request: GenerateRequest, last: Message) -> str:
    if request.output is not None and request.output.kind != "text":
        return msgspec.json.encode(_instance(_schema(request.output.schema), _said(last)) or {}).decode()
    if last.role == "tool":
        results = [_said(part) for part in last.content if isinstance(part, ToolResult)]
        return f"The tool answered: {' | '.join(results)}"
    return f"You said: {_said(last)}"


def _said(source: Message | ToolResult) -> str:
    """The words of a message or a tool result; media are named, not shown."""
    words = []
    for part in source.content:
        if isinstance(part, Text):
            words.append(part.text)
        elif isinstance(part, Media):
            words.append(f"[{part.kind}]")
    return " ".join(words)


class _Schema(msgspec.Struct):
    """The part of JSON schema that the demo fills in."""

    type: str | list[str] = "object"
    properties: dict[str, msgspec.Raw] = {}
    required: list[str] = []
    enum: list[str | int | float | bool | None] = []
    items: msgspec.Raw = msgspec.Raw()


def _schema(raw: msgspec.Raw | None) -> _Schema:
    try:
        return msgspec.json.decode(raw, type=_Schema) if raw else _Schema()
    except (msgspec.MsgspecError, RecursionError):
        return _Schema()


def _instance(schema: _Schema, said: str, depth: int = 0) -> object:
    """A value that the schema allows; strings repeat what the user said."""
    if schema.enum:
        return schema.enum[0]
    kind = schema.type if isinstance(schema.type, str) else next(iter(schema.type), "object")
    if kind == "object":
        if depth > 8:
            return {}
        wanted = [name for name in schema.required if name in schema.properties]
        return {name: _instance(_schema(schema.properties[name]), said, depth + 1) for name in wanted}
    if kind == "array":
        return [_instance(_schema(schema.items), said, depth + 1)] if schema.items and depth < 8 else []
    return {"string": said, "integer": 1, "number": 1.5, "boolean": True}.get(kind)


def _limited(request: GenerateRequest, content: list[ResponsePart]) -> GenerateResponse:
    """The answer cut to max_tokens, a token being a word, with its usage and stop reason."""
    spoken = sum(len(_WORDS.findall(_words_of(part))) for part in content)
    limit = request.max_tokens
    stop = Stop(reason="tool_calls" if any(isinstance(part, ToolCall) for part in content) else "stop")
    last = content[-1]
    if limit is not None and spoken > limit and isinstance(last, Text):
        kept = max(0, limit - sum(len(_WORDS.findall(_words_of(part))) for part in content[:-1]))
        content[-1] = msgspec.structs.replace(last, text="".join(_WORDS.findall(last.text)[:kept]))
        stop, spoken = Stop(reason="length"), limit
    content = [_likely(request, part) if isinstance(part, Text) else part for part in content]
    heard = sum(len(_said(m).split()) for m in request.messages) or 1
    thought = sum(len(_WORDS.findall(part.text)) for part in content if isinstance(part, Reasoning))
    usage = Usage(input=heard, output=spoken, reasoning=thought or None)
    return GenerateResponse(
        id=None, model=request.model, content=tuple(content), stop=stop, usage=usage, created=_CREATED
    )


def _likely(request: GenerateRequest, text: Text) -> Text:
    """The text with how likely each word was, where that is asked for."""
    if not request.sampling.logprobs:
        return text
    words = _WORDS.findall(text.text)
    return msgspec.structs.replace(text, logprobs=certain(words, request.sampling.top_logprobs or 0))


def _words_of(part: ResponsePart) -> str:
    if isinstance(part, Text | Reasoning):
        return part.text
    return part.arguments if isinstance(part, ToolCall) else ""
