"""A client's Messages body, parsed.

Accepts both API versions and what agents really send: system messages inside `messages`, message-level output_config,
tool references, deferred tools, server tools, our own envelopes in thinking signatures.  Unknown fields and blocks travel
in extras and Opaque parts.  What cannot be right is refused with its path, in Anthropic's manner of speaking.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec
from msgspec import Raw

from hexapla.errors import ProtocolError
from hexapla.ir.content import (
    AnyPart,
    CacheMark,
    Citation,
    Media,
    Opaque,
    Origin,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from hexapla.ir.envelope import MARK, open_envelope
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
from hexapla.protocols.anthropic_messages.words import NAME
from hexapla.protocols.fields import Fields, extras_of, is_text, string
from hexapla.wire.media import sniff
from hexapla.wire.rawjson import dump, join, load

ORIGIN = Origin(NAME)
_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}


def parse_request(body: bytes) -> GenerateRequest:
    """Client body -> request.  Raises ProtocolError."""
    fields = Fields(body)
    model = fields.required("model")
    if "messages" not in fields:
        raise fields.wrong("messages", "messages: Field required")
    turns = [message for turn in fields.objects("messages") for message in _turn(turn)]
    if not turns:
        raise fields.wrong("messages", "messages: at least one message is required")
    max_tokens = fields.integer("max_tokens")
    if max_tokens is None:
        raise fields.wrong("max_tokens", "max_tokens: Field required")
    choice, parallel = _tool_choice(fields)
    user, metadata = _metadata(fields)
    config = fields.object("output_config")
    return GenerateRequest(
        protocol=NAME,
        model=model,
        messages=(*_system(fields), *turns),
        tools=tuple(_tool(tool) for tool in fields.objects("tools")),
        tool_choice=choice,
        parallel_tool_calls=parallel,
        max_tokens=max_tokens,
        sampling=_sampling(fields),
        output=_output(fields, config),
        reasoning=_reasoning(fields, config),
        stream=fields.flag("stream") or False,
        user=user,
        metadata=metadata,
        service_tier=fields.text("service_tier"),
        cache=_cache(fields),
        extras=extras_of(NAME, fields.rest() | _left(config)),
    )


def _left(config: Fields | None) -> dict[str, Raw]:
    """What output_config holds beside effort and format."""
    rest = config.rest() if config is not None else {}
    return {"output_config": Raw(join(rest))} if rest else {}


def _metadata(fields: Fields) -> tuple[str | None, Raw | None]:
    """(the user's id, what else stands beside it)."""
    inner = fields.object("metadata")
    if inner is None:
        return None, None
    user, rest = inner.text("user_id"), inner.rest()
    return user, Raw(join(rest)) if rest else None


def _system(fields: Fields) -> tuple[Message, ...]:
    raw = fields.raw("system")
    if raw is None:
        return ()
    if is_text(raw):
        text = string(raw, "$.system")
        return (Message(role="system", content=(Text(text=text),), plain=True),) if text else ()
    holder = Fields(b'{"system":' + bytes(raw) + b"}")
    parts = tuple(_block(item, path) for path, item in holder.items("system"))
    return (Message(role="system", content=tuple(p for p in parts if p is not None)),) if parts else ()


def _turn(fields: Fields) -> list[Message]:
    """One message: tool results first as a "tool" message, what else it says after them."""
    said = fields.required("role")
    role = _ROLES.get(said)
    if role is None:
        raise fields.wrong("role", f"{said!r} is no role; use user, assistant or system")
    raw = fields.raw("content")
    if raw is None:
        raise fields.wrong("content", "content: Field required")
    extras = extras_of(NAME, fields.rest())
    path = f"{fields.path}.content"
    if is_text(raw):
        return [Message(role=role, content=(Text(text=string(raw, path)),), plain=True, extras=extras)]
    holder = Fields(b'{"content":' + bytes(raw) + b"}", fields.path)
    blocks = [_block(item, where) for where, item in holder.items("content")]
    parts = [block for block in blocks if block is not None]
    results = tuple(part for part in parts if isinstance(part, ToolResult))
    others = tuple(part for part in parts if not isinstance(part, ToolResult))
    if results and role != "user":
        raise ProtocolError("tool_result blocks can only stand in user messages", path=path)
    if not results:
        return [Message(role=role, content=others, extras=extras)]
    if not others:
        return [Message(role="tool", content=results, extras=extras)]
    return [Message(role="tool", content=results), Message(role=role, content=others, extras=extras)]


def _block(raw: Raw, path: str) -> AnyPart | None:
    fields = Fields(raw, path)
    kind = fields.required("type")
    build = _BLOCKS.get(kind)
    if build is not None and not (kind == "document" and _holds_blocks(fields)):
        return build(fields, path)
    return Opaque(origin=ORIGIN, type=kind, data=raw, text=_in_words(kind, raw), cache=_cache(Fields(raw, path)))


class _Words(msgspec.Struct):
    """What a block that only Messages knows says to a reader: a search result, a loaded tool, a document in pieces."""

    tool_name: str = ""
    title: str | None = None
    source: str | _Words = ""
    content: str | list[_Words] | None = None
    text: str = ""

    def lines(self) -> list[str]:
        if self.tool_name:
            return [f"Tool loaded: {self.tool_name}"]
        said = [self.title or "", *_lines(self.source), *_lines(self.content), self.text]
        return [line for line in said if line]


def _lines(said: str | _Words | list[_Words] | None) -> list[str]:
    if isinstance(said, list):
        return [line for piece in said for line in piece.lines()]
    return said.lines() if isinstance(said, _Words) else [said or ""]


def _in_words(kind: str, raw: Raw) -> str:
    words = load(raw, _Words) if kind in _SAYABLE else None
    return "\n".join(words.lines()) if words is not None else ""


_SAYABLE = frozenset({"tool_reference", "search_result", "document"})


def _text(fields: Fields, path: str) -> Text:
    text, cache = fields.required("text"), _cache(fields)
    citations = tuple(citation_of(item) for _, item in fields.items("citations"))
    return Text(text=text, cache=cache, citations=citations, extras=extras_of(NAME, fields.rest()))


def citation_of(raw: Raw) -> Citation:
    """A citation, whole for its own dialect and in parts for others."""
    found = load(raw, dict[str, Raw]) or {}

    def text(name: str) -> str | None:
        value = found.get(name)
        return load(value, str) if value is not None else None

    return Citation(
        url=text("url"),
        title=text("title") or text("document_title"),
        cited_text=text("cited_text"),
        origin=NAME,
        native=Raw(bytes(raw)),
    )


def _thinking(fields: Fields, path: str) -> Reasoning | None:
    text, signature = fields.text("thinking") or "", fields.text("signature")
    restored = open_envelope(signature)
    if restored is not None:
        return restored
    if signature is not None and signature.startswith(MARK):
        return None  # a broken envelope proves nothing to anyone
    return Reasoning(
        text=text, signature=signature, form="thinking", origin=ORIGIN, extras=extras_of(NAME, fields.rest())
    )


def _redacted(fields: Fields, path: str) -> Reasoning | None:
    data = fields.required("data")
    restored = open_envelope(data)
    if restored is not None:
        return restored
    if data.startswith(MARK):
        return None
    return Reasoning(encrypted=data, form="redacted_thinking", origin=ORIGIN)


def _tool_use(fields: Fields, path: str) -> ToolCall:
    call_id, name, cache = fields.required("id"), fields.required("name"), _cache(fields)
    given = fields.raw("input")
    if given is not None and bytes(memoryview(given)[:1]) != b"{":
        raise fields.wrong("input", "input must be an object")
    return ToolCall(
        id=call_id,
        name=name,
        arguments=bytes(given).decode("utf-8", "replace") if given is not None else "{}",
        cache=cache,
        extras=extras_of(NAME, fields.rest()),
    )


def _tool_result(fields: Fields, path: str) -> ToolResult:
    call_id, cache, is_error = fields.required("tool_use_id"), _cache(fields), fields.flag("is_error")
    raw = fields.raw("content")
    content: tuple[Text | Media | Opaque, ...] = ()
    plain = raw is None
    if raw is not None and is_text(raw):
        content, plain = (Text(text=string(raw, f"{path}.content")),), True
    elif raw is not None:
        holder = Fields(b'{"content":' + bytes(raw) + b"}", path)
        blocks = [_block(item, where) for where, item in holder.items("content")]
        content = tuple(block for block in blocks if isinstance(block, Text | Media | Opaque))
    return ToolResult(
        call_id=call_id,
        content=content,
        plain=plain,
        is_error=is_error,
        cache=cache,
        extras=extras_of(NAME, fields.rest()),
    )


def _image(fields: Fields, path: str) -> Media:
    return _media("image", fields, path)


def _document(fields: Fields, path: str) -> Media:
    return _media("document", fields, path)


def _holds_blocks(fields: Fields) -> bool:
    """A document made of content blocks, which no other dialect knows."""
    source = fields.peek("source")
    inner = load(source, dict[str, Raw]) if source is not None else None
    return inner is not None and inner.get("type") == Raw(b'"content"')


def _media(kind: Literal["image", "document"], fields: Fields, path: str) -> Media:
    source = fields.object("source")
    if source is None:
        raise fields.wrong("source", "source: Field required")
    how = source.required("type")
    data = source.required("data") if how in ("base64", "text") else None
    media_type = source.text("media_type")
    if how == "base64" and data is not None:
        _check(kind, media_type, data, f"{path}.source.data")
    enabled = fields.object("citations")
    said = {
        "url": source.required("url") if how == "url" else None,
        "data": data if how == "base64" else None,
        "file_id": source.required("file_id") if how == "file" else None,
        "text": data if how == "text" else None,
    }
    if not any(value is not None for value in said.values()):
        raise source.wrong("type", f"{how!r} is no source; use base64, url, file or text")
    return Media(
        kind=kind,
        media_type=media_type if how == "base64" else None,
        title=fields.text("title"),
        context=fields.text("context"),
        citations=enabled.flag("enabled") if enabled is not None else None,
        cache=_cache(fields),
        extras=extras_of(NAME, fields.rest()),
        **said,
    )


def _check(kind: str, media_type: str | None, data: str, path: str) -> None:
    """Raise ProtocolError for data that is plainly not what it says it is."""
    found = sniff(data)
    if found == "":
        raise ProtocolError(f"the {kind} is not valid base64", path=path)
    if kind == "image" and found is not None and not found.startswith("image/"):
        raise ProtocolError(f"the image says {media_type}, but its bytes are {found}", path=path)
    if kind == "image" and found is None and media_type in ("image/png", "image/jpeg", "image/gif", "image/webp"):
        raise ProtocolError(f"the bytes are no {media_type} image", path=path)


_BLOCKS: dict[str, Callable[[Fields, str], AnyPart | None]] = {
    "text": _text,
    "image": _image,
    "document": _document,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
}


def _tool(fields: Fields) -> Tool | ServerTool:
    kind = fields.text("type")
    if kind not in (None, "custom"):
        cache = fields.raw("cache_control")
        rest = {"type": dump(kind), **fields.rest()}
        name = load(rest["name"], str) if "name" in rest else None
        return ServerTool(origin=NAME, type=kind or "", name=name, data=Raw(join(rest)), cache=_mark(cache))
    return Tool(
        name=fields.required("name"),
        description=fields.text("description"),
        parameters=fields.raw("input_schema"),
        strict=fields.flag("strict"),
        deferred=fields.flag("defer_loading"),
        cache=_cache(fields),
        extras=extras_of(NAME, fields.rest()),
    )


_MODES: dict[str, Literal["auto", "none", "required"]] = {"auto": "auto", "any": "required", "none": "none"}


def _tool_choice(fields: Fields) -> tuple[ToolChoice | None, bool | None]:
    """(choice, parallel calls allowed)."""
    raw = fields.raw("tool_choice")
    if raw is None:
        return None, None
    inner = Fields(raw, "$.tool_choice")
    kind, disabled = inner.required("type"), inner.flag("disable_parallel_tool_use")
    parallel = None if disabled is None else not disabled
    if kind == "tool":
        return ToolChoice(mode="named", name=inner.required("name")), parallel
    if kind not in _MODES:
        return ToolChoice(mode="native", origin=NAME, native=raw), parallel
    return ToolChoice(mode=_MODES[kind]), parallel


def _sampling(fields: Fields) -> Sampling:
    stop = fields.strings("stop_sequences")
    return Sampling(
        temperature=fields.number("temperature"),
        top_p=fields.number("top_p"),
        top_k=fields.integer("top_k"),
        stop=tuple(stop) if stop is not None else None,
    )


def _reasoning(fields: Fields, config: Fields | None) -> ReasoningWish | None:
    """thinking{} and output_config.effort."""
    effort = config.text("effort") if config is not None else None
    inner = fields.object("thinking")
    if inner is None:
        return None if effort is None else ReasoningWish(effort=effort)
    kind = inner.required("type")
    if kind not in ("enabled", "disabled", "adaptive"):
        raise inner.wrong("type", f"{kind!r} is no kind of thinking; use enabled, disabled or adaptive")
    return ReasoningWish(
        mode=kind,  # type: ignore[arg-type]
        effort=effort,
        budget=inner.integer("budget_tokens"),
        summary=inner.text("display"),
        extras=extras_of(NAME, inner.rest()),
    )


def _output(fields: Fields, config: Fields | None) -> OutputFormat | None:
    """output_config.format, or output_format as its beta had it."""
    inner = (config.object("format") if config is not None else None) or fields.object("output_format")
    if inner is None:
        return None
    kind = inner.required("type")
    if kind != "json_schema":
        raise inner.wrong("type", f"{kind!r} is no output format; use json_schema")
    return OutputFormat(kind="json_schema", name=inner.text("name"), schema=inner.raw("schema"))


def _cache(fields: Fields) -> CacheMark | None:
    return _mark(fields.raw("cache_control"))


def _mark(raw: Raw | None) -> CacheMark | None:
    if raw is None or raw == Raw(b"null"):
        return None
    inner = Fields(raw, "$.cache_control")
    return CacheMark(type=inner.text("type") or "ephemeral", ttl=inner.text("ttl"))
