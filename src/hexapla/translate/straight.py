"""The Verbatim lane for a whole answer to a request in which there is nothing to look into.

It is the lane that `Translation.open` finds after looking everywhere, found by what a first look has shown: texts, or more
than anybody looks through, and fields that speak to the vendor alone.  Most requests of a program that only asks are of
this kind.
"""

from __future__ import annotations

from functools import lru_cache

from hexapla.catalog.schema import Quirks
from hexapla.ir.target import Target
from hexapla.protocols import PROTOCOLS
from hexapla.protocols.base import Reply
from hexapla.translate.checks import MAX_BYTES
from hexapla.translate.choose import choose_lane
from hexapla.translate.open import OURS
from hexapla.translate.peek import Peek
from hexapla.translate.verbatim import Verbatim
from hexapla.wire.rawjson import dump, join

LOOKED_INTO = OURS | {"thread", "tools"}
"""Fields for which `Translation.open` has more to do than to pass them on."""

_NOBODY = Reply(id="", created=0, model="")  # a whole answer that passes as it is needs to know nothing of its reader
_named = lru_cache(maxsize=1024)(dump)


def straight(peeked: Peek, target: Target, quirks: Quirks) -> Verbatim | None:
    """See above; None where there may be something to look into."""
    if peeked.stream or not LOOKED_INTO.isdisjoint(peeked.fields):
        return None
    if not peeked.only_texts and len(peeked.body) <= MAX_BYTES:
        return None
    if (
        peeked.protocol == "gemini_generate"
        or choose_lane(peeked, target.origin.protocol, quirks, target) != "verbatim"
    ):
        return None
    body = peeked.body
    if target.model != peeked.model:
        body = join({**peeked.fields, "model": _named(target.model)})
    return Verbatim(PROTOCOLS[peeked.protocol], _NOBODY, body, name="verbatim", hide_usage=False, losses=())
