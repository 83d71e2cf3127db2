"""The lane of a request in which there is nothing to look into, found without looking.

It is the lane that `Translation.open` finds after looking everywhere, found by what a first look has shown.  Most requests
of a program that only asks are of these kinds:

    the target's own dialect  texts and fields for the vendor; for a whole answer, more than anybody looks through as well
    another dialect           nothing but texts, which are read and written at once (ir/texts.py)

Rules of this file: in doubt None, and `Translation.open` looks.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping

from msgspec import Raw, Struct

from hexapla.catalog.quirks import edit
from hexapla.catalog.schema import Quirks
from hexapla.ir.loss import LossLog
from hexapla.ir.target import Target
from hexapla.ir.texts import Texts
from hexapla.protocols import PROTOCOLS
from hexapla.protocols.base import Protocol, Reply
from hexapla.translate.adapt.adapt import CLIENT_IDS, leaves
from hexapla.translate.adapt.restore import Restore
from hexapla.translate.checks import MAX_BYTES
from hexapla.translate.choose import concerned, edits, marks_of, unconcerned
from hexapla.translate.hub import Hub
from hexapla.translate.lane import Lane
from hexapla.translate.ours import OURS
from hexapla.translate.passing import USAGE_ON
from hexapla.translate.peek import Peek
from hexapla.translate.verbatim import Verbatim
from hexapla.wire.rawjson import dump, join, split

LOOKED_INTO = OURS | {"thread", "tools"}
"""Fields for which `Translation.open` has more to do than to pass them on."""

_NOBODY = Reply(id="", created=0, model="")  # a whole answer that passes as it is needs to know nothing of its reader


class Way(typing.Protocol):
    """What is known of the straight way to a target before anybody asks it."""

    def open(self, peeked: Peek, answer_id: str, created: float) -> Lane | None:
        """The lane of a request; None where there may be something to look into.  Id and time are those of Reply."""
        ...


def straight_to(target: Target, quirks: Quirks) -> Mapping[str, Way]:
    """The ways to this target, by the dialect of the request."""
    ways = {name: _through_hub(PROTOCOLS[name], target, quirks) for name in PROTOCOLS if name != target.origin.protocol}
    ways[target.origin.protocol] = _same(target, quirks)
    return {name: way for name, way in ways.items() if way is not None}


class Same(Struct, frozen=True):
    """The Verbatim lane.

    model  what the target calls it;  named: that, as a request says it
    marks  bytes that are its concern (choose.py)
    blind  nothing in a request is
    asks   its streams have to be asked for usage, of which the client hears nothing
    """

    protocol: Protocol
    model: str
    named: Raw
    marks: tuple[bytes, ...]
    quirks: Quirks
    blind: bool
    asks: bool

    def open(self, peeked: Peek, answer_id: str, created: float) -> Verbatim | None:
        if not (peeked.usual or (LOOKED_INTO.isdisjoint(peeked.fields) and not peeked.stream)):
            return None
        if not peeked.only_texts and len(peeked.body) <= MAX_BYTES:
            return None
        if not self.blind and concerned(peeked, peeked.protocol, self.quirks, self.marks):
            return None
        body, hidden = peeked.body, peeked.stream and self.asks
        if hidden:
            body = join({**peeked.fields, "model": self.named, "stream_options": USAGE_ON})
        elif self.model != peeked.model:
            body = join({**peeked.fields, "model": self.named})
        if not peeked.stream:
            return Verbatim(self.protocol, _NOBODY, peeked, body)
        reply = Reply(id=answer_id, created=int(created), model=self.model)
        return Verbatim(self.protocol, reply, peeked, body, hide_usage=hidden)


def _same(target: Target, quirks: Quirks) -> Way | None:
    protocol = target.origin.protocol
    if protocol == "gemini_generate" or quirks.think_tags or quirks.reencode or edits(quirks):
        return None
    marks = marks_of(target)
    blind = unconcerned(protocol, quirks, marks)
    asks = protocol == "openai_chat" and target.stream_usage
    return Same(PROTOCOLS[protocol], target.model, dump(target.model), marks, quirks, blind, asks)


class ThroughHub(Struct, frozen=True):
    """The Hub, to which a request goes without an IR in between.

    read, write  a request of texts;  quirks: that edit what was written
    """

    client: Protocol
    upstream: Protocol
    target: Target
    read: Callable[[bytes], Texts | None]
    write: Callable[[Texts], bytes | None]
    quirks: Quirks | None

    def open(self, peeked: Peek, answer_id: str, created: float) -> Hub | None:
        said = self.read(peeked.body) if peeked.usual else None
        if said is None or not leaves(said, self.target):
            return None
        body = self.write(said)
        if body is None:
            return None
        if self.quirks is not None:
            body = join(edit(split(body), self.quirks))
        client, target = self.client, self.target
        reply = Reply(id=answer_id, created=int(created), model=target.model)
        restore = Restore(target.origin.provider, id_pattern=CLIENT_IDS.get(client.name))
        return Hub(client, self.upstream, reply, body, LossLog(), restore)


def _through_hub(client: Protocol, target: Target, quirks: Quirks) -> Way | None:
    upstream = PROTOCOLS[target.origin.protocol]
    read, write = client.parse_texts, upstream.texts_to(target) if upstream.texts_to is not None else None
    if read is None or write is None or quirks.think_tags or quirks.strip:
        return None
    return ThroughHub(client, upstream, target, read, write, quirks if edits(quirks) else None)
