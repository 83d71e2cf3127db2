"""A client's Chat Completions body, parsed.

Accepts a superset of the published types: OpenRouter's and vLLM's further sampling fields, cache marks, reasoning in
history in every spelling, explicit nulls.  Unknown fields travel in extras.  What cannot be right is refused with the
path of the first wrong field.
"""

from __future__ import annotations

from typing import Any, get_args

from msgspec import Raw
from msgspec.structs import replace

from hexapla.errors import ProtocolError
from hexapla.ir.content import AnyPart, CacheMark, Media, Opaque, Reasoning, Refusal, Text, ToolCall, ToolResult
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
from hexapla.protocols.openai_chat.reasoning import FORMS, ORIGIN, history_thought
from hexapla.protocols.openai_chat.schema import NAME
from hexapla.wire.media import sniff, split_data_url
from hexapla.wire.rawjson import dump, join

_ROLES: dict[str, Role] = {role: role for role in get_args(Role)}
_ROLES["function"] = "tool"

_NUMBERS = ("temperature", "top_p", "min_p", "top_a", "frequency_penalty", "presence_penalty", "repetition_penalty")
_INTEGERS = ("top_k", "seed", "top_logprobs", "n")


def parse_request(body: bytes) -> GenerateRequest:
    """Client body -> request.  Raises ProtocolError."""
    fields = Fields(body)
    model = fields.required("model")
    if "messages" not in fields:
        raise fields.wrong("messages", "messages is required")
    messages = _gathered([_message(message) for message in fields.objects("messages")])
    if not messages:
        raise fields.wrong("messages", "messages: at least one message is required")
    limit = fields.integer("max_tokens")
    newer_limit = fields.integer("max_completion_tokens")
    options = fields.object("stream_options")
    include_usage = options.flag("include_usage") if options is not None else None
    return GenerateRequest(
        protocol=NAME,
        model=model,
        messages=messages,
        tools=tuple(_tool(tool) for tool in fields.objects("tools")) + _functions(fields),
        tool_choice=_tool_choice(fields),
        parallel_tool_calls=fields.flag("parallel_tool_calls"),
        max_tokens=limit if newer_limit is None else newer_limit,
        sampling=_sampling(fields),
        reasoning=_reasoning(fields),
        output=_output(fields),
        verbosity=fields.text("verbosity"),
        stream=fields.flag("stream") or False,
        include_usage=include_usage,
        user=fields.text("user"),
        metadata=fields.raw("metadata"),
        service_tier=fields.text("service_tier"),
        store=fields.flag("store"),
        cache_key=fields.text("prompt_cache_key"),
        cache=_cache(fields),
        safety_identifier=fields.text("safety_identifier"),
        extras=extras_of(NAME, fields.rest()),
    )


def _gathered(messages: list[Message]) -> tuple[Message, ...]:
    """Neighbouring tool messages as one, which is the canonical shape."""
    gathered: list[Message] = []
    for message in messages:
        last = gathered[-1] if gathered else None
        if message.role == "tool" and last is not None and last.role == "tool":
            gathered[-1] = Message(role="tool", content=last.content + message.content)
        else:
            gathered.append(message)
    return tuple(gathered)


def _message(fields: Fields) -> Message:
    said = fields.required("role")
    role = _ROLES.get(said)
    if role is None:
        raise fields.wrong("role", f"{said!r} is no role; use one of {', '.join(_ROLES)}")
    if role == "tool":
        return Message(role="tool", content=(_tool_result(fields),))
    name = fields.text("name")
    thought = _thought(fields) if role == "assistant" else ()
    cache = _cache(fields)
    plain, content = _content(fields)
    if role == "assistant":
        content = (*thought, *content, *_refusal(fields), *_tool_calls(fields))
    elif not content:
        raise fields.wrong("content", "content is required")
    if cache is not None:
        content = _marked(content, cache)
    return Message(
        role=role, content=content, plain=plain and len(content) == 1, name=name, extras=extras_of(NAME, fields.rest())
    )


