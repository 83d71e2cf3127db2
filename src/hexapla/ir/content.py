"""The parts that messages are made of.

A part is a frozen value.  What three protocols can say is a field; what only one can say travels in `extras` (unknown
keys, by origin protocol) or as a whole `Opaque` part, and is replayed only to the protocol it came from.  JSON that we
have no business rewriting (tool schemas, tool arguments, opaque blocks) stays `msgspec.Raw` or raw text, so key order
and number spelling survive.

Rules of this file: values only; `None` means "not said", never a default of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec
from msgspec import Raw
from msgspec.structs import replace

if TYPE_CHECKING:
    Unknown: TypeAlias = "Raw | Mapping[str, Unknown]"
else:
    Unknown = Raw  # msgspec, which decodes some of these values, knows no types that contain themselves

Extras = Mapping[str, Mapping[str, Unknown]]
"""Unknown fields, by origin protocol name: {"anthropic_messages": {"container": Raw(...)}}.  A mapping holds those of an
object that is known: {"openai_chat": {"image_url": {"quality": Raw(...)}}}."""


class Part(msgspec.Struct, frozen=True, kw_only=True, tag_field="part", tag=True, gc=False):
    """Base of all parts.  (Nothing that they hold can hold them, so the garbage collector need not look at them.)"""


class Origin(msgspec.Struct, frozen=True):
    """Who produced a value: protocol name, and provider id where known ("" is unknown, as in client history)."""

    protocol: str
    provider: str = ""

    def fits(self, other: Origin) -> bool:
        """Say whether state from `self` may be replayed to `other`."""
        same = not self.provider or not other.provider or self.provider == other.provider
        return self.protocol == other.protocol and same


class CacheMark(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Anthropic-style cache_control on the thing that carries it, in whose extras its unknown fields are."""

    ttl: str | None = None  # "5m" | "1h"; None: not said
    type: str = "ephemeral"


class Citation(msgspec.Struct, frozen=True, kw_only=True):
    """A source for a passage: url_citation annotations (OpenAI, OpenRouter), citations (Messages).

    start/end index the text they annotate where the wire gives that; `native` is the whole original object, replayed
    only to `origin`.
    """

    url: str | None = None
    title: str | None = None
    cited_text: str | None = None
    start: int | None = None
    end: int | None = None
    origin: str = ""  # protocol name
    native: Raw | None = None

    def placed(self, start: int, end: int) -> Citation:
        """With the bounds of the text that it stands on, where it names no passage of it: Messages' never do."""
        return self if (self.start, self.end) != (None, None) else replace(self, start=start, end=end)


class Text(Part, frozen=True, kw_only=True):
    """Exact text: white space and empty strings count."""

    text: str
    citations: tuple[Citation, ...] = ()
    logprobs: tuple[Raw, ...] = ()  # OpenAI's per-token objects; Chat's and Responses' items have the same shape
    cache: CacheMark | None = None
    extras: Extras = {}


class Refusal(Part, frozen=True, kw_only=True):
    """A model's refusal where the wire has its own place for it (Chat `refusal`, Responses refusal part)."""

    text: str
    extras: Extras = {}


class Reasoning(Part, frozen=True, kw_only=True):
    """A stretch of thought, with whatever proves it or must come back.

    text       the readable chain of thought (thinking, reasoning_content, reasoning_text)
    summary    readable summary paragraphs (Responses reasoning.summary), in order
    signature  proof of `text` (Messages signature, reasoning_details signature)
    encrypted  thought without text (redacted_thinking.data, Responses encrypted_content, reasoning.encrypted data)
    details    OpenRouter's reasoning_details list, verbatim and whole; wins over the fields above when replayed
    id         the item's id where the wire has one (Responses rs_...)
    form       the native field or block type that carried it (reasoning_content, reasoning, reasoning_text, thinking,
               redacted_thinking, ...), so that a replay uses the same one; HUNG: what a vendor hung on the call `id`, or
               on the whole turn, is in `extras`
    origin     who thought it; replayed only where `origin.fits(target)`
    """

    text: str = ""
    summary: tuple[str, ...] = ()
    signature: str | None = None
    encrypted: str | None = None
    details: Raw | None = None
    id: str | None = None
    form: str = ""
    origin: Origin
    extras: Extras = {}

    @property
    def readable(self) -> str:
        """All readable thought: summary paragraphs, then the text (a vendor gives one of them, rarely both)."""
        return "\n\n".join((*self.summary, self.text) if self.text else self.summary)


class ToolCall(Part, frozen=True, kw_only=True):
    """A call that the model wants made.

    arguments  kind "function": the raw JSON text as the model wrote it, possibly "" or not JSON at all;
               kind "custom": the free-form input text
    namespace  Responses namespace tools: the namespace the name lives in
    """

    id: str
    name: str
    arguments: str = ""
    kind: Literal["function", "custom"] = "function"
    namespace: str | None = None
    cache: CacheMark | None = None
    extras: Extras = {}


class Media(Part, frozen=True, kw_only=True):
    """An image, document, sound or video.  Exactly one of url, data, file_id, text is set.

    data        base64 text exactly as received (no data: prefix)
    media_type  MIME type, where known ("image/png"); `format` of input_audio maps to audio/<format>
    text        a plain-text document (Messages text source)
    detail      OpenAI's image detail (low | high | auto | original)
    """

    kind: Literal["image", "document", "audio", "video"]
    url: str | None = None
    data: str | None = None
    file_id: str | None = None
    text: str | None = None
    media_type: str | None = None
    detail: str | None = None
    filename: str | None = None
    title: str | None = None
    context: str | None = None
    citations: bool | None = None  # Messages documents: citations.enabled
    cache: CacheMark | None = None
    extras: Extras = {}


class Opaque(Part, frozen=True, kw_only=True):
    """A whole block, item or part that only its origin understands (server tool calls and results, compaction ...).

    type  the native type word, for loss messages
    text  what it says in words, for everybody else; "" where words cannot say it
    """

    origin: Origin
    type: str
    data: Raw
    text: str = ""
    cache: CacheMark | None = None


class ToolResult(Part, frozen=True, kw_only=True):
    """The result of one call.  `content` holds Text, Media and Opaque parts (tool_reference ...).

    plain  True when the wire carried the content as a bare string (one Text part), so that it is rendered so again
    """

    call_id: str
    content: tuple[Text | Media | Opaque, ...] = ()
    plain: bool = True
    is_error: bool | None = None
    name: str | None = None  # Chat tool messages of some clients name the tool
    kind: Literal["function", "custom"] = "function"
    cache: CacheMark | None = None
    extras: Extras = {}


HUNG = "hung"
"""The form of a Reasoning that says nothing, but that its vendor wants back beside a call."""

AnyPart = Text | Refusal | Reasoning | ToolCall | ToolResult | Media | Opaque
