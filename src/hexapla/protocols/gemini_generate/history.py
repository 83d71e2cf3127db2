"""The conversation of a client's Gemini body: contents and their parts.

Functions without ids get one that is the same in every turn; a response without an id belongs to the next unanswered call
of its name.  A thoughtSignature is state: the vendor's own becomes a Reasoning part beside what it signs, an envelope of
ours is opened, and what was shown of that thought is then not heard a second time.  Neighbouring contents of the model are
one turn, since SDKs keep a streamed answer as one content for each chunk.

Rules of this file: one function for each kind of part, found by table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeGuard

from msgspec import Raw
from msgspec.structs import replace

from hexapla.errors import ProtocolError
from hexapla.ir.content import AnyPart, Extras, Media, Opaque, Reasoning, Text, ToolCall, ToolResult
from hexapla.ir.envelope import open_envelope
from hexapla.ir.request import Message, Role
from hexapla.protocols.gemini_generate.fields import Camel, extras_of, standard
from hexapla.protocols.gemini_generate.media import media_kind
from hexapla.protocols.gemini_generate.signature import mark, unwrap
from hexapla.protocols.gemini_generate.words import NAME, ORIGIN, made_id
from hexapla.protocols.images import check_file
from hexapla.protocols.typed import is_text, string
from hexapla.wire.rawjson import dump, load

_ROLES: dict[str, Role] = {
    "user": "user",
    "model": "assistant",
    "assistant": "assistant",
    "function": "user",
    "tool": "user",
    "system": "system",
}


def parse_system(fields: Camel) -> tuple[Message, ...]:
    """systemInstruction: a content, or text alone as some clients send it."""
    raw = fields.raw("systemInstruction")
    if raw is None:
        return ()
    path = "$.systemInstruction"
    if is_text(raw):
        text = string(raw, path)
        return (Message(role="system", content=(Text(text=text),), plain=True),) if text else ()
    content = Camel(raw, path)
    parts = tuple(_Contents().parts(content, 0))
    content.text("role")  # clients send one, and it says nothing
    extras = extras_of(NAME, content.rest())
    return (Message(role="system", content=parts, plain=_plain(parts), extras=extras),) if parts else ()


def parse_contents(fields: Camel) -> tuple[Message, ...]:
    """All messages, in canonical shape."""
    if "contents" not in fields:
        raise fields.wrong("contents", "contents is required")
    contents = _Contents()
    for index, content in enumerate(fields.objects("contents")):
        contents.add(content, index)
    if not contents.messages:
        raise fields.wrong("contents", "contents: at least one content is required")
    return tuple(contents.messages)


def _plain(parts: tuple[AnyPart, ...]) -> bool:
    return len(parts) == 1 and isinstance(parts[0], Text) and not parts[0].extras


class _Contents:
    """The messages so far, and the calls that wait for their responses."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._waiting: list[ToolCall] = []
        self._known: set[str] = set()
        self._index = 0
        self._made = 0

    def add(self, fields: Camel, index: int) -> None:
        said = fields.text("role") or "user"
        role = _ROLES.get(said)
        if role is None:
            raise fields.wrong("role", f"{said!r} is no role; use user or model")
        parts = self.parts(fields, index)
        extras = extras_of(NAME, fields.rest())
        if role == "assistant":
            self._turn(parts, Message(role=role, extras=extras))
            return
        results = tuple(part for part in parts if isinstance(part, ToolResult))
        others = tuple(part for part in parts if not isinstance(part, ToolResult))
        if results:
            self._results(results, {} if others else extras)
        if others or not results:
            self.messages.append(Message(role=role, content=others, plain=_plain(others), extras=extras))

    def _turn(self, parts: list[AnyPart], message: Message) -> None:
        """The model's turn, joined to the one before it; thought that an envelope holds is not heard twice."""
        last = self.messages[-1] if self.messages else None
        before: tuple[AnyPart, ...] = ()
        if last is not None and last.role == "assistant":
            before = last.content
            self.messages.pop()
            message = replace(message, extras=_both(last.extras, message.extras))
        else:
            self._waiting = []
        self._waiting += [part for part in parts if isinstance(part, ToolCall)]
        content = _joined(before, parts)
        content = tuple(part for part in content if part != _EMPTY) or content[:1]
        if any(isinstance(part, Reasoning) and part.origin.protocol != NAME for part in content):
            content = tuple(part for part in content if not _shown(part) or part.extras)
        self.messages.append(replace(message, content=content))

    def _results(self, results: tuple[ToolResult, ...], extras: Extras) -> None:
        last = self.messages[-1] if self.messages else None
        if last is not None and last.role == "tool":
            joined = last.content + results
            self.messages[-1] = replace(last, content=joined, extras=_both(last.extras, extras))
        else:
            self.messages.append(Message(role="tool", content=results, extras=extras))

    # parts

    def parts(self, fields: Camel, index: int) -> list[AnyPart]:
        self._index, self._made = index, 0
        raw = fields.peek("parts")
        if raw is not None and bytes(memoryview(raw)[:1]) == b"{":
            fields.put("parts", Raw(b"[" + bytes(raw) + b"]"))
        return [part for path, item in fields.items("parts") for part in self._part(item, path)]

    def _part(self, raw: Raw, path: str) -> list[AnyPart]:
        if is_text(raw):
            return [Text(text=string(raw, path))]
        fields = Camel(raw, path)
        kind = next((name for name in _PARTS if name in fields), None)
        signature = fields.text("thoughtSignature")
        thought = fields.flag("thought") or False
        seals = unwrap(signature) if signature else None
        if seals is not None:
            signature = None
        if thought and kind in (None, "text"):
            said = self._thought(fields, signature)
            return [said] if seals is None else _opened(seals, said.extras)
        opened = _opened(seals or (), {})
        if kind is None:
            return self._unknown(raw, fields, opened, signature)
        part = _PARTS[kind](self, fields)
        if signature is None:
            return [*opened, part]
        return [*opened, *_signed(part, signature, fields.path)]

    def _unknown(self, raw: Raw, fields: Camel, opened: list[AnyPart], signature: str | None) -> list[AnyPart]:
        """A part that only Gemini knows, whole; a signature alone belongs to the text before it."""
        rest = fields.rest()
        if not rest:
            return [*opened, mark(signature)] if signature else opened
        return [*opened, Opaque(origin=ORIGIN, type=next(iter(rest)), data=raw)]

    def _thought(self, fields: Camel, signature: str | None) -> Reasoning:
        text = fields.text("text") or ""
        return Reasoning(
            text=text, signature=signature, form="thought", origin=ORIGIN, extras=extras_of(NAME, fields.rest())
        )

    def text(self, fields: Camel) -> Text:
        return Text(text=fields.required("text"), extras=extras_of(NAME, fields.rest()))

    def blob(self, fields: Camel) -> Media:
        inner = fields.object("inlineData")
        assert inner is not None
        media_type, data = inner.text("mimeType"), standard(inner.required("data"))
        kind = media_kind(media_type)
        check_file(kind, media_type, data, f"{inner.path}.data")
        return Media(
            kind=kind,
            data=data,
            media_type=media_type,
            filename=inner.text("displayName"),
            extras=extras_of(NAME, fields.rest(inner)),
        )

    def file(self, fields: Camel) -> Media:
        inner = fields.object("fileData")
        assert inner is not None
        url, media_type = inner.required("fileUri"), inner.text("mimeType")
        return Media(
            kind=media_kind(media_type, url),
            url=url,
            media_type=media_type,
            filename=inner.text("displayName"),
            extras=extras_of(NAME, fields.rest(inner)),
        )

    def call(self, fields: Camel) -> ToolCall:
        inner = fields.object("functionCall")
        assert inner is not None
        name, call_id, given = inner.required("name"), inner.text("id"), inner.raw("args")
        if given is not None and bytes(memoryview(given)[:1]) != b"{":
            raise inner.wrong("args", "args must be an object")
        if not call_id:
            call_id = made_id(self._index, self._made, name)
            self._made += 1
        self._known.add(call_id)
        return ToolCall(
            id=call_id,
            name=name,
            arguments=bytes(given).decode("utf-8", "replace") if given is not None else "{}",
            extras=extras_of(NAME, fields.rest(inner)),
        )

    def response(self, fields: Camel) -> ToolResult:
        inner = fields.object("functionResponse")
        assert inner is not None
        name, given = inner.required("name"), inner.text("id")
        text, is_error = _output(inner.raw("response"))
        media = [self._media(each) for each in inner.objects("parts")]
        call_id, known = self._answered(given, name)
        content: tuple[Text | Media | Opaque, ...] = (Text(text=text),) if text or not media else ()
        return ToolResult(
            call_id=call_id,
            content=(*content, *media),
            plain=not media,
            is_error=is_error,
            name=None if known else name,
            extras=extras_of(NAME, fields.rest(inner)),
        )

    def _media(self, fields: Camel) -> Media:
        if "inlineData" in fields:
            return self.blob(fields)
        if "fileData" in fields:
            return self.file(fields)
        raise ProtocolError("a part of a function's response holds inlineData or fileData", path=fields.path)

    def _answered(self, given: str | None, name: str) -> tuple[str, bool]:
        """(the id of the call that a response answers, whether that call is called `name`)."""
        found = next((call for call in self._waiting if given and call.id == given), None)
        if found is None and (not given or given not in self._known):
            found = next((call for call in self._waiting if call.name == name), None)
        if found is None:
            return given or made_id("response", self._index, name), False
        self._waiting.remove(found)
        return found.id, found.name == name