def _content(fields: Fields) -> tuple[bool, tuple[AnyPart, ...]]:
    """(was a bare string, parts) of a content field."""
    raw = fields.raw("content")
    if raw is None:
        return False, ()
    path = f"{fields.path}.content"
    if is_text(raw):
        return True, (Text(text=string(raw, path)),)
    holder = Fields(b'{"content":' + bytes(raw) + b"}", fields.path)
    parts: list[AnyPart] = []
    for item_path, item in holder.items("content"):
        parts.extend(_part(item, item_path))
    return False, tuple(parts)


def _part(raw: Raw, path: str) -> list[AnyPart]:
    if is_text(raw):
        return [Text(text=string(raw, path))]
    fields = Fields(raw, path)
    kind = fields.required("type")
    cache = _cache(fields)
    build = _PARTS.get(kind)
    if build is None:
        return [Opaque(origin=ORIGIN, type=kind, data=raw, cache=cache)]
    return [build(fields, cache)]


def _text_part(fields: Fields, cache: CacheMark | None) -> Text:
    return Text(text=fields.required("text"), cache=cache, extras=extras_of(NAME, fields.rest()))


def _refusal_part(fields: Fields, cache: CacheMark | None) -> Refusal:
    return Refusal(text=fields.required("refusal"))


def _thinking_part(fields: Fields, cache: CacheMark | None) -> Reasoning:
    """Mistral: {"type": "thinking", "thinking": [{"type": "text", "text": ...}]}."""
    value = fields.value("thinking")
    pieces = value if isinstance(value, list) else [{"text": value}]
    text = "".join(str(piece.get("text") or "") for piece in pieces if isinstance(piece, dict))
    return Reasoning(text=text, form="thinking_part", origin=ORIGIN)


def _image_part(fields: Fields, cache: CacheMark | None) -> Media:
    if "image_url" not in fields:
        raise fields.wrong("image_url", "image_url is required")
    raw = fields.raw("image_url")
    assert raw is not None
    path = f"{fields.path}.image_url"
    inner = Fields(b'{"url":' + bytes(raw) + b"}", path) if is_text(raw) else Fields(raw, path)
    url, detail = inner.required("url"), inner.text("detail")
    media_type, data = split_data_url(url)
    extras = extras_of(NAME, fields.rest())
    if data is None:
        if not url.startswith(("http://", "https://", "gs://", "data:", "ms://", "asset://")):
            raise ProtocolError("the image must be an http(s) URL or a base64 data: URL", path=f"{path}.url")
        return Media(kind="image", url=url, detail=detail, cache=cache, extras=extras)
    check_image(media_type, data, f"{path}.url")
    return Media(kind="image", data=data, media_type=media_type, detail=detail, cache=cache, extras=extras)


def check_image(media_type: str | None, data: str, path: str) -> None:
    """Raise ProtocolError for image data that is no base64 or plainly no image."""
    found = sniff(data)
    if found == "":
        raise ProtocolError("the image is not valid base64", path=path)
    if found is not None and not found.startswith("image/"):
        raise ProtocolError(f"the image says {media_type or 'image'}, but its bytes are {found}", path=path)
    if found is None and media_type in ("image/png", "image/jpeg", "image/gif", "image/webp"):
        raise ProtocolError(f"the bytes are no {media_type} image", path=path)


def _video_part(fields: Fields, cache: CacheMark | None) -> Media:
    inner = fields.object("video_url")
    if inner is None:
        raise fields.wrong("video_url", "video_url is required")
    url, detail = inner.required("url"), inner.text("detail")
    media_type, data = split_data_url(url)
    extras = extras_of(NAME, fields.rest() | inner.rest())
    if data is None:
        return Media(kind="video", url=url, detail=detail, cache=cache, extras=extras)
    return Media(kind="video", data=data, media_type=media_type, detail=detail, cache=cache, extras=extras)


