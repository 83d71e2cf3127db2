"""A client's Responses body, parsed.

Accepts what agents really send: items with and without type and id, reasoning items with null content, namespace, custom
and server tools, our own envelopes in encrypted_content.  Items of one assistant turn are gathered into one message.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Raw

from hexapla.errors import ProtocolError
from hexapla.ir.content import AnyPart, Media, Opaque, Refusal, Text, ToolResult
from hexapla.ir.request import (
    GenerateRequest,
    Message,
    OutputFormat,
    ReasoningWish,
    Role,
    Sampling,
    ServerTool,
    Tool,
    ToolChoice,
)
from hexapla.protocols.fields import Fields, extras_of, is_text, string
from hexapla.protocols.openai_responses.items import parse_content, parse_item
from hexapla.protocols.openai_responses.words import NAME, ORIGIN
from hexapla.wire.media import sniff, split_data_url
from hexapla.wire.rawjson import dump, join, load

_ROLES: dict[str, Role] = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "developer",
}


def parse_request(body: bytes) -> GenerateRequest:
    """Client body -> request.  Raises ProtocolError."""
    fields = Fields(body)
    model = fields.required("model")
    instructions = fields.text("instructions")
    spoken = _input(fields)
    system = (Message(role="system", content=(Text(text=instructions),), plain=True),) if instructions else ()
    text = fields.object("text")
    return GenerateRequest(
        protocol=NAME,
        model=model,
        messages=(*system, *spoken),
        tools=tuple(tool for item in fields.objects("tools") for tool in _tools(item)),
        tool_choice=_tool_choice(fields),
        parallel_tool_calls=fields.flag("parallel_tool_calls"),
        max_tokens=fields.integer("max_output_tokens"),
        sampling=Sampling(
            temperature=fields.number("temperature"),
            top_p=fields.number("top_p"),
            top_logprobs=fields.integer("top_logprobs"),
        ),
        reasoning=_reasoning(fields),
        output=_output(text),
        verbosity=text.text("verbosity") if text is not None else None,
        stream=fields.flag("stream") or False,
        user=fields.text("user"),
        metadata=fields.raw("metadata"),
        service_tier=fields.text("service_tier"),
        store=fields.flag("store"),
        cache_key=fields.text("prompt_cache_key"),
        safety_identifier=fields.text("safety_identifier"),
        continues=fields.text("previous_response_id"),
        extras=extras_of(NAME, fields.rest()),
    )


def _input(fields: Fields) -> tuple[Message, ...]:
    raw = fields.raw("input")
    if raw is None:
        if "previous_response_id" in fields or "prompt" in fields or "conversation" in fields:
            return ()
        raise fields.wrong("input", "input is required")
    if is_text(raw):
        return (Message(role="user", content=(Text(text=string(raw, "$.input")),), plain=True),)
    holder = Fields(b'{"input":' + bytes(raw) + b"}")
    messages: list[Message] = []
    for path, item in holder.items("input"):
        _gather(messages, _item(item, path))
    if not messages:
        raise ProtocolError("input: at least one item is required", path="$.input")
    return tuple(messages)


def _gather(messages: list[Message], message: Message) -> None:
    """Neighbouring assistant items are one turn, neighbouring results one message."""
    last = messages[-1] if messages else None
    if last is not None and last.role == message.role and message.role in ("assistant", "tool"):
        messages[-1] = Message(role=last.role, content=last.content + message.content, extras=last.extras)
    else:
        messages.append(message)


def _item(raw: Raw, path: str) -> Message:
    fields = Fields(raw, path)
    kind = fields.text("type") or ("message" if "role" in fields else "item_reference")
    build = _ITEMS.get(kind)
    if build is not None:
        return build(fields, raw, kind)
    role: Role = "tool" if kind.endswith("_output") else "assistant"
    opaque = Opaque(origin=ORIGIN, type=kind, data=raw)
    return Message(role=role, content=(opaque,))


def _message(fields: Fields, raw: Raw, kind: str) -> Message:
    said = fields.required("role")
    role = _ROLES.get(said)
    if role is None:
        raise fields.wrong("role", f"{said!r} is no role; use {', '.join(_ROLES)}")
    content = fields.raw("content")
    if content is None:
        raise fields.wrong("content", "content is required")
    item = {name: value for name in ("id", "phase") if (value := fields.raw(name)) is not None}
    fields.drop("status")
    own = extras_of(NAME, item)
    if is_text(content):
        text = Text(text=string(content, f"{fields.path}.content"), extras=own if role == "assistant" else {})
        extras = {} if role == "assistant" else extras_of(NAME, item | fields.rest())
        return Message(role=role, content=(text,), plain=role != "assistant", extras=extras)
    holder = Fields(b'{"content":' + bytes(content) + b"}", fields.path)
    parts = tuple(_part(part, path, own if role == "assistant" else {}) for path, part in holder.items("content"))
    extras = extras_of(NAME, fields.rest()) if role == "assistant" else extras_of(NAME, item | fields.rest())
    return Message(role=role, content=parts, extras=extras)


def _assistant_item(fields: Fields, raw: Raw, kind: str) -> Message:
    """reasoning, function_call, custom_tool_call: as in an answer, with what a client must not forget."""
    if kind in ("function_call", "custom_tool_call"):
        fields.required("call_id")
        fields.required("name")
    return Message(role="assistant", content=tuple(parse_item(raw)))


def _output_item(fields: Fields, raw: Raw, kind: str) -> Message:
    call = fields.required("call_id")
    output = fields.raw("output")
    content: tuple[AnyPart, ...] = ()
    plain = output is None or is_text(output)
    if output is not None and is_text(output):
        content = (Text(text=string(output, f"{fields.path}.output")),)
    elif output is not None:
        holder = Fields(b'{"output":' + bytes(output) + b"}", fields.path)
        content = tuple(_part(part, path, {}) for path, part in holder.items("output"))
    fields.drop("status")
    result = ToolResult(
        call_id=call,
        content=tuple(part for part in content if isinstance(part, Text | Media | Opaque)),
        plain=plain,
        kind="custom" if kind.startswith("custom") else "function",
        extras=extras_of(NAME, fields.rest()),
    )
    return Message(role="tool", content=(result,))


_ITEMS: dict[str, Callable[[Fields, Raw, str], Message]] = {
    "message": _message,
    "reasoning": _assistant_item,
    "function_call": _assistant_item,
    "custom_tool_call": _assistant_item,
    "function_call_output": _output_item,
    "custom_tool_call_output": _output_item,
}


def _part(raw: Raw, path: str, item: Any) -> AnyPart:
    fields = Fields(raw, path)
    kind = fields.required("type")
    build = _PARTS.get(kind)
    if build is not None:
        return build(fields)
    if kind in ("output_text", "refusal"):
        found = parse_content(raw, item)
        assert isinstance(found, Text | Refusal)
        return found
    return Opaque(origin=ORIGIN, type=kind, data=raw)


def _text(fields: Fields) -> Text:
    return Text(text=fields.required("text"), extras=extras_of(NAME, fields.rest()))


def _image(fields: Fields) -> Media:
    url, file_id, detail = fields.text("image_url"), fields.text("file_id"), fields.text("detail")
    extras = extras_of(NAME, fields.rest())
    if url is None and file_id is None:
        raise fields.wrong("image_url", "input_image needs image_url or file_id")
    if url is None:
        return Media(kind="image", file_id=file_id, detail=detail, extras=extras)
    media_type, data = split_data_url(url)
    if data is None:
        if not url.startswith(("http://", "https://", "data:")):
            raise fields.wrong("image_url", "the image must be an http(s) URL or a base64 data: URL")
        return Media(kind="image", url=url, detail=detail, extras=extras)
    found = sniff(data)
    if found == "" or (found is None and media_type in ("image/png", "image/jpeg", "image/gif", "image/webp")):
        raise fields.wrong("image_url", f"the bytes are no {media_type or 'image'} image")
    return Media(kind="image", data=data, media_type=media_type, detail=detail, extras=extras)


def _file(fields: Fields) -> Media:
    said, url, file_id = fields.text("file_data"), fields.text("file_url"), fields.text("file_id")
    filename = fields.text("filename")
    extras = extras_of(NAME, fields.rest())
    if said is not None:
        media_type, data = split_data_url(said)
        return Media(
            kind="document",
            data=said if data is None else data,
            media_type=media_type,
            filename=filename,
            extras=extras,
        )
    if url is None and file_id is None:
        raise fields.wrong("file_data", "input_file needs file_data, file_url or file_id")
    where = {"url": url} if url is not None else {"file_id": file_id}
    return Media(kind="document", filename=filename, extras=extras, **where)


def _audio(fields: Fields) -> Media:
    inner = fields.object("input_audio")
    if inner is None:
        raise fields.wrong("input_audio", "input_audio is required")
    kind = inner.text("format")
    return Media(kind="audio", data=inner.required("data"), media_type=f"audio/{kind}" if kind else None)


_PARTS: dict[str, Callable[[Fields], AnyPart]] = {
    "input_text": _text,
    "text": _text,
    "input_image": _image,
    "input_file": _file,
    "input_audio": _audio,
}


def _tools(fields: Fields) -> list[Tool | ServerTool]:
    kind = fields.text("type") or "function"
    if kind == "namespace":
        name, description = fields.required("name"), fields.text("description")
        inner = [_tool(item, item.text("type") or "function", name, description) for item in fields.objects("tools")]
        return [tool for tool in inner if tool is not None]
    tool = _tool(fields, kind, None, None)
    if tool is not None:
        return [tool]
    rest = fields.rest()
    named = load(rest["name"], str) if "name" in rest else None
    return [ServerTool(origin=NAME, type=kind, name=named, data=Raw(join({"type": dump(kind), **rest})))]


def _tool(fields: Fields, kind: str, namespace: str | None, description: str | None) -> Tool | None:
    if kind not in ("function", "custom"):
        return None
    return Tool(
        name=fields.required("name"),
        description=fields.text("description"),
        parameters=fields.raw("parameters"),
        strict=fields.flag("strict"),
        kind="custom" if kind == "custom" else "function",
        format=fields.raw("format"),
        deferred=fields.flag("defer_loading"),
        namespace=namespace,
        namespace_description=description,
        extras=extras_of(NAME, fields.rest()),
    )


def _tool_choice(fields: Fields) -> ToolChoice | None:
    raw = fields.raw("tool_choice")
    if raw is None:
        return None
    if is_text(raw):
        word = string(raw, "$.tool_choice")
        if word not in ("auto", "none", "required"):
            raise ProtocolError(f"{word!r} is no tool choice; use auto, none, required or a tool", path="$.tool_choice")
        return ToolChoice(mode=word)  # type: ignore[arg-type]
    inner = Fields(raw, "$.tool_choice")
    kind = inner.text("type") or "function"
    if kind in ("function", "custom"):
        return ToolChoice(mode="named", name=inner.required("name"), kind="custom" if kind == "custom" else "function")
    return ToolChoice(mode="native", origin=NAME, native=raw)


def _reasoning(fields: Fields) -> ReasoningWish | None:
    inner = fields.object("reasoning")
    if inner is None:
        return None
    wish = ReasoningWish(
        effort=inner.text("effort"),
        summary=inner.text("summary") or inner.text("generate_summary"),
        budget=inner.integer("max_tokens"),
        extras=extras_of(NAME, inner.rest()),
    )
    return None if wish == ReasoningWish() else wish


def _output(text: Fields | None) -> OutputFormat | None:
    inner = text.object("format") if text is not None else None
    if inner is None:
        return None
    kind = inner.required("type")
    if kind not in ("text", "json_object", "json_schema"):
        raise inner.wrong("type", f"{kind!r} is no text format; use text, json_object or json_schema")
    return OutputFormat(
        kind=kind,  # type: ignore[arg-type]
        name=inner.text("name"),
        description=inner.text("description"),
        schema=inner.raw("schema"),
        strict=inner.flag("strict"),
    )
