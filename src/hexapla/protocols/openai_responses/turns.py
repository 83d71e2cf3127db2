"""The conversation of a request, written as items.

A leading system message of plain text becomes `instructions`; every other message keeps its place.  An assistant's turn is
one item for each part, except that texts which came from one message item stand in one again.  Thought goes back to whom
it came from and to nobody else.

Rules of this file: one function for each kind of part, found by table; whatever is not said is a Loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from msgspec import Raw

from hexapla.errors import ClientError, Kind
from hexapla.ir.content import AnyPart, Extras, Media, Opaque, Reasoning, Refusal, Text, ToolCall, ToolResult
from hexapla.ir.request import SYSTEM, Message
from hexapla.protocols.conversation import Conversation
from hexapla.protocols.extras import beside, lose_extras, own_extras
from hexapla.protocols.openai_responses.items import PART
from hexapla.protocols.openai_responses.output import native_reasoning, part_extras, refusal_part, render_citation
from hexapla.protocols.openai_responses.words import NAME, good_id
from hexapla.wire.media import data_url, sniff
from hexapla.wire.rawjson import load, split

Json = dict[str, Any]


class Turns(Conversation):
    """One rendering."""

    def instructions(self) -> str | None:
        """The leading system message, where it is nothing but text and somebody says more."""
        first = self.request.messages[0] if len(self.request.messages) > 1 else None
        if first is None or first.role != "system" or not first.plain or first.extras or first.name is not None:
            return None
        text = first.content[0] if first.content else None
        return text.text if isinstance(text, Text) and text.cache is None and not text.extras else None

    def items(self) -> list[Json]:
        """All messages but the one that is the instructions."""
        skipped = 0 if self.instructions() is None else 1
        return [
            item
            for index, message in enumerate(self.messages())
            if index >= skipped
            for item in self._message(f"messages[{index}]", message)
        ]

    def _message(self, path: str, message: Message) -> list[Json]:
        if message.name is not None:
            self.losses.add(f"{path}.name", "Responses has no names of speakers", "cosmetic")
        if message.role in SYSTEM:
            return [self._system(path, message)]
        self.begun = True
        if message.role == "assistant":
            return self._assistant(path, message)
        if message.role == "tool":
            return self._results(path, message)
        return [self._said(path, "user", message)]

    def _said(self, path: str, role: str, message: Message) -> Json:
        body: Json = {"type": "message", "role": role, "content": self._content(path, message)}
        return self._whole_item(body, message.extras, path) if message.extras else body

    def _whole_item(self, body: Json, extras: Extras, path: str) -> Json:
        """An item with its own fields."""
        return self._item_fields(beside(body, extras, NAME, f"{path}.", self.losses, alike=self.alike), path)

    def _item_fields(self, own: Json, path: str) -> Json:
        """An item's own fields; an id that no server would take back is left out."""
        raw = own.get("id")
        if raw is not None and not good_id(load(raw, str) if isinstance(raw, Raw) else raw):
            del own["id"]
            self.losses.add(
                f"{path}.extras.{NAME}.id", "the id is longer than OpenAI takes, or has other characters", "cosmetic"
            )
        return own

    # system

    def _system(self, path: str, message: Message) -> Json:
        """A system or developer message, in its place; where the target wants none in between, the user reminds."""
        role = self.system_role(path, message)
        if role is None:
            return {"type": "message", "role": "user", "content": self.reminder(path, message)}
        return self._said(path, role, message)

    # content

    def _content(self, path: str, message: Message) -> str | list[Json]:
        """Content as a string where it was one or the target wants one, else as parts."""
        texts = [part for part in message.content if isinstance(part, Text) and not part.extras]
        if len(texts) == len(message.content) and texts:
            if message.plain and len(texts) == 1:
                self._bare(f"{path}.content[0]", texts[0])
                return texts[0].text
            if self.target.content_strings:
                return self._joined(path, texts)
        return self._parts(path, message.content)

    def _joined(self, path: str, texts: Sequence[Text]) -> str:
        if len(texts) > 1:
            self.losses.add(f"{path}.content", "the target takes content as one string", "cosmetic")
        for index, text in enumerate(texts):
            self._bare(f"{path}.content[{index}]", text)
        return "\n\n".join(text.text for text in texts)

    def _parts(self, path: str, parts: Iterable[AnyPart]) -> list[Json]:
        rendered = [self._part(f"{path}.content[{index}]", part) for index, part in enumerate(parts)]
        return [part for part in rendered if part is not None]

    def _part(self, path: str, part: AnyPart) -> Json | None:
        self._unmarked(path, part)
        render = _PARTS.get(type(part))
        if render is None:
            self.losses.add(path, f"Responses has no place for {type(part).__name__} here", "content")
            return None
        body, extras = render(self, path, part), getattr(part, "extras", None)
        if body is None or not extras:
            return body
        alike = self.alike and body["type"] != "input_audio"
        return beside(body, extras, NAME, f"{path}.", self.losses, alike=alike)

    def _unmarked(self, path: str, part: AnyPart) -> None:
        if getattr(part, "cache", None) is not None:
            self.losses.add(f"{path}.cache", "Responses takes no cache marks", "cosmetic")

    def _bare(self, path: str, part: Text) -> None:
        """What a text has beside its text, which only a model's own text can say here."""
        self._unmarked(path, part)
        for name in ("citations", "logprobs"):
            if getattr(part, name):
                self.losses.add(f"{path}.{name}", f"Responses takes no {name} in what the client says", "cosmetic")

    def _text(self, path: str, part: Text) -> Json:
        self._bare(path, part)
        return {"type": "input_text", "text": part.text}

    def _opaque_part(self, path: str, part: Opaque) -> Json | None:
        if part.origin.protocol == NAME:
            return dict(split(part.data))
        self.losses.add(path, f"{part.type} is understood by {part.origin.protocol} only", "content")
        return None

    # media

    def _media(self, path: str, part: Media) -> Json | None:
        if not self.target.media_urls and part.url is not None:
            raise ClientError(Kind.UNSUPPORTED, f"The target takes {part.kind} parts as base64 only.", param=path)
        for name in _NO_PLACE[part.kind]:
            if getattr(part, name) is not None:
                self.losses.add(f"{path}.{name}", f"Responses has no {name} of {part.kind} parts", "cosmetic")
        return _MEDIA[part.kind](self, path, part)

    def _image(self, path: str, part: Media) -> Json | None:
        body: Json = {"type": "input_image"}
        if part.detail is not None or self.request.protocol != NAME:
            # the published types demand it, and "auto" is what silence means (openai-python 3.54; OpenRouter's openapi)
            body["detail"] = part.detail or "auto"
        if part.data is not None:
            kind = part.media_type or sniff(part.data) or "image/png"
            return body | {"image_url": data_url(kind, part.data)}
        if part.url is not None:
            return body | {"image_url": part.url}
        return self._uploaded(path, part, body)

    def _document(self, path: str, part: Media) -> Json | None:
        if part.text is not None:
            self.losses.add(path, "Responses has no text documents; it is said as text", "cosmetic")
            return {"type": "input_text", "text": part.text}
        name = part.filename or part.title
        body: Json = {"type": "input_file"} | ({"filename": name} if name else {})
        if part.data is not None:
            # OpenAI refuses file_data without a name (https://platform.openai.com/docs/guides/pdf-files, 2026-08)
            kind = part.media_type or "application/pdf"
            return {"filename": "document.pdf"} | body | {"file_data": data_url(kind, part.data)}
        if part.url is not None:
            return body | {"file_url": part.url}
        return self._uploaded(path, part, body)

    def _uploaded(self, path: str, part: Media, body: Json) -> Json | None:
        """A file that a vendor keeps: OpenAI's two dialects name the same files."""
        if part.file_id is not None and self.request.protocol != "anthropic_messages":
            return body | {"file_id": part.file_id}
        self.losses.add(path, "an uploaded file is known to its own vendor only", "content")
        return None

    def _audio(self, path: str, part: Media) -> Json | None:
        if part.data is None:
            self.losses.add(path, "Responses takes sound as base64 only", "content")
            return None
        kind = (part.media_type or "audio/wav").removeprefix("audio/")
        kind = {"mpeg": "mp3", "x-wav": "wav"}.get(kind, kind)
        return {"type": "input_audio", "input_audio": {"data": part.data, "format": kind}}

    def _video(self, path: str, part: Media) -> Json | None:
        self.losses.add(path, "Responses takes no video", "content")
        return None

    # assistant turns

    def _assistant(self, path: str, message: Message) -> list[Json]:
        lose_extras(message.extras, f"{path}.", "an assistant's turn is several items here", self.losses)
        if not message.content:
            self.losses.add(path, "an assistant's turn that says nothing is no item", "cosmetic")
        items: list[Json] = []
        for index, part in enumerate(message.content):
            where = f"{path}.content[{index}]"
            self._unmarked(where, part)
            item = _ASSISTANT[type(part)](self, where, part)
            if item is not None and not _joins(items, item):
                items.append(item)
        return items

    def _spoken(self, path: str, part: Text) -> Json:
        own = own_extras(part.extras, NAME, f"{path}.", self.losses, alike=False)  # they are an item's
        own.pop(PART, None)
        if not (own or part.citations or part.logprobs or part_extras(part)):
            # a part of type output_text belongs to an item with an id; text that never had one is an easy message
            return {"type": "message", "role": "assistant", "content": part.text}
        content: Json = {"type": "output_text", "text": part.text}
        if part.citations:
            content["annotations"] = [render_citation(citation) for citation in part.citations]
            if any(citation.origin != NAME for citation in part.citations):
                self.losses.add(f"{path}.citations", "another dialect's citations are said as addresses", "cosmetic")
        if part.logprobs:
            content["logprobs"] = list(part.logprobs)
        item: Json = {"type": "message", "role": "assistant", "content": [content | part_extras(part)]}
        return item | self._item_fields(own, path)

    def _refused(self, path: str, part: Refusal) -> Json:
        if self.request.protocol != NAME:
            self.losses.add(path, "a refusal belongs to an item with an id; it is said as text", "cosmetic")
            lose_extras(part.extras, f"{path}.", "a refusal is said as text", self.losses)
            return {"type": "message", "role": "assistant", "content": part.text}
        content = refusal_part(part.text) | part_extras(part)
        own = {name: value for name, value in part.extras.get(NAME, {}).items() if name != PART}
        return self._item_fields({"type": "message", "role": "assistant", "content": [content], **own}, path)

    def _thought(self, path: str, part: Reasoning) -> Json | None:
        if not part.origin.fits(self.target.origin) or self.target.replay_reasoning == "never":
            self.losses.add(path, "reasoning is replayed to the provider that it came from only", "cosmetic")
            return None
        if not (part.encrypted or part.text or self._stored()):
            self.losses.add(path, "the target keeps no reasoning that it could be reminded of by id", "cosmetic")
            return None
        return self._item_fields(native_reasoning(part, part.id), path)

    def _stored(self) -> bool:
        """Whether the target knows an item by its id alone; a Responses client that does not forbid it should know."""
        return self.request.store is not False and (self.target.stores or self.request.protocol == NAME)

    def _call(self, path: str, part: ToolCall) -> Json:
        if part.kind == "custom":
            item: Json = {"type": "custom_tool_call", "call_id": part.id, "name": part.name, "input": part.arguments}
        else:
            item = {"type": "function_call", "call_id": part.id, "name": part.name, "arguments": part.arguments or "{}"}
        if part.namespace is not None:
            item["namespace"] = part.namespace
        return self._whole_item(item, part.extras, path) if part.extras else item

    def _opaque(self, path: str, part: AnyPart) -> Json | None:
        if isinstance(part, Opaque):
            return self._opaque_part(path, part)
        self.losses.add(path, f"Responses has no place for {type(part).__name__} here", "content")
        return None

    # tool results

    def _results(self, path: str, message: Message) -> list[Json]:
        """One output item a result; media that the target takes nowhere else follow in a user message."""
        lose_extras(message.extras, f"{path}.", "each result is an item of its own", self.losses)
        items: list[Json] = []
        moved: list[Json] = []
        for index, part in enumerate(message.content):
            where = f"{path}.content[{index}]"
            item = self._result(where, part, moved) if isinstance(part, ToolResult) else self._opaque(where, part)
            if item is not None:
                items.append(item)
        if moved:
            items.append({"type": "message", "role": "user", "content": moved})
        return items

    def _result(self, path: str, part: ToolResult, moved: list[Json]) -> Json:
        self._unmarked(path, part)
        if part.is_error is not None:
            self.losses.add(f"{path}.is_error", "Responses marks no errors; the text says so", "cosmetic")
        if part.name is not None:
            self.losses.add(f"{path}.name", "Responses results name no tool", "cosmetic")
        item: Json = {
            "type": f"{'custom_tool' if part.kind == 'custom' else 'function'}_call_output",
            "call_id": part.call_id,
            "output": self._output(path, part, moved),
        }
        return self._whole_item(item, part.extras, path) if part.extras else item

    def _output(self, path: str, part: ToolResult, moved: list[Json]) -> str | list[Json]:
        content = part.content if self.target.tool_result_media else self._move(path, part, moved)
        prefix = "Error: " if part.is_error else ""
        texts = [each for each in content if isinstance(each, Text) and not each.extras]
        if len(texts) == len(content) and (part.plain or not self.target.tool_result_media):
            for index, text in enumerate(texts):
                self._bare(f"{path}.content[{index}]", text)
            return prefix + "".join(text.text for text in texts)
        parts = self._parts(path, content)
        marked = [{"type": "input_text", "text": prefix}, *parts] if prefix else parts
        return marked or ""  # an empty list is refused, an empty string is not

    def _move(self, path: str, part: ToolResult, moved: list[Json]) -> tuple[Text, ...]:
        """Media of a result go to a user message that says whose they are; what is left is the result's text."""
        others = [(i, each) for i, each in enumerate(part.content) if not isinstance(each, Text)]
        rendered = [self._part(f"{path}.content[{i}]", each) for i, each in others]
        kept = [each for each in rendered if each is not None]
        if kept:
            self.losses.add(f"{path}.content", "media of a tool result stand in a user message after it", "cosmetic")
            moved.append({"type": "input_text", "text": f"Content of the tool result for call {part.call_id}:"})
            moved.extend(kept)
        return tuple([each for each in part.content if isinstance(each, Text)])