def _audio_part(fields: Fields, cache: CacheMark | None) -> Media:
    inner = fields.object("input_audio")
    if inner is None:
        raise fields.wrong("input_audio", "input_audio is required")
    kind = inner.text("format")
    return Media(kind="audio", data=inner.required("data"), media_type=f"audio/{kind}" if kind else None, cache=cache)


def _file_part(fields: Fields, cache: CacheMark | None) -> Media:
    inner = fields.object("file")
    if inner is None:
        raise fields.wrong("file", "file is required")
    filename, file_id, said = inner.text("filename"), inner.text("file_id"), inner.text("file_data")
    extras = extras_of(NAME, inner.rest())
    if said is None:
        if file_id is None:
            raise inner.wrong("file_data", "file needs file_data or file_id")
        return Media(kind="document", file_id=file_id, filename=filename, cache=cache, extras=extras)
    media_type, data = split_data_url(said)
    if data is None and said.startswith(("http://", "https://")):
        return Media(kind="document", url=said, filename=filename, cache=cache, extras=extras)
    return Media(
        kind="document",
        data=said if data is None else data,
        media_type=media_type,
        filename=filename,
        cache=cache,
        extras=extras,
    )


_PARTS: dict[str, Any] = {
    "text": _text_part,
    "refusal": _refusal_part,
    "thinking": _thinking_part,
    "image_url": _image_part,
    "video_url": _video_part,
    "input_audio": _audio_part,
    "file": _file_part,
}


def _tool_result(fields: Fields) -> ToolResult:
    call = fields.text("tool_call_id") or fields.text("name")  # legacy function messages name the function
    if call is None:
        raise fields.wrong("tool_call_id", "tool_call_id is required")
    cache = _cache(fields)
    plain, content = _content(fields)
    kept = tuple(part for part in content if isinstance(part, Text | Media | Opaque))
    return ToolResult(
        call_id=call,
        content=kept,
        plain=plain or not kept,
        name=fields.text("name"),
        cache=cache,
        extras=extras_of(NAME, fields.rest()),
    )


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
    calls = tuple(_tool_call(call) for call in fields.objects("tool_calls"))
    legacy = fields.object("function_call")
    if legacy is None or calls:
        return calls
    name = legacy.required("name")
    return (ToolCall(id=name, name=name, arguments=legacy.text("arguments") or ""),)


def _tool_call(fields: Fields) -> ToolCall:
    call_id = fields.required("id")
    fields.drop("index")
    kind = fields.text("type") or "function"
    cache = _cache(fields)
    inner = fields.object("custom" if kind == "custom" else "function")
    if inner is None:
        raise fields.wrong(kind, f"{kind} is required")
    name = inner.required("name")
    arguments = inner.text("input") if kind == "custom" else _arguments(inner)
    return ToolCall(
        id=call_id,
        name=name,
        arguments=arguments or "",
        kind="custom" if kind == "custom" else "function",
        cache=cache,
        extras=extras_of(NAME, fields.rest()),
    )


def _arguments(inner: Fields) -> str | None:
    """Arguments as text; some clients send the object itself."""
    raw = inner.raw("arguments")
    if raw is None:
        return None
    return string(raw, f"{inner.path}.arguments") if is_text(raw) else bytes(raw).decode()


def _tool(fields: Fields) -> Tool | ServerTool:
    kind = fields.text("type") or "function"
    if kind not in ("function", "custom"):
        return _server_tool(fields, kind)
    cache = _cache(fields)
    inner = fields.object(kind)
    if inner is None:
        raise fields.wrong(kind, f"{kind} is required")
    cache = cache or _cache(inner)
    return Tool(
        name=inner.required("name"),
        description=inner.text("description"),
        parameters=inner.raw("parameters"),
        strict=inner.flag("strict"),
        kind="custom" if kind == "custom" else "function",
        format=inner.raw("format"),
        cache=cache,
        extras=extras_of(NAME, inner.rest() | fields.rest()),
    )


def _server_tool(fields: Fields, kind: str) -> ServerTool:
    return ServerTool(origin=NAME, type=kind, data=Raw(join({"type": dump(kind), **fields.rest()})))


