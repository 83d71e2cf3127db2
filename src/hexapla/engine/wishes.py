"""What a request wishes of routing, read from its raw top-level fields.

Most requests wish nothing, so this is a few look-ups; a `provider` object is read once and remembered by its bytes,
since a program sends the same one with every request.
"""

from __future__ import annotations

from msgspec import Raw
from msgspec.structs import replace

from hexapla.routing.filters import Need
from hexapla.routing.limits import Load
from hexapla.routing.preferences import Preferences, read_preferences
from hexapla.translate.cached import cached
from hexapla.translate.peek import Peek
from hexapla.translate.preset import LIMITS
from hexapla.translate.summary import BYTES_PER_TOKEN
from hexapla.wire.rawjson import load

WISHING = frozenset({"provider", "route"})
"""Fields that wish something of routing."""

_ACROSS = Raw(b'"sort"')
"""`route`, which is deprecated: "sort" is sort.partition "none", "fallback" is what happens anyway."""

_EMPTY = frozenset({b"null", b"[]"})


def preferences_of(peeked: Peek, default: Preferences) -> Preferences:
    """The request's `provider` object over the operator's default; anything but an object is somebody else's field.

    Raises ProtocolError for an object that cannot be read.
    """
    raw = peeked.fields.get("provider")
    said = bytes(raw) if raw is not None else b""
    wishes = _read(said, default) if said[:1] == b"{" else default
    if peeked.fields.get("route") == _ACROSS and wishes.sort.by is not None:
        return replace(wishes, sort=replace(wishes.sort, partition="none"))
    return wishes


def need_of(peeked: Peek, usd: dict[str, float]) -> Need:
    """What the request needs of a model, as far as its top-level fields tell."""
    fields = peeked.fields
    limits = [load(fields[name], int) for name in LIMITS if name in fields]
    tools = fields.get("tools")
    shape = fields.get("response_format")
    return Need(
        tools=tools is not None and bytes(tools) not in _EMPTY,
        max_tokens=next((limit for limit in limits if limit is not None), None),
        schema=shape is not None and b'"json_schema"' in bytes(shape),
        search=peeked.plugins.search if peeked.plugins is not None else None,
        usd=usd,
    )


def said_tier(peeked: Peek) -> str:
    """The service tier that the request names, or ""."""
    raw = peeked.fields.get("service_tier") or peeked.fields.get("serviceTier")
    return (load(raw, str) or "").lower() if raw is not None else ""


def load_of(peeked: Peek) -> Load:
    """What the request takes of a limit, before its answer tells exactly."""
    return Load(tokens=len(peeked.body) // BYTES_PER_TOKEN)


_read = cached(256)(read_preferences)