def _joins(items: list[Json], item: Json) -> bool:
    """Put the parts of one message item (they carry the same id) into one item again."""
    last = items[-1] if items else None
    if last is None or item.get("type") != "message" or last.get("type") != "message":
        return False
    if item.get("id") is None or item["id"] != last.get("id"):
        return False
    last["content"] = [*last["content"], *item["content"]]
    return True


_PARTS: dict[type, Callable[[Turns, str, Any], Json | None]] = {
    Text: Turns._text,
    Media: Turns._media,
    Opaque: Turns._opaque_part,
}
_MEDIA: dict[str, Callable[[Turns, str, Media], Json | None]] = {
    "image": Turns._image,
    "document": Turns._document,
    "audio": Turns._audio,
    "video": Turns._video,
}
_NO_PLACE: dict[str, tuple[str, ...]] = {
    # fields of Media that have no place in a part of this kind
    "image": ("filename", "title", "context", "citations"),
    "document": ("detail", "context", "citations"),
    "audio": ("detail", "filename", "title", "context", "citations"),
    "video": (),
}
_ASSISTANT: dict[type, Callable[[Turns, str, Any], Json | None]] = {
    Text: Turns._spoken,
    Refusal: Turns._refused,
    Reasoning: Turns._thought,
    ToolCall: Turns._call,
    Opaque: Turns._opaque,
    Media: Turns._opaque,
    ToolResult: Turns._opaque,
}