_EMPTY = Text(text="")
"""What the last chunk of a stream holds, and every client sends back."""


def _opened(seals: Sequence[str], beside: Extras) -> list[AnyPart]:
    """What is in envelopes; a broken one proves nothing to anyone."""
    return [part for seal in seals if (part := open_envelope(seal, beside)) is not None]


def _signed(part: AnyPart, signature: str, path: str) -> list[AnyPart]:
    """A part with its signature: a call's stands before it, a text's after it, a file's travels in it."""
    if isinstance(part, ToolCall):
        return [mark(signature, part.id), part]
    if isinstance(part, Text):
        return [part, mark(signature)] if part.text else [mark(signature)]
    if isinstance(part, Media):
        own = {**part.extras.get(NAME, {}), "thoughtSignature": dump(signature)}
        return [replace(part, extras={NAME: own})]
    raise ProtocolError("a thoughtSignature stands on a model's part only", path=path)


def _is_thought(part: Reasoning) -> bool:
    return part.origin.protocol == NAME and part.encrypted is None


def _shown(part: AnyPart) -> TypeGuard[Reasoning]:
    """Thought that a Gemini client saw and sends back without proof."""
    return isinstance(part, Reasoning) and part.origin.protocol == NAME and not (part.signature or part.encrypted)


def _joined(before: tuple[AnyPart, ...], parts: list[AnyPart]) -> tuple[AnyPart, ...]:
    """One turn of two contents: text and thought that were cut between chunks are whole again."""
    if not before or not parts:
        return (*before, *parts)
    last, first = before[-1], parts[0]
    if isinstance(last, Text) and isinstance(first, Text) and not (last.extras or first.extras):
        return (*before[:-1], replace(last, text=last.text + first.text), *parts[1:])
    if isinstance(last, Reasoning) and isinstance(first, Reasoning) and _shown(last) and _is_thought(first):
        return (*before[:-1], replace(first, text=last.text + first.text), *parts[1:])
    return (*before, *parts)


def _output(raw: Raw | None) -> tuple[str, bool | None]:
    """A function's response as text.  What stands alone under output, result or error is meant itself
    (https://ai.google.dev/api/caching#FunctionResponse, 2026-11)."""
    fields = load(raw, dict[str, Raw]) if raw is not None else None
    if fields is None:
        return (bytes(raw).decode("utf-8", "replace") if raw is not None else ""), None
    if len(fields) == 1:
        name, value = next(iter(fields.items()))
        if name in ("output", "result", "error"):
            text = load(value, str)
            said = text if text is not None else bytes(value).decode("utf-8", "replace")
            return said, True if name == "error" else None
    assert raw is not None
    return bytes(raw).decode("utf-8", "replace"), None


def _both(first: Extras, second: Extras) -> Extras:
    """What two contents that become one say beside their parts; the first is believed."""
    return {NAME: {**second.get(NAME, {}), **first.get(NAME, {})}} if first and second else first or second


_PARTS: dict[str, Callable[[_Contents, Camel], Any]] = {
    "functionCall": _Contents.call,
    "functionResponse": _Contents.response,
    "inlineData": _Contents.blob,
    "fileData": _Contents.file,
    "text": _Contents.text,
}
