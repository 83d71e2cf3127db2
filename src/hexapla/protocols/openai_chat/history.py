"""The conversation of a client's Chat body: messages and their parts.

Accepts a superset of the published types: cache marks on parts, messages and calls, thought in every spelling, legacy
functions, explicit nulls.  What only Chat knows travels in extras or whole; what cannot be right is refused with its
path.

Rules of this file: one function for each kind of message and part, found by table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

from msgspec import Raw
from msgspec.structs import replace

from hexapla.errors import ProtocolError
from hexapla.ir.content import (
    AnyPart,
    CacheMark,
    Extras,
    Media,
    Opaque,
    Origin,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from hexapla.ir.request import Message, Role
from hexapla.protocols.fields import Fields, extras_of, is_text, string
from hexapla.protocols.openai_chat.reasoning import FORMS, ORIGIN, PART, history_thought
from hexapla.protocols.openai_chat.schema import NAME
from hexapla.wire.media import sniff, split_data_url
from hexapla.wire.rawjson import dump, join

_ROLES: dict[str, Role] = {role: role for role in get_args(Role)}
_ROLES["function"] = "tool"

_URLS = ("http://", "https://", "gs://", "ms://", "asset://", "data:")
_IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


def parse_messages(fields: Fields) -> tuple[Message, ...]:
    """All messages; neighbouring tool messages are one, which is the canonical shape."""
    if "messages" not in fields:
        raise fields.wrong("messages", "messages is required")
    gathered: list[Message] = []
    for message in map(_message, fields.objects("messages")):
        last = gathered[-1] if gathered else None
        if message.role == "tool" and last is not None and last.role == "tool":
            gathered[-1] = Message(role="tool", content=last.content + message.content)
        else:
            gathered.append(message)
    if not gathered:
        raise fields.wrong("messages", "messages: at least one message is required")
    return tuple(gathered)


def parse_cache(fields: Fields) -> CacheMark | None:
    """cache_control, as OpenRouter, DashScope and Messages know it."""
    inner = fields.object("cache_control")
    return None if inner is None else CacheMark(type=inner.text("type") or "ephemeral", ttl=inner.text("ttl"))


def _message(fields: Fields) -> Message:
    said = fields.required("role")
    role = _ROLES.get(said)
    if role is None:
        raise fields.wrong("role", f"{said!r} is no role; use one of {', '.join(_ROLES)}")
    if role == "tool":
        return Message(role="tool", content=(_tool_result(fields),))
    name, cache = fields.text("name"), parse_cache(fields)
    plain, content = _content(fields)
    if role == "assistant":
        content = (*_thought(fields), *content, *_refusal(fields), *_tool_calls(fields))
    elif not content:
        raise fields.wrong("content", "content is required")
    if cache is not None:
        content = _marked(content, cache)
    extras = extras_of(NAME, fields.rest())
    return Message(
        role=role, content=content, plain=plain and cache is None and len(content) == 1, name=name, extras=extras
    )


def _marked(content: tuple[AnyPart, ...], cache: CacheMark) -> tuple[AnyPart, ...]:
    """A message-level cache mark stands on the message's last part."""
    last = content[-1] if content else None
    if not isinstance(last, Text | Media | ToolCall):
        return content
    return (*content[:-1], replace(last, cache=cache))


def _content(fields: Fields) -> tuple[bool, tuple[AnyPart, ...]]:
    """(was a bare string, parts) of a content field."""
    raw = fields.peek("content")
    if raw is not None and is_text(raw):
        return True, (Text(text=fields.required("content")),)
    return False, tuple([_part(item, path) for path, item in fields.items("content")])


def _part(raw: Raw, path: str) -> AnyPart:
    if is_text(raw):
        return Text(text=string(raw, path))
    fields = Fields(raw, path)
    kind = fields.required("type")
    cache = parse_cache(fields)
    build = _PARTS.get(kind)
    return Opaque(origin=ORIGIN, type=kind, data=raw, cache=cache) if build is None else build(fields, cache)


def _text_part(fields: Fields, cache: CacheMark | None) -> Text:
    return Text(text=fields.required("text"), cache=cache, extras=extras_of(NAME, fields.rest()))


