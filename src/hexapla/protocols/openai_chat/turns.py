"""The conversation of a request as Chat messages.

Most differences between Chat servers are here: whether there is a developer role, whether content may be a list, where
media of a tool result may stand, which thought comes back and in which field.  `Turns` holds one rendering; `Target` says
how.

Rules of this file: only what was said is emitted; whatever Chat, or this target, cannot say is a Loss under its IR path.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeGuard

from msgspec import Raw

from hexapla.errors import ClientError, Kind
from hexapla.ir.content import (
    HUNG,
    AnyPart,
    CacheMark,
    Extras,
    Media,
    Opaque,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from hexapla.ir.request import SYSTEM, Message
from hexapla.protocols.conversation import Conversation
from hexapla.protocols.extras import MARK, beside, lose_extras, own_extras
from hexapla.protocols.openai_chat.hung import Hanging, hang
from hexapla.protocols.openai_chat.parts import bare_call
from hexapla.protocols.openai_chat.reasoning import DETAILS, FORMS, PART, listed
from hexapla.protocols.openai_chat.schema import NAME
from hexapla.protocols.openai_chat.usual import usual_turn
from hexapla.wire.media import data_url
from hexapla.wire.rawjson import dump, split

Json = dict[str, Any]


class Turns(Conversation):
    """One rendering."""

    def render(self) -> list[Json]:
        """All messages in order."""
        rendered: list[Json] = []
        strings = self.target.content_strings
        for index, message in enumerate(self.messages()):
            said = usual_turn(message, strings=strings)
            if said is None:
                said = self._message(f"messages[{index}]", message)
            else:
                self.begun = True
            rendered += said
        return rendered

    def beside(self, body: Json, extras: Extras, path: str) -> Json:
        """`body` with unknown fields of our own protocol; those of others are losses."""
        return beside(body, extras, NAME, path, self.losses, alike=self.alike)

    def mark(self, cache: CacheMark | None, path: str) -> Json:
        """The cache_control field for a mark, or nothing."""
        if cache is None:
            return {}
        if not self.target.cache_marks:
            self.losses.add(path, "the target takes no cache marks", "cosmetic")
            return {}
        return {"cache_control": {"type": cache.type} | ({"ttl": cache.ttl} if cache.ttl else {})}

    def _message(self, path: str, message: Message) -> list[Json]:
        if message.role in SYSTEM:
            return [self._system(path, message)]
        self.begun = True
        if message.role == "tool":
            return self._results(path, message)
        if message.role == "assistant":
            return self._turn(path, message)
        return [self._said(path, "user", message)]

    def _said(self, path: str, role: str, message: Message) -> Json:
        body: Json = {"role": role, "content": self._content(path, message.content, plain=message.plain)}
        if message.name is not None:
            body["name"] = message.name
        return self.beside(body, message.extras, f"{path}.") if message.extras else body

    # system

    def _system(self, path: str, message: Message) -> Json:
        """A system or developer message, in its place; where the target wants none in between, the user reminds."""
        role = self.system_role(path, message)
        if role is None:
            return {"role": "user", "content": self.reminder(path, message)}
        return self._said(path, role, message)

    # content

    def _content(self, path: str, parts: Sequence[AnyPart], *, plain: bool) -> str | list[Json]:
        """Content as a string where it was one or the target wants one, else as parts."""
        if plain and len(parts) == 1 and _is_bare(parts[0]):
            return parts[0].text
        if self.target.content_strings:
            texts = [part for part in parts if isinstance(part, Text)]
            if len(texts) == len(parts):
                return self._joined(path, texts)
        rendered = [self._part(f"{path}.content[{i}]", part) for i, part in enumerate(parts)]
        return [part for part in rendered if part is not None] or ""  # an empty list is refused, an empty string is not

    def _joined(self, path: str, texts: Sequence[Text]) -> str:
        """Several texts as the one string that the target takes."""
        if len(texts) > 1:
            self.losses.add(f"{path}.content", "the target takes content as one string", "cosmetic")
        for index, part in enumerate(texts):
            where = f"{path}.content[{index}]"
            if part.cache is not None:
                self.losses.add(f"{where}.cache", "content as a string has no place for a cache mark", "cosmetic")
            lose_extras(part.extras, f"{where}.", "content as a string has no place for it", self.losses)
            self._uncited(part, where)
        return "\n\n".join(part.text for part in texts)

    def _part(self, path: str, part: AnyPart) -> Json | None:
        render = _RENDER.get(type(part))
        if render is None:
            self.losses.add(path, f"Chat Completions has no place for {type(part).__name__} here", "content")
            return None
        body = render(self, path, part)
        if body is None:
            return None
        cache, extras = getattr(part, "cache", None), getattr(part, "extras", None)
        if cache is not None:
            body = self.mark(cache, f"{path}.cache") | body  # what came whole holds its mark
        return self.beside(body, extras, f"{path}.") if extras else body

    def _text(self, path: str, part: Text) -> Json:
        if part.citations or part.logprobs:
            self._uncited(part, path)
        return {"type": "text", "text": part.text}

    def _uncited(self, part: Text, path: str) -> None:
        for name in ("citations", "logprobs"):
            if getattr(part, name):
                self.losses.add(f"{path}.{name}", f"Chat Completions takes no {name} in a history", "cosmetic")

    def _refusal(self, path: str, part: Refusal) -> Json:
        return {"type": "refusal", "refusal": part.text}

    def _opaque(self, path: str, part: Opaque) -> Json | None:
        if part.origin.protocol != NAME:
            self.losses.add(path, f"{part.type} is understood by {part.origin.protocol} only", "content")
            return None
        return {name: value for name, value in split(part.data).items() if part.cache is not None or name != MARK}

    # media

    def _media(self, path: str, part: Media) -> Json | None:
        if not self.target.media_urls and part.url is not None:
            raise ClientError(Kind.UNSUPPORTED, f"The target takes {part.kind} parts as base64 only.", param=path)
        body = _MEDIA[part.kind](self, path, part)
        for name in _NO_PLACE[part.kind]:
            if getattr(part, name) is not None:
                self.losses.add(f"{path}.{name}", f"Chat Completions has no {name} of {part.kind} parts", "cosmetic")
        return body

    def _picture(self, path: str, part: Media) -> Json | None:
        """An image or a video, whose part and field have one name."""
        field = f"{part.kind}_url"
        url = part.url if part.data is None else data_url(part.media_type, part.data)
        if url is None:
            self.losses.add(path, "an uploaded file is known to its own vendor only", "content")
            return None
        inner: Json = {"url": url} | ({"detail": part.detail} if part.detail is not None else {})
        return {"type": field, field: inner}

    def _sound(self, path: str, part: Media) -> Json | None:
        """OpenAI's {"data", "format"}; the bare string of Mistral for sound whose format was not said."""
        said = part.url if part.data is None else part.data
        if said is None:
            self.losses.add(path, "an uploaded file is known to its own vendor only", "content")
            return None
        inner: str | Json = {"data": said} if "input_audio" in part.extras.get(NAME, {}) else said
        if part.media_type is not None:
            kind = part.media_type.removeprefix("audio/")
            inner = {"data": said, "format": {"mpeg": "mp3", "x-wav": "wav"}.get(kind, kind)}
        return {"type": "input_audio", "input_audio": inner}

    def _document(self, path: str, part: Media) -> Json | None:
        if part.text is not None:
            if part.title is None and part.filename is None:
                self.losses.add(path, "Chat Completions has no text documents; it is said as text", "cosmetic")
            return {"type": "text", "text": part.text}
        filename = part.filename or part.title
        inner: Json = {"filename": filename} if filename else {}
        if part.file_id is not None:
            inner["file_id"] = part.file_id
        elif part.data is not None:
            inner["file_data"] = data_url(part.media_type or "application/pdf", part.data)
            inner.setdefault("filename", "document.pdf")
        elif part.url is not None:
            inner["file_data"] = part.url  # OpenRouter takes a URL here (openrouter.ai/docs/features/multimodal/pdfs)
            inner.setdefault("filename", part.url.rpartition("/")[2] or "document")
        return {"type": "file", "file": inner}

    # assistant turns

    def _turn(self, path: str, message: Message) -> list[Json]:
        """An assistant's turn; one of which nothing is left, because it was a stranger's thought, is refused."""
        body = self._assistant(path, message)
        if body.keys() == {"role", "content"} and not body["content"] and not _spoken(message):
            self.losses.add(path, "an assistant's turn that says nothing is refused; it was left out", "cosmetic")
            return []
        return [body]

    def _assistant(self, path: str, message: Message) -> Json:
        body: Json = {"role": "assistant"}
        said: list[AnyPart] = []
        calls: list[Json] = []
        hanging: list[Hanging] = []
        for index, part in enumerate(message.content):
            where = f"{path}.content[{index}]"
            if calls and not isinstance(part, ToolCall):
                self.losses.add(f"{path}.content", "Chat Completions puts calls after everything else", "cosmetic")
            if isinstance(part, ToolCall):
                calls.append(self._call(where, part))
            elif isinstance(part, Reasoning) and part.form == HUNG and part.origin.fits(self.target.origin):
                hanging.append(Hanging(part, len(calls), f"{where}."))
            elif isinstance(part, Reasoning):
                self._thought(body, said, where, part)
            elif isinstance(part, Media) and self.request.protocol != NAME:
                self.losses.add(where, f"Chat Completions has no place for the model's own {part.kind}", "content")
            else:
                said.append(part)
        body["content"] = self._spoken(path, said, body, plain=message.plain)
        body = hang(body, calls, hanging, self.beside) if hanging else body
        if calls:
            body["tool_calls"] = calls
        if message.name is not None:
            body["name"] = message.name
        return self.beside(body, message.extras, f"{path}.") if message.extras else body

    def _spoken(self, path: str, parts: list[AnyPart], body: Json, *, plain: bool) -> str | list[Json] | None:
        """An assistant turn's content: one string where possible, since many servers take nothing else."""
        if not parts:
            return None
        if len(parts) == 1 and isinstance(parts[0], Refusal) and not parts[0].extras:
            body["refusal"] = parts[0].text
            return None
        (first, *others) = parts
        if not others and isinstance(first, Text) and first.cache is None and NAME not in first.extras:
            self._uncited(first, f"{path}.content[0]")
            own_extras(first.extras, NAME, f"{path}.content[0].", self.losses)
            return first.text
        return self._content(path, parts, plain=plain)

    def _thought(self, body: Json, said: list[AnyPart], path: str, part: Reasoning) -> None:
        """Replay thought to whom it came from, in the field in which it came.  Relayed details go back to the relay."""
        policy, ours = self.target.replay_reasoning, part.origin.fits(self.target.origin)
        fits = ours or part.details is not None
        if policy == "never" or not (fits or (policy == "always" and part.readable)):
            self.losses.add(path, "reasoning is replayed to the provider that it came from only", "cosmetic")
            return
        if part.form == PART and ours:
            said.append(Opaque(origin=part.origin, type="thinking", data=self._thinking_part(path, part)))
            return
        if not fits:
            self.losses.add(path, "another provider's reasoning is sent as text, without its signature", "cosmetic")
        only = self.target.reasoning_field
        form = only or (part.form if fits and part.form in (*FORMS, DETAILS) else "reasoning_content")
        if part.readable and form != DETAILS:
            body[form] = body.get(form, "") + part.readable
        if part.details is not None and not only:
            body["reasoning_details"] = [*body.get("reasoning_details", ()), *listed(part.details)]
        elif ours and part.encrypted is not None:
            body["reasoning_opaque"] = part.encrypted

    def _thinking_part(self, path: str, part: Reasoning) -> Raw:
        inner = {"type": "thinking", "thinking": [{"type": "text", "text": part.readable}]}
        return dump(self.beside(inner, part.extras, f"{path}."))

    def _call(self, path: str, part: ToolCall) -> Json:
        if part.namespace is not None:
            self.losses.add(f"{path}.namespace", "Chat Completions has no tool namespaces", "cosmetic")
        call = bare_call(part)
        if part.cache is not None:
            call |= self.mark(part.cache, f"{path}.cache")
        return self.beside(call, part.extras, f"{path}.") if part.extras else call

    # tool results

    def _results(self, path: str, message: Message) -> list[Json]:
        """One tool message a result; what a tool message cannot hold follows in a user message."""
        lose_extras(message.extras, f"{path}.", "each result is a message of its own", self.losses)
        rendered: list[Json] = []
        moved: list[Json] = []
        for index, part in enumerate(message.content):
            where = f"{path}.content[{index}]"
            if isinstance(part, ToolResult):
                rendered.append(self._result(where, part, moved))
            elif (said := self._part(where, part)) is not None:  # what came of a tool that nobody called
                moved.append(said)
        if moved:
            rendered.append({"role": "user", "content": moved})
        return rendered

    def _result(self, path: str, part: ToolResult, moved: list[Json]) -> Json:
        content: Sequence[AnyPart] = part.content
        if not _only_texts(content) and not self._holds_media():
            content = self._move(path, part, moved)
        if part.is_error:
            self.losses.add(f"{path}.is_error", "Chat Completions marks no errors; the text says so", "cosmetic")
            content = self._as_error(content)
        body: Json = {
            "role": "tool",
            "tool_call_id": part.call_id,
            "content": self._result_content(path, part, content),
        }
        if part.name is not None:
            body["name"] = part.name
        if part.cache is not None:
            body |= self.mark(part.cache, f"{path}.cache")
        return self.beside(body, part.extras, f"{path}.") if part.extras else body

    def _holds_media(self) -> bool:
        """OpenAI's tool messages hold text only; a Chat client that puts media there knows that its server takes them."""
        return self.target.tool_result_media and self.request.protocol == NAME

    def _as_error(self, content: Sequence[AnyPart]) -> tuple[AnyPart, ...]:
        first = content[0] if content else None
        if isinstance(first, Text) and first.cache is None and not first.extras:
            return (Text(text=f"Error: {first.text}"), *content[1:])
        return (Text(text="Error: "), *content)

    def _result_content(self, path: str, part: ToolResult, content: Sequence[AnyPart]) -> str | list[Json]:
        plain = (part.plain or len(content) < 2) and _only_texts(content)
        return self._content(path, content or [Text(text="")], plain=plain)

    def _move(self, path: str, part: ToolResult, moved: list[Json]) -> tuple[AnyPart, ...]:
        """Media of a result follow in a user message that says whose they are; what is left is the result's text."""
        others = [(i, each) for i, each in enumerate(part.content) if not isinstance(each, Text)]
        rendered = [self._part(f"{path}.content[{i}]", each) for i, each in others]
        kept = [each for each in rendered if each is not None]
        if kept:
            self.losses.add(f"{path}.content", "media of a tool result stand in a user message after it", "cosmetic")
            moved.append({"type": "text", "text": f"Content of the tool result for call {part.call_id}:"})
            moved.extend(kept)
        return tuple([each for each in part.content if isinstance(each, Text)])


