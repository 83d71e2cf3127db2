"""The conversation as Gemini's contents.

Leading system messages become systemInstruction; results of one turn stand in one content, named after their calls.  State
of Gemini's own thought goes back onto the part that it signs.  Models from Gemini 3 on refuse a call of the current turn
that carries no signature, so calls that another vendor's model made get the value that Google publishes for them
(https://ai.google.dev/gemini-api/docs/thought-signatures, 2026-11).

Rules of this file: one method for each part, found by table; what cannot be said is a Loss.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from msgspec import Raw

from hexapla.errors import ClientError, Kind
from hexapla.ir.content import AnyPart, Extras, Media, Opaque, Reasoning, Refusal, Text, ToolCall, ToolResult
from hexapla.ir.loss import LossLog
from hexapla.ir.request import SYSTEM, GenerateRequest, Message
from hexapla.ir.target import Target
from hexapla.protocols.arguments import object_of
from hexapla.protocols.extras import beside, lose_extras
from hexapla.protocols.gemini_generate.media import likely_type, media_kind
from hexapla.protocols.gemini_generate.signature import TEXT_KEY, signs
from hexapla.protocols.gemini_generate.words import NAME
from hexapla.wire.rawjson import load, split

Json = dict[str, Any]

SKIP = "skip_thought_signature_validator"
"""What stands for the signature of a call that Gemini did not make."""


class Turns:
    """One rendering of a conversation."""

    def __init__(self, request: GenerateRequest, target: Target, losses: LossLog) -> None:
        self.request = request
        self.target = target
        self.losses = losses
        self._names: dict[str, str] = {}  # of the calls so far: some programs begin to count their ids anew every turn
        self._moved: list[Json] = []  # media of results, for targets whose results hold none

    def render(self) -> tuple[Json | None, list[Json]]:
        """(systemInstruction, contents)."""
        messages = self.request.messages
        count = next((i for i, m in enumerate(messages) if m.role not in SYSTEM), len(messages))
        contents: list[Json] = []
        current = max((i for i, m in enumerate(messages) if m.role == "user"), default=-1)
        for index, message in enumerate(messages[count:], count):
            content = self._content(f"messages[{index}]", message, current=index > current)
            if content["parts"]:
                contents.append(content)
        return self._system(messages[:count]), contents

    def beside(self, body: Json, extras: Extras, path: str) -> Json:
        """`body` with unknown fields of our own protocol; those of others are lost, and said."""
        return beside(body, extras, NAME, path, self.losses)

    def _system(self, messages: Sequence[Message]) -> Json | None:
        if len(messages) > 1:
            self.losses.add("messages", "Gemini has one system instruction; they were joined in order", "cosmetic")
        for index, message in enumerate(messages):
            self._developer(f"messages[{index}]", message)
        parts = [part for i, m in enumerate(messages) for part in self._parts(f"messages[{i}]", m.content)]
        if len(messages) == 1 and parts:
            return self.beside({"parts": parts}, messages[0].extras, "messages[0].")
        for index, message in enumerate(messages):
            lose_extras(message.extras, f"messages[{index}].", "Gemini has one system instruction", self.losses)
        return {"parts": parts} if parts else None

    def _developer(self, path: str, message: Message) -> None:
        if message.role == "developer":
            self.losses.add(f"{path}.role", "Gemini has no developer role", "cosmetic")
        if message.name is not None:
            self.losses.add(f"{path}.name", "Gemini has no names of speakers", "cosmetic")

    def _content(self, path: str, message: Message, *, current: bool) -> Json:
        self._developer(path, message)
        if message.role in SYSTEM:
            return self._reminder(path, message)
        if message.role == "assistant":
            self._names |= {part.id: part.name for part in message.content if isinstance(part, ToolCall)}
            parts = self._model(path, message, current=current)
        else:
            parts = self._parts(path, message.content)
            parts += self._moved
            self._moved = []
        role = "model" if message.role == "assistant" else "user"
        body: Json = {"role": role, "parts": parts}
        return self.beside(body, message.extras, f"{path}.") if message.extras else body

    def _reminder(self, path: str, message: Message) -> Json:
        """A system message inside the conversation, for which Gemini has no place, is said to the user's side."""
        self.losses.add(f"{path}.role", "Gemini takes system text at the beginning only", "cosmetic")
        text = "\n".join(part["text"] for part in self._parts(path, message.content) if "text" in part)
        lose_extras(message.extras, f"{path}.", "it is sent as a user message", self.losses)
        return {"role": "user", "parts": [{"text": f"<system-reminder>\n{text}\n</system-reminder>"}]}

    def _parts(self, path: str, parts: Iterable[AnyPart]) -> list[Json]:
        rendered = [self._part(f"{path}.content[{i}]", part) for i, part in enumerate(parts)]
        return [part for part in rendered if part is not None]

    def _part(self, path: str, part: AnyPart) -> Json | None:
        if getattr(part, "cache", None) is not None:
            self.losses.add(f"{path}.cache", "Gemini caches by itself or by name, not by marks", "cosmetic")
        body, extras = _RENDER[type(part)](self, path, part), getattr(part, "extras", None)
        if body is None:
            if extras:
                lose_extras(extras, f"{path}.", "the part that it stood in was left out", self.losses)
            return None
        return self.beside(body, extras, f"{path}.") if extras else body

    # the model's turn

    def _model(self, path: str, message: Message, *, current: bool) -> list[Json]:
        """Its parts, each with the signature that it came with."""
        parts: list[Json] = []
        marks: list[Reasoning] = []
        calls = {part.id for part in message.content if isinstance(part, ToolCall)}
        for index, part in enumerate(message.content):
            here = f"{path}.content[{index}]"
            if isinstance(part, Reasoning) and self._is_mark(part):
                if self._replayed(here, part) and not _sign_last(part, parts):
                    marks.append(part)
                continue
            said = self._part(here, part)
            if said is not None:
                _sign(said, part, marks, calls)
                parts.append(said)
        parts += [{"text": "", "thoughtSignature": mark.encrypted} for mark in marks if mark.id == TEXT_KEY]
        if current and signs(self.target.model):
            _excuse(parts)
        return parts

    def _is_mark(self, part: Reasoning) -> bool:
        return part.origin.protocol == NAME and part.encrypted is not None and not part.readable

    def _replayed(self, path: str, part: Reasoning) -> bool:
        if part.origin.fits(self.target.origin) and self.target.replay_reasoning != "never":
            return True
        self.losses.add(path, "reasoning is replayed to the provider that it came from only", "cosmetic")
        return False

    def _reasoning(self, path: str, part: Reasoning) -> Json | None:
        if not self._replayed(path, part):
            return None
        body: Json = {"text": part.readable, "thought": True}
        if part.signature is not None:
            body["thoughtSignature"] = part.signature
        return body

    def _text(self, path: str, part: Text) -> Json | None:
        if part.citations:
            self.losses.add(f"{path}.citations", "Gemini's contents hold no citations", "cosmetic")
        if part.logprobs:
            self.losses.add(f"{path}.logprobs", "Gemini's contents hold no log probabilities", "cosmetic")
        return {"text": part.text} if part.text else None  # an empty part is refused, and says nothing

    def _refusal(self, path: str, part: Refusal) -> Json:
        self.losses.add(path, "Gemini has no refusals; it is text", "cosmetic")
        return {"text": part.text}

    def _call(self, path: str, part: ToolCall) -> Json:
        said = object_of(part, path, self.losses)
        return {"functionCall": {"id": part.id, "name": part.name, "args": said}}

    # results

    def _result(self, path: str, part: ToolResult) -> Json:
        name = self._names.get(part.call_id) or part.name or "unknown"
        if part.name is not None and part.name != name:
            self.losses.add(f"{path}.name", "a result is named after its call", "cosmetic")
        texts = [each for each in part.content if isinstance(each, Text)]
        for index, each in enumerate(part.content):
            if isinstance(each, Text) and each.extras:
                why = "the text of a result takes no further fields"
                lose_extras(each.extras, f"{path}.content[{index}].", why, self.losses)
        if len(texts) > 1:
            self.losses.add(f"{path}.content", "the texts of a tool's result were joined", "cosmetic")
        said = "\n".join(each.text for each in texts)
        body: Json = {"id": part.call_id, "name": name, "response": self._response(path, part, said)}
        media = self._result_media(path, part)
        if media:
            body["parts"] = media
        return {"functionResponse": body}

    def _response(self, path: str, part: ToolResult, text: str) -> Any:
        """The result as an object: `error` where it failed, `output` else, JSON objects as they are."""
        if part.is_error:
            return {"error": text}
        if part.is_error is False:
            self.losses.add(f"{path}.is_error", "Gemini marks errors only", "cosmetic")
        raw = Raw(text.strip().encode("utf-8", "replace"))
        if len(part.content) == 1 and text.lstrip().startswith("{"):
            fields = load(raw, dict[str, Raw])
            if fields is not None and not (len(fields) == 1 and fields.keys() & {"output", "result", "error"}):
                return raw
        return {"output": text}

    def _result_media(self, path: str, part: ToolResult) -> list[Json]:
        others = [(i, each) for i, each in enumerate(part.content) if not isinstance(each, Text)]
        rendered = [self._part(f"{path}.content[{i}]", each) for i, each in others]
        kept = [each for each in rendered if each is not None]
        if not kept or self.target.tool_result_media:
            return kept
        self.losses.add(f"{path}.content", "media of a tool result stand beside it", "cosmetic")
        self._moved += [{"text": f"Content of the tool result for call {part.call_id}:"}, *kept]
        return []

    # media

    def _media(self, path: str, part: Media) -> Json | None:
        for name in ("detail", "title", "context", "citations", "filename"):
            if getattr(part, name) is not None:
                field = "title" if name == "filename" else name  # one name in two dialects
                self.losses.add(f"{path}.{field}", f"Gemini has no {name} of files", "cosmetic")
        body = self._source(path, part)
        if body is None:
            self.losses.add(path, "the file is known to another vendor only", "content")
        return body

    def _source(self, path: str, part: Media) -> Json | None:
        if part.data is not None:
            return {"inlineData": {"mimeType": self._type(path, part, ""), "data": part.data}}
        if part.text is not None:
            self.losses.add(f"{path}.text", "a text document is carried as data", "cosmetic")
            data = base64.b64encode(part.text.encode("utf-8", "replace")).decode()
            return {"inlineData": {"mimeType": "text/plain", "data": data}}
        if part.url is None:
            return None
        if not self.target.media_urls and not _GOOGLES.match(part.url):
            raise ClientError(Kind.UNSUPPORTED, f"The target takes {part.kind} parts as base64 only.", param=path)
        return {"fileData": {"mimeType": self._type(path, part, part.url), "fileUri": part.url}}

    def _type(self, path: str, part: Media, url: str) -> str:
        if part.media_type is not None:
            if media_kind(part.media_type) != part.kind:
                self.losses.add(f"{path}.kind", "Gemini tells what a file is by its media type", "cosmetic")
            return part.media_type
        self.losses.add(f"{path}.media_type", "Gemini wants to know the media type; it was guessed", "cosmetic")
        return likely_type(part.kind, url)

    def _opaque(self, path: str, part: Opaque) -> Json | None:
        if part.origin.protocol != NAME:
            self.losses.add(path, f"{part.type} is understood by {part.origin.protocol} only", "content")
            return None
        return dict(split(part.data))