def _refusal_part(fields: Fields, cache: CacheMark | None) -> Refusal:
    return Refusal(text=fields.required("refusal"))


def _thinking_part(fields: Fields, cache: CacheMark | None) -> Reasoning:
    """Mistral: {"type": "thinking", "thinking": [{"type": "text", "text": ...}]}; with a signature it is Claude's block,
    as some gateways hand it out."""
    value = fields.value("thinking")
    pieces = value if isinstance(value, list) else [{"text": value}]
    text = "".join(str(piece.get("text") or "") for piece in pieces if isinstance(piece, dict))
    signature = fields.text("signature")
    if signature is not None:
        return Reasoning(text=text, signature=signature, form="thinking", origin=Origin("anthropic_messages"))
    return Reasoning(text=text, form=PART, origin=ORIGIN, extras=extras_of(NAME, fields.rest()))


# media


def _image_part(fields: Fields, cache: CacheMark | None) -> Media:
    url, detail, path = _address(fields, "image_url")
    media_type, data = split_data_url(url)
    extras = extras_of(NAME, fields.rest())
    if data is not None:
        check_image(media_type, data, path)
    elif not url.startswith(_URLS):
        media_type, data = _bare_image(url, path), url
    if data is not None:
        return Media(kind="image", data=data, media_type=media_type, detail=detail, cache=cache, extras=extras)
    return Media(kind="image", url=url, detail=detail, cache=cache, extras=extras)


def _address(fields: Fields, name: str) -> tuple[str, str | None, str]:
    """(url, detail, path) of a field that is {"url", "detail"} or a bare string."""
    raw = fields.peek(name)
    path = f"{fields.path}.{name}"
    if raw is not None and is_text(raw):
        return fields.required(name), None, path
    inner = fields.object(name)
    if inner is None:
        raise fields.wrong(name, f"{name} is required")
    return inner.required("url"), inner.text("detail"), f"{path}.url"


def _bare_image(text: str, path: str) -> str:
    """The type of an image that was sent as base64 without data: (Z.ai and Ollama take that)."""
    found = sniff(text)
    if not found or not found.startswith("image/"):
        raise ProtocolError("the image must be an http(s) URL or a base64 data: URL", path=path)
    return found


def check_image(media_type: str | None, data: str, path: str) -> None:
    """Raise ProtocolError for image data that is no base64 or plainly no image."""
    found = sniff(data)
    if found == "":
        raise ProtocolError("the image is not valid base64", path=path)
    if found is not None and not found.startswith("image/"):
        raise ProtocolError(f"the image says {media_type or 'image'}, but its bytes are {found}", path=path)
    if found is None and media_type in _IMAGES:
        raise ProtocolError(f"the bytes are no {media_type} image", path=path)


def _video_part(fields: Fields, cache: CacheMark | None) -> Media:
    url, detail, _ = _address(fields, "video_url")
    media_type, data = split_data_url(url)
    extras = extras_of(NAME, fields.rest())
    if data is not None:
        return Media(kind="video", data=data, media_type=media_type, detail=detail, cache=cache, extras=extras)
    return Media(kind="video", url=url, detail=detail, cache=cache, extras=extras)


def _audio_part(fields: Fields, cache: CacheMark | None) -> Media:
    """OpenAI's {"data", "format"}; Mistral's bare string."""
    raw = fields.peek("input_audio")
    if raw is not None and is_text(raw):
        return _sound(fields.required("input_audio"), None, cache, extras_of(NAME, fields.rest()))
    inner = fields.object("input_audio")
    if inner is None:
        raise fields.wrong("input_audio", "input_audio is required")
    said, kind = inner.required("data"), inner.text("format")
    return _sound(said, f"audio/{kind}" if kind else None, cache, extras_of(NAME, fields.rest()))


def _sound(said: str, media_type: str | None, cache: CacheMark | None, extras: Extras) -> Media:
    if said.startswith(("http://", "https://")):
        return Media(kind="audio", url=said, media_type=media_type, cache=cache, extras=extras)
    found, data = split_data_url(said)
    data = said if data is None else data
    return Media(kind="audio", data=data, media_type=media_type or found, cache=cache, extras=extras)


