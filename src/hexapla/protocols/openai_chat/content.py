"""The content of a message in a client's Chat body: a string, or parts.

What only Chat knows travels whole; media are read by `media.py`.

Rules of this file: a Struct says what a part may hold, a function what it means, found by table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw

from hexapla.ir.content import AnyPart, CacheMark, Opaque, Origin, Reasoning, Refusal, Text
from hexapla.protocols.openai_chat.media import (
    WireAudio,
    WireFile,
    WireImage,
    WireVideo,
    parse_audio,
    parse_file,
    parse_image,
    parse_video,
)
from hexapla.protocols.openai_chat.reasoning import ORIGIN, PART
from hexapla.protocols.openai_chat.schema import NAME
from hexapla.protocols.typed import Reader, Rest, is_text, string
from hexapla.wire.rawjson import dump


class WireKind(msgspec.Struct):
    """What every part may hold."""

    type: str
    cache_control: CacheMark | None = None


class WireText(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    text: str
    cache_control: CacheMark | None = None


class WireRefusal(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    refusal: str
    cache_control: Any = None


class WireThinking(msgspec.Struct, forbid_unknown_fields=True):
    """Mistral: {"type": "thinking", "thinking": [{"type": "text", "text": ...}]}; with a signature it is Claude's block,
    as some gateways hand it out."""

    type: str
    thinking: Any = None
    signature: str | None = None
    cache_control: Any = None


_KIND = Reader(WireKind)


def parse_content(said: str | list[Raw], path: str) -> tuple[AnyPart, ...]:
    """All parts of the content of the message at `path`.  Raises ProtocolError."""
    if isinstance(said, str):
        return (Text(text=said),)
    return tuple([_part(raw, f"{path}.content[{i}]") for i, raw in enumerate(said)])


def _part(raw: Raw, path: str) -> AnyPart:
    if is_text(raw):
        return Text(text=string(raw, path))
    kind, _ = _KIND.read(raw, path)
    known = _PARTS.get(kind.type)
    if known is None:
        return Opaque(origin=ORIGIN, type=kind.type, data=raw, cache=kind.cache_control)
    reader, parse = known
    return parse(*reader.read(raw, path), path)


def _text(part: WireText, rest: Rest, path: str) -> Text:
    return Text(text=part.text, cache=part.cache_control, extras={NAME: rest} if rest else {})


def _refusal(part: WireRefusal, rest: Rest, path: str) -> Refusal:
    return Refusal(text=part.refusal, extras={NAME: rest} if rest else {})


def _thinking(part: WireThinking, rest: Rest, path: str) -> Reasoning:
    pieces = part.thinking if isinstance(part.thinking, list) else [{"text": part.thinking}]
    text = "".join([str(piece.get("text") or "") for piece in pieces if isinstance(piece, dict)])
    if any(isinstance(piece, dict) and not piece.keys() <= _PIECE for piece in pieces):
        rest = {**rest, "thinking": dump(part.thinking)}
    extras = {NAME: rest} if rest else {}
    if part.signature is not None:
        claude = Origin("anthropic_messages")
        return Reasoning(text=text, signature=part.signature, form="thinking", origin=claude, extras=extras)
    return Reasoning(text=text, form=PART, origin=ORIGIN, extras=extras)


_PIECE = frozenset({"type", "text"})
"""What a piece of a thinking part holds."""


_PARTS: dict[str, tuple[Reader[Any], Callable[[Any, Rest, str], AnyPart]]] = {
    "text": (Reader(WireText), _text),
    "input_text": (Reader(WireText), _text),
    "output_text": (Reader(WireText), _text),
    "refusal": (Reader(WireRefusal), _refusal),
    "thinking": (Reader(WireThinking), _thinking),
    "image_url": (Reader(WireImage), parse_image),
    "video_url": (Reader(WireVideo), parse_video),
    "input_video": (Reader(WireVideo), parse_video),
    "input_audio": (Reader(WireAudio), parse_audio),
    "file": (Reader(WireFile), parse_file),
}