_GOOGLES = re.compile(
    r"gs://|https://(?:generativelanguage\.googleapis\.com|www\.youtube\.com|youtube\.com|youtu\.be)/"
)
"""Addresses that Gemini reads itself, whatever it thinks of others."""


def _sign_last(mark: Reasoning, parts: list[Json]) -> bool:
    """Put a text's signature onto the text just before it."""
    last = parts[-1] if parts else {}
    if mark.id != TEXT_KEY or "text" not in last or "thought" in last or "thoughtSignature" in last:
        return False
    last["thoughtSignature"] = mark.encrypted
    return True


def _sign(said: Json, part: AnyPart, marks: list[Reasoning], calls: set[str]) -> None:
    """Put a waiting signature onto its part: a call's by id, else the first whose call is known by another id now."""
    if isinstance(part, Text):
        found = next((mark for mark in marks if mark.id == TEXT_KEY), None)
    elif isinstance(part, ToolCall):
        lost = (mark for mark in marks if mark.id != TEXT_KEY and mark.id not in calls)
        found = next((mark for mark in marks if mark.id == part.id), None) or next(lost, None)
    else:
        return
    if found is not None:
        said["thoughtSignature"] = found.encrypted
        marks.remove(found)


def _excuse(parts: list[Json]) -> None:
    """Calls of another vendor's model: the first of a turn is the one that is checked."""
    calls = [part for part in parts if "functionCall" in part]
    if calls and not any("thoughtSignature" in part for part in parts):
        calls[0]["thoughtSignature"] = SKIP


_RENDER: dict[type, Callable[[Turns, str, Any], Json | None]] = {
    Text: Turns._text,
    Refusal: Turns._refusal,
    Reasoning: Turns._reasoning,
    ToolCall: Turns._call,
    ToolResult: Turns._result,
    Media: Turns._media,
    Opaque: Turns._opaque,
}
