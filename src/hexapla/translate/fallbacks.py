"""Messages' `fallbacks`: the models to try next, each with what it alone is to be asked otherwise.

An entry names its `model` and may say `max_tokens`, `thinking`, `output_config` and `speed` for its own attempt, as
Anthropic has it (anthropic-python 2.13, types/beta/beta_fallback_param.py, 2026-11):

    left out        as the request says it
    null            as if the request did not say it; `max_tokens`, which every request says, as the request says it
    output_config   one of its fields at a time, by the same rules
    anything else   refused, as is whatever the same field of a request would be refused for

A bare name is an entry as well.  Other dialects have no such field; a name of a model is all that they may say in it.

Rules of this file: pure; every entry is judged before anybody is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Raw

from hexapla.errors import ProtocolError
from hexapla.protocols import PROTOCOLS
from hexapla.wire.rawjson import NULL, decode, dump, join, load, split

MESSAGES = "anthropic_messages"
MOST = 3
"""Entries at most (https://openrouter.ai/docs/guides/routing/model-fallbacks, 2026-08-22)."""

CONFIG = "output_config"


class Entry(msgspec.Struct, frozen=True):
    """One entry.  `said`: what it says beside its model."""

    model: str
    said: Mapping[str, Raw] = {}


class _Wire(msgspec.Struct, forbid_unknown_fields=True):
    """What an entry may say; what stays raw is judged as a request's."""

    model: Annotated[str, msgspec.Meta(min_length=1)]
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    thinking: Raw = Raw()
    output_config: Raw = Raw()
    speed: Literal["standard", "fast"] | None = None


_wire = msgspec.json.Decoder(_Wire)
_PROBE = {"model": dump("m"), "max_tokens": dump(1), "messages": dump([{"role": "user", "content": "?"}])}


def read(raw: Raw, protocol: str, model: str) -> list[Entry]:
    """The entries of a request for `model`.  Raises ProtocolError that names the entry and its field."""
    if raw == Raw(b'"default"'):  # Anthropic's own choice
        return []
    listed = load(raw, list[Raw])
    if listed is None:
        raise ProtocolError("fallbacks must be a list of objects with a model each", path="$.fallbacks")
    if len(listed) > MOST:
        raise ProtocolError(f"fallbacks: at most {MOST} entries are allowed", path="$.fallbacks")
    named = {model}
    entries = []
    for index, each in enumerate(listed):
        entry = _entry(each, index, protocol)
        if entry.said and entry.model in named:
            raise _wrong(index, "model", f"{entry.model[:100]!r} is named before, and is asked once")
        named.add(entry.model)
        entries.append(entry)
    return entries


def laid_over(fields: Mapping[str, Raw], entry: Entry) -> dict[str, Raw]:
    """The fields of a request with what `entry` says in their place."""
    said = dict(entry.said)
    if CONFIG in said:
        config = load(said[CONFIG], dict[str, Raw])  # None for null, which takes away all of it
        if config is not None:
            said[CONFIG] = _merged(load(fields.get(CONFIG, NULL), dict[str, Raw]) or {}, config)
        if config is None or "format" in config:
            said["output_format"] = NULL  # which is where its beta had it
    laid = {name: raw for name, raw in {**fields, **said}.items() if raw != NULL or name not in said}
    del laid["fallbacks"]
    return laid


def _merged(config: dict[str, Raw], said: dict[str, Raw]) -> Raw:
    merged = {name: raw for name, raw in (config | said).items() if raw != NULL}
    return dump(merged) if merged else NULL


def _entry(raw: Raw, index: int, protocol: str) -> Entry:
    if (name := load(raw, str)) is not None:
        return Entry(name)
    try:
        model = decode(_wire, raw).model
    except ProtocolError as error:
        raise _wrong(index, error.path.removeprefix("$").removeprefix("."), error.message) from None
    said = {name: value for name, value in split(raw).items() if name != "model"}
    if said.get("max_tokens") == NULL:
        del said["max_tokens"]
    if protocol != MESSAGES and said:
        raise _wrong(index, next(iter(said)), "only a Messages request may say more than a model here")
    _judge(said, index)
    return Entry(model, said)


def _judge(said: Mapping[str, Raw], index: int) -> None:
    """Raise ProtocolError for what a request of its own would be refused for."""
    try:
        PROTOCOLS[MESSAGES].parse_request(join({**_PROBE, **said}))
    except ProtocolError as error:
        raise _wrong(index, error.path.removeprefix("$."), error.message) from None


def _wrong(index: int, field: str, why: str) -> ProtocolError:
    place = f"[{index}]" + (f".{field}" if field else "")
    return ProtocolError(f"fallbacks{place}: {why}", path=f"$.fallbacks{place}")
