"""Presets: what a request says by the name of a table in the configuration.

`@preset/NAME` as the model, `model@preset/NAME`, or a field `preset` (https://openrouter.ai/docs/guides/features/presets,
2026-08-22).  A preset is a part of a request; the two are merged one level deep and the request wins; tools are joined, and
of two with one name the request's stands.

A preset is written in Chat's words and serves all dialects: its limit on output and its instructions (`system`) are said
where the request's dialect says them.  What a dialect does not know is left to its parser or vendor, as if the client had
said it.

Rules of this file: pure; nothing happens to a request that names no preset.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from hexapla.errors import ClientError, Kind
from hexapla.translate.peek import PRESET
from hexapla.wire.rawjson import dump, join, load, split

LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
"""What the dialects call the limit on output."""

LIMIT = {"openai_responses": "max_output_tokens", "gemini_generate": ""}
"""What one of them calls it, where that is not `max_tokens`; Gemini keeps it elsewhere."""

INSTRUCTIONS = {
    "anthropic_messages": "system",
    "openai_responses": "instructions",
    "gemini_generate": "systemInstruction",
}
"""Where a dialect keeps instructions beside the conversation; Chat has them in it."""

Presets = Mapping[str, Mapping[str, Any]]


class _Message(msgspec.Struct):
    role: str = ""


def expanded(protocol: str, body: bytes, presets: Presets, model: str = "") -> tuple[bytes, str]:
    """`body` with the preset that it names, and the model where the dialect names it in the path.

    Raises ClientError for a preset that is not there.
    """
    fields = split(body)
    name, stem = named(fields, model)
    preset = of_name(presets, name)
    fields.pop("preset", None)
    if model:
        model = stem or str(preset.get("model", ""))
    elif stem:
        fields["model"] = dump(stem)
    else:  # @preset/NAME, or nothing
        fields.pop("model", None)
    return join(_merged(protocol, fields, preset)), model


def of_name(presets: Presets, name: str) -> Mapping[str, Any]:
    """The preset of this name.  Raises ClientError that names those that there are."""
    found = presets.get(name)
    if found is None:
        there = ", ".join(sorted(presets)) or "none"
        message = f"There is no preset {name[:100]!r} here; there are: {there}. Presets are [presets.NAME] tables."
        raise ClientError(Kind.NOT_FOUND, message, param="preset", code="not_found")
    return found


def named(fields: Mapping[str, Raw], model: str) -> tuple[str, str]:
    """The preset that a request names, and the model beside it."""
    model = model or load(fields.get("model", b""), str) or ""
    stem, mark, name = model.partition(PRESET)
    return (name if mark else load(fields.get("preset", b""), str) or ""), stem


def _merged(protocol: str, fields: dict[str, Raw], preset: Mapping[str, Any]) -> dict[str, Raw]:
    said = {_word(protocol, name): value for name, value in preset.items() if name not in ("system", "tools")}
    said.pop("", None)
    if any(name in fields for name in LIMITS):
        said = {name: value for name, value in said.items() if name not in LIMITS}
    if protocol == "gemini_generate":
        said.pop("model", None)
    merged = {name: dump(value) for name, value in said.items()} | fields
    if preset.get("tools"):
        merged["tools"] = _tools(preset["tools"], fields.get("tools"))
    if preset.get("system"):
        _instruct(protocol, merged, str(preset["system"]))
    return merged


def _word(protocol: str, name: str) -> str:
    return LIMIT.get(protocol, "max_tokens") if name == "max_tokens" else name


def _instruct(protocol: str, fields: dict[str, Raw], text: str) -> None:
    """Put the preset's instructions where the request has none."""
    place = INSTRUCTIONS.get(protocol)
    if place is not None:
        said = {"parts": [{"text": text}]} if protocol == "gemini_generate" else text
        fields.setdefault(place, dump(said))
        return
    messages = load(fields.get("messages", b""), list[Raw])
    if messages and (load(messages[0], _Message) or _Message()).role not in ("system", "developer"):
        fields["messages"] = dump([{"role": "system", "content": text}, *messages])


def _tools(own: list[Any], sent: Raw | None) -> Raw:
    """The preset's tools in their order, those of the same name replaced by the request's, which follow otherwise."""
    theirs = load(sent, list[Any]) or [] if sent is not None else []
    joined = {_identity(tool): tool for tool in own}
    joined |= {_identity(tool): tool for tool in theirs}
    return dump(list(joined.values()))


def _identity(tool: Any) -> str:
    """What makes two tools the same: the name of a function, else the type, and the name of what may stand twice."""
    if not isinstance(tool, dict):
        return repr(tool)
    inner = tool.get("function") or tool.get("parameters") or {}
    name = tool.get("name") or (inner.get("name") if isinstance(inner, dict) else None)
    return f"{tool.get('type', 'function')} {name or ''}"
