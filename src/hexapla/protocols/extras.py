"""Unknown fields on their way out: a dialect's own are put back where they stood, any other's are a Loss.

OpenAI's two dialects write some of them alike; those are carried from one to the other.

Rules of this file: a loss names its field by the whole path, `messages[0].content[1].extras.openai_chat.image_url.quality`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Raw

from hexapla.ir.content import Extras, Unknown
from hexapla.ir.loss import LossLog, Severity
from hexapla.wire.rawjson import NULL, load

Json = dict[str, Any]

MARK = "cache_control"
PLACE = frozenset({"id", "status"})
"""What a vendor calls an item, and how far it is."""


_OPENAI: dict[str, frozenset[bytes]] = {
    # openai-python 3.57, chat/completion_create_params.py and responses/response_create_params.py (2026-11)
    "moderation": frozenset(),
    "prompt_cache_breakpoint": frozenset(),
    "prompt_cache_options.mode": frozenset(),
    "prompt_cache_options.ttl": frozenset({b'"30m"'}),
    "prompt_cache_retention": frozenset(),
    "stream_options.include_obfuscation": frozenset(),
}
ALIKE = {("openai_chat", "openai_responses"): _OPENAI, ("openai_responses", "openai_chat"): _OPENAI}
"""(from, to) -> fields that both dialects write alike, with the values that both know; none is any."""


IDLE: dict[str, dict[str, Any]] = {
    "openai_chat": {"modalities": ["text"]},
    "openai_responses": {"background": False, "truncation": "disabled", "include": ["reasoning.encrypted_content"]},
}
"""Dialect -> fields with the value that asks for what is done anyway: an answer in text, made at once, to all that was
said, with thought that can come back (ir/envelope.py)."""


def beside(
    body: Mapping[str, Any], extras: Extras, protocol: str, path: str, losses: LossLog, *, alike: bool = True
) -> Json:
    """`body` with the fields of `extras` that are `protocol`'s.  `path` is that of their owner, with its dot."""
    own = own_extras(extras, protocol, path, losses, alike=alike)
    if isinstance(own.get(MARK), dict) and body.get(MARK) is None:
        lose_extras({protocol: {MARK: own.pop(MARK)}}, path, "the cache mark that it stood in was not carried", losses)
    return put(body, own)


def own_extras(extras: Extras, protocol: str, path: str, losses: LossLog, *, alike: bool = True) -> Json:
    """The fields of `extras` that are `protocol`'s, or written alike in it; all others are losses.

    alike  the target takes what OpenAI itself does
    """
    own: Json = {}
    for origin, fields in extras.items():
        if origin != protocol:
            shared = ALIKE.get((origin, protocol)) if alike else None
            carried, left = _parted(fields, shared) if shared else ({}, fields)
            own |= carried
            for name in names_in(_wishes(left, origin)):
                losses.add(f"{path}extras.{origin}.{name}", f"{name} is a field of {origin} only", severity(name))
    return {**own, **extras.get(protocol, {})}


def _wishes(fields: Mapping[str, Unknown], origin: str) -> Mapping[str, Unknown]:
    """The fields that ask for something."""
    idle = IDLE.get(origin, {})
    return {
        name: value
        for name, value in fields.items()
        if name not in idle or not isinstance(value, Raw) or load(value, Any) != idle[name]
    }


def _parted(
    fields: Mapping[str, Unknown], shared: Mapping[str, frozenset[bytes]], within: str = ""
) -> tuple[Json, Json]:
    """(fields that are written alike, all others)."""
    carried: Json = {}
    left: Json = {}
    for name, value in fields.items():
        path = within + name
        words = shared.get(path)
        if words is not None:
            known = not words or (isinstance(value, Raw) and bytes(value) in words)
            (carried if known else left)[name] = value
        elif any(each.startswith(f"{path}.") for each in shared) and (inner := _fields(value)) is not None:
            said, unsaid = _parted({n: v for n, v in inner.items() if v != NULL}, shared, f"{path}.")
            carried |= {name: said} if said else {}
            left |= {name: unsaid} if unsaid else {}
        else:
            left[name] = value
    return carried, left


def lose_extras(extras: Extras, path: str, why: str, losses: LossLog, weight: Severity | None = None) -> None:
    """All of `extras` are losses: their owner stands where nothing can stand beside.

    weight  what they weigh, whatever they are called
    """
    for origin, fields in extras.items():
        for name in names_in(fields):
            losses.add(f"{path}extras.{origin}.{name}", why, weight or severity(name))


def severity(name: str) -> Severity:
    """What an item is called and how far it is, and how something is cached, changes no answer."""
    return "cosmetic" if name in PLACE or name.startswith(_COSMETIC) else "parameter"


_COSMETIC = (MARK, "prompt_cache_", "client_metadata")  # the last is what Codex tells of itself


def put(body: Mapping[str, Any], own: Mapping[str, Unknown]) -> Json:
    """`body` with unknown fields in their places, those of an object inside of it among its own."""
    said = dict(body)
    for name, value in own.items():
        inner = said.get(name)
        within = _fields(value) if isinstance(inner, dict) else None
        said[name] = put(inner, within) if isinstance(inner, dict) and within is not None else value
    return said


def _fields(value: Unknown) -> Mapping[str, Unknown] | None:
    """The fields of an object; one that came back in an envelope is raw."""
    return load(value, dict[str, Raw]) if isinstance(value, Raw) else value


def names_in(fields: Mapping[str, Unknown]) -> Iterator[str]:
    """Each field by its path inside of its owner."""
    for name, value in fields.items():
        if isinstance(value, dict):
            yield from (f"{name}.{inner}" for inner in names_in(value))
        else:
            yield name
