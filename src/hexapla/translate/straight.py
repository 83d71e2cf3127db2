"""The Verbatim lane for a whole answer to a request in which there is nothing to look into.

It is the lane that `Translation.open` finds after looking everywhere, found by what a first look has shown: texts, or more
than anybody looks through, and fields that speak to the vendor alone.  Most requests of a program that only asks are of
this kind.

Rules of this file: in doubt None, and `Translation.open` looks.
"""

from __future__ import annotations

from msgspec import Raw, Struct

from hexapla.catalog.schema import Quirks
from hexapla.ir.target import Target
from hexapla.protocols import PROTOCOLS
from hexapla.protocols.base import Protocol, Reply
from hexapla.translate.checks import MAX_BYTES
from hexapla.translate.choose import concerned, edits, marks_of, unconcerned
from hexapla.translate.open import OURS
from hexapla.translate.peek import Peek
from hexapla.translate.verbatim import Verbatim
from hexapla.wire.rawjson import dump, join

LOOKED_INTO = OURS | {"thread", "tools"}
"""Fields for which `Translation.open` has more to do than to pass them on."""

_NOBODY = Reply(id="", created=0, model="")  # a whole answer that passes as it is needs to know nothing of its reader


class Straight(Struct, frozen=True):
    """What is known of the straight way to a target before anybody asks it.

    model  what the target calls it;  named: that, as a request says it
    marks  bytes that are its concern (choose.py)
    blind  nothing in a request is
    """

    protocol: Protocol
    model: str
    named: Raw
    marks: tuple[bytes, ...]
    quirks: Quirks
    blind: bool


def straight_to(target: Target, quirks: Quirks) -> Straight | None:
    """The way to this target; None where no request goes straight."""
    protocol = target.origin.protocol
    if protocol == "gemini_generate" or quirks.think_tags or quirks.reencode or edits(quirks):
        return None
    marks = marks_of(target)
    blind = unconcerned(protocol, quirks, marks)
    return Straight(PROTOCOLS[protocol], target.model, dump(target.model), marks, quirks, blind)


def straight(peeked: Peek, way: Straight) -> Verbatim | None:
    """The lane of a request in the target's own dialect; None where there may be something to look into."""
    if peeked.stream or not (peeked.usual or LOOKED_INTO.isdisjoint(peeked.fields)):
        return None
    if not peeked.only_texts and len(peeked.body) <= MAX_BYTES:
        return None
    if not way.blind and concerned(peeked, peeked.protocol, way.quirks, way.marks):
        return None
    body = peeked.body
    if way.model != peeked.model:
        body = join({**peeked.fields, "model": way.named})
    return Verbatim(way.protocol, _NOBODY, peeked, body)