def _file_part(fields: Fields, cache: CacheMark | None) -> Media:
    inner = fields.object("file")
    if inner is None:
        raise fields.wrong("file", "file is required")
    filename, file_id, said = inner.text("filename"), inner.text("file_id"), inner.text("file_data")
    part = Media(kind="document", filename=filename, cache=cache, extras=extras_of(NAME, inner.rest()))
    if said is None:
        if file_id is None:
            raise inner.wrong("file_data", "file needs file_data or file_id")
        return replace(part, file_id=file_id)
    if said.startswith(("http://", "https://")):
        return replace(part, url=said)
    media_type, data = split_data_url(said)
    return replace(part, data=said if data is None else data, media_type=media_type)


_PARTS: dict[str, Callable[[Fields, CacheMark | None], AnyPart]] = {
    "text": _text_part,
    "input_text": _text_part,
    "output_text": _text_part,
    "refusal": _refusal_part,
    "thinking": _thinking_part,
    "image_url": _image_part,
    "video_url": _video_part,
    "input_video": _video_part,
    "input_audio": _audio_part,
    "file": _file_part,
}


# assistant turns and tools


def _thought(fields: Fields) -> tuple[Reasoning, ...]:
    """The thought in an assistant turn's own fields."""
    forms: dict[str, str] = {}
    for form in FORMS:
        raw = fields.raw(form)
        if raw is not None and is_text(raw) and (text := string(raw, f"{fields.path}.{form}")):
            forms[form] = text
    return history_thought(forms, fields.raw("reasoning_details"), fields.text("reasoning_opaque"))


def _refusal(fields: Fields) -> tuple[Refusal, ...]:
    text = fields.text("refusal")
    return (Refusal(text=text),) if text else ()


def _tool_calls(fields: Fields) -> tuple[ToolCall, ...]:
    calls = tuple([_tool_call(call) for call in fields.objects("tool_calls")])
    legacy = fields.object("function_call")
    if legacy is None or calls:
        return calls
    name = legacy.required("name")
    return (ToolCall(id=name, name=name, arguments=_arguments(legacy)),)


def _tool_call(fields: Fields) -> ToolCall:
    call_id, kind, cache = fields.required("id"), fields.text("type"), parse_cache(fields)
    fields.drop("index")
    custom = kind == "custom"
    field = "custom" if custom else "function"
    inner = fields.object(field)
    if inner is None:
        raise fields.wrong(field, f"{field} is required")
    return ToolCall(
        id=call_id,
        name=inner.required("name"),
        arguments=inner.text("input") or "" if custom else _arguments(inner),
        kind="custom" if custom else "function",
        cache=cache,
        extras=extras_of(NAME, _call_rest(fields, inner, kind)),
    )


def _call_rest(fields: Fields, inner: Fields, kind: str | None) -> dict[str, Raw]:
    """What else stands in a call, a type of its own and the function's own further fields among it."""
    rest, within = fields.rest(), inner.rest()
    if kind not in (None, "function", "custom"):
        rest["type"] = dump(kind)
    if within:
        rest["function"] = Raw(join(within))
    return rest


def _arguments(inner: Fields) -> str:
    """Arguments as text; some clients send the object itself."""
    raw = inner.raw("arguments")
    if raw is None:
        return ""
    return string(raw, f"{inner.path}.arguments") if is_text(raw) else bytes(raw).decode("utf-8", "replace")


def _tool_result(fields: Fields) -> ToolResult:
    name = fields.text("name")
    call = fields.text("tool_call_id") or name  # legacy function messages name the function
    if call is None:
        raise fields.wrong("tool_call_id", "tool_call_id is required")
    cache = parse_cache(fields)
    plain, content = _content(fields)
    kept = tuple([part for part in content if isinstance(part, Text | Media | Opaque)])
    return ToolResult(
        call_id=call,
        content=kept,
        plain=plain or not kept,
        name=name,
        cache=cache,
        extras=extras_of(NAME, fields.rest()),
    )
