"""The parts of an answer for a Gemini client, one after the other.

Thought of other vendors is shown as a thought part, and our envelope goes as the signature of what follows it: clients
send those back (google-genai keeps every part, Gemini CLI drops thoughts and keeps signatures), while a signature on the
thought itself would be lost with it.  SDKs read a signature as base64, so the envelope is wrapped in it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hexapla.ir.content import Media, Opaque, Reasoning, Refusal, Text, ToolCall
from hexapla.ir.envelope import seal
from hexapla.ir.loss import LossLog
from hexapla.ir.response import ResponsePart
from hexapla.protocols.arguments import object_of
from hexapla.protocols.gemini_generate.signature import TEXT_KEY, wrap
from hexapla.protocols.gemini_generate.words import NAME
from hexapla.wire.rawjson import split

Json = dict[str, Any]


class Parts:
    """Renders parts in order; remembers the signatures that wait for the part which they go with."""

    def __init__(self, losses: LossLog) -> None:
        self._losses = losses
        self._seals: list[str] = []
        self._own: str | None = None

    def render(self, part: ResponsePart, path: str) -> list[Json]:
        """`part` as the parts of a content: none, or one."""
        return _RENDER[type(part)](self, part, path)

    def signed(self, said: Json) -> Json:
        """`said` with the envelopes that wait for it."""
        if self._seals:
            said["thoughtSignature"] = wrap(self._seals)
            self._seals = []
        return said

    def rest(self) -> list[Json]:
        """What waits in vain goes with an empty thought."""
        return [self.signed({"text": "", "thought": True})] if self._seals else []

    def keep(self, part: Reasoning) -> None:
        """Another vendor's thought, whose text was said: its envelope goes with the next part."""
        self._seals.append(seal(part))

    def text(self, part: Text, path: str) -> list[Json]:
        return [self.signed({"text": part.text})] if part.text else []

    def refusal(self, part: Refusal, path: str) -> list[Json]:
        return [self.signed({"text": part.text})] if part.text else []

    def reasoning(self, part: Reasoning, path: str) -> list[Json]:
        if part.origin.protocol != NAME:
            self.keep(part)
            return [{"text": part.readable, "thought": True}] if part.readable else []
        if part.encrypted is not None and not part.readable:
            if part.id == TEXT_KEY:
                return [{"text": "", "thoughtSignature": part.encrypted}]
            self._own = part.encrypted
            return []
        signed = {"thoughtSignature": part.signature} if part.signature is not None else {}
        return [{"text": part.readable, "thought": True, **signed, **part.extras.get(NAME, {})}]

    def call(self, part: ToolCall, path: str) -> list[Json]:
        said: Json = {"functionCall": {"id": part.id, "name": part.name, "args": object_of(part, path, self._losses)}}
        own, self._own = self._own, None
        if own is None:
            return [self.signed(said)]
        return [{**said, "thoughtSignature": own}]

    def media(self, part: Media, path: str) -> list[Json]:
        own, said = dict(part.extras.get(NAME, {})), Json()
        if part.data is not None:
            said = {"inlineData": {"mimeType": part.media_type or "application/octet-stream", "data": part.data}}
            return [self.signed(said | own)]
        if part.url is not None:
            typed: Json = {"mimeType": part.media_type} if part.media_type is not None else {}
            said = {"fileData": {**typed, "fileUri": part.url}}
            return [self.signed(said | own)]
        self._losses.add(path, f"Gemini's answers hold no such {part.kind}", "content")
        return []

    def opaque(self, part: Opaque, path: str) -> list[Json]:
        if part.origin.protocol == NAME:
            return [dict(split(part.data))]
        self._losses.add(path, f"{part.type} is understood by {part.origin.protocol} only", "content")
        return []


_RENDER: dict[type, Callable[[Parts, Any, str], list[Json]]] = {
    Text: Parts.text,
    Refusal: Parts.refusal,
    Reasoning: Parts.reasoning,
    ToolCall: Parts.call,
    Media: Parts.media,
    Opaque: Parts.opaque,
}