def _is_bare(part: AnyPart) -> TypeGuard[Text]:
    """Whether a part is a text and nothing beside."""
    return type(part) is Text and part.cache is None and not part.extras and not part.citations


def _only_texts(parts: Sequence[AnyPart]) -> bool:
    return {*map(type, parts)} <= _TEXT


def _spoken(message: Message) -> bool:
    """Whether a turn holds a text, be it empty, or is empty itself."""
    return not message.content or any(isinstance(part, Text) for part in message.content)


_TEXT: frozenset[type] = frozenset({Text})
_RENDER: dict[type, Callable[[Turns, str, Any], Json | None]] = {
    Text: Turns._text,
    Refusal: Turns._refusal,
    Media: Turns._media,
    Opaque: Turns._opaque,
}
_MEDIA: dict[str, Callable[[Turns, str, Media], Json | None]] = {
    "image": Turns._picture,
    "video": Turns._picture,
    "audio": Turns._sound,
    "document": Turns._document,
}
_NO_PLACE: dict[str, tuple[str, ...]] = {
    # fields of Media that have no place in a part of this kind
    "image": ("filename", "title", "context", "citations"),
    "video": ("filename", "title", "context", "citations"),
    "audio": ("detail", "filename", "title", "context", "citations"),
    "document": ("detail", "title", "context", "citations"),
}