def _functions(fields: Fields) -> tuple[Tool, ...]:
    """The legacy `functions` list."""
    return tuple(
        Tool(name=f.required("name"), description=f.text("description"), parameters=f.raw("parameters"))
        for f in fields.objects("functions")
    )


def _tool_choice(fields: Fields) -> ToolChoice | None:
    raw = fields.raw("tool_choice")
    legacy = fields.raw("function_call")
    raw = legacy if raw is None else raw
    if raw is None:
        return None
    path = f"{fields.path}.tool_choice"
    if is_text(raw):
        word = string(raw, path)
        mode = {"any": "required"}.get(word, word)
        if mode not in ("auto", "none", "required"):
            raise ProtocolError(f"{word!r} is no tool choice; use auto, none, required or a named tool", path=path)
        return ToolChoice(mode=mode)  # type: ignore[arg-type]
    choice = Fields(raw, path)
    kind = choice.text("type") or "function"
    inner = choice.object(kind) if kind in ("function", "custom") else None
    if inner is not None:
        return ToolChoice(mode="named", name=inner.required("name"), kind="custom" if kind == "custom" else "function")
    name = choice.text("name")
    if kind == "function" and name:
        return ToolChoice(mode="named", name=name)
    return ToolChoice(mode="native", origin=NAME, native=raw)


def _sampling(fields: Fields) -> Sampling:
    said: dict[str, Any] = {name: fields.number(name) for name in _NUMBERS}
    said |= {name: fields.integer(name) for name in _INTEGERS}
    return Sampling(stop=_stop(fields), logit_bias=fields.raw("logit_bias"), logprobs=fields.flag("logprobs"), **said)


def _stop(fields: Fields) -> tuple[str, ...] | None:
    raw = fields.raw("stop")
    if raw is None:
        return None
    if is_text(raw):
        return (string(raw, f"{fields.path}.stop"),)
    holder = Fields(b'{"stop":' + bytes(raw) + b"}", fields.path)
    return tuple(holder.strings("stop") or ())


def _reasoning(fields: Fields) -> ReasoningWish | None:
    """reasoning_effort (OpenAI) and reasoning{} (OpenRouter)."""
    effort = fields.text("reasoning_effort")
    inner = fields.object("reasoning")
    if inner is None:
        return None if effort is None else ReasoningWish(effort=effort)
    enabled = inner.flag("enabled")
    wish = ReasoningWish(
        mode=None if enabled is None else "enabled" if enabled else "disabled",
        effort=inner.text("effort") or effort,
        budget=inner.integer("max_tokens"),
        summary=inner.text("summary"),
        exclude=inner.flag("exclude"),
        extras=extras_of(NAME, inner.rest()),
    )
    return None if wish == ReasoningWish() else wish


def _output(fields: Fields) -> OutputFormat | None:
    inner = fields.object("response_format")
    if inner is None:
        return None
    kind = inner.required("type")
    if kind == "json_schema":
        schema = inner.object("json_schema")
        if schema is None:
            raise inner.wrong("json_schema", "json_schema is required")
        return OutputFormat(
            kind="json_schema",
            name=schema.text("name"),
            description=schema.text("description"),
            schema=schema.raw("schema"),
            strict=schema.flag("strict"),
        )
    if kind not in ("text", "json_object"):
        raise inner.wrong("type", f"{kind!r} is no response format; use text, json_object or json_schema")
    return OutputFormat(kind="text" if kind == "text" else "json_object")


def _cache(fields: Fields) -> CacheMark | None:
    inner = fields.object("cache_control")
    return None if inner is None else CacheMark(type=inner.text("type") or "ephemeral", ttl=inner.text("ttl"))


def _marked(content: tuple[AnyPart, ...], cache: CacheMark) -> tuple[AnyPart, ...]:
    """A message-level cache mark stands on the message's last part."""
    last = content[-1] if content else None
    if not isinstance(last, Text | Media | ToolCall):
        return content
    return (*content[:-1], replace(last, cache=cache))
