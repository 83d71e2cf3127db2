"""How thought is written for Chat clients, whole or in pieces.

Readable thought stands in both fields that clients look for, reasoning_content and reasoning.  What must come back stands
in reasoning_details: a Chat provider's own entries verbatim, the state of other dialects in OpenRouter's form (type,
format, index, id, signature, data) with a mark that says whose it is, so that `reasoning.py` can restore it.

OpenAI's SDK joins streamed lists by `index`, which is a place in the list, and appends every string it sees again
(openai-python 3.54, lib/streaming/_deltas.py).  So what names an entry stands in its first piece only.

Rules of this file: writing only; text that a client may count is never said twice in one field.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from hexapla.ir.content import Reasoning
from hexapla.ir.event import ReasoningDelta, SummaryDelta, TextDelta
from hexapla.ir.fold import with_state
from hexapla.protocols.openai_chat.reasoning import FORMATS, Detail, listed
from hexapla.protocols.openai_chat.schema import NAME

_json = msgspec.json.Encoder().encode
_MORE = b',"reasoning_details":[{"type":"reasoning.%b","%b":%b,"index":%d}]'
_FORMAT_OF = {protocol: name for name, protocol in FORMATS.items()}


def whole_thought(thoughts: Sequence[Reasoning]) -> dict[str, Any]:
    """The fields of a message that carry its thought."""
    fields: dict[str, Any] = {}
    text = joined([part for part in thoughts if part.readable])
    if text:
        fields = {"reasoning_content": text, "reasoning": text}
    details: list[Detail] = []
    for part in thoughts:
        details.extend(details_of(part, len(details)))
    if details:
        fields["reasoning_details"] = details
    opaque = next((part.encrypted for part in thoughts if part.origin.protocol == NAME and part.encrypted), None)
    return fields | ({"reasoning_opaque": opaque} if opaque is not None else {})


def joined(thoughts: Sequence[Reasoning]) -> str:
    """Several thoughts as one text: a Chat provider's as they were, a blank line between those of other dialects."""
    text = ""
    for part in thoughts:
        text += ("\n\n" if text and part.origin.protocol != NAME else "") + part.readable
    return text


def details_of(part: Reasoning, first: int) -> list[Detail]:
    """`part` as entries; `first` is the index of the first one."""
    if part.details is not None:
        return listed(part.details)
    if part.origin.protocol == NAME:
        return []
    entries = [_entry(part, "reasoning.summary", summary=paragraph) for paragraph in part.summary]
    if part.text or part.signature is not None:
        signed = {} if part.signature is None else {"signature": part.signature}
        entries.append(_entry(part, "reasoning.text", text=part.text, **signed))
    if part.encrypted is not None:
        entries.append(_entry(part, "reasoning.encrypted", data=part.encrypted))
    return [{**entry, "index": first + place} for place, entry in enumerate(entries)]


def _entry(part: Reasoning, kind: str, **fields: str) -> Detail:
    origin = part.origin
    entry: Detail = {"type": kind, **fields, "format": _FORMAT_OF.get(origin.protocol, "unknown")}
    if part.id is not None:
        entry["id"] = part.id
    return {**entry, "origin": f"{origin.protocol}/{origin.provider}"}


class Thoughts:
    """What the Reasoning blocks of one message share, which may be written in turns.

    index  of the next entry in reasoning_details
    begun  something readable was said
    """

    __slots__ = ("begun", "index")

    def __init__(self) -> None:
        self.index = 0
        self.begun = False


class ThoughtWriter:
    """One Reasoning block of a stream.

    thoughts  all of its message
    send      makes a chunk of a delta object
    """

    __slots__ = ("_at", "_foreign", "_part", "_pieces", "_place", "_send", "_streamed", "_thoughts")

    def __init__(self, part: Reasoning, thoughts: Thoughts, send: Callable[[bytes], bytes]) -> None:
        self._part = part
        self._thoughts = thoughts
        self._send = send
        self._foreign = part.origin.protocol != NAME
        self._place: tuple[str, int] | None = None  # the entry being written: its kind, its summary paragraph
        self._at = thoughts.index  # that entry's own index
        self._pieces: Raw | None = None  # verbatim entries that wait for the text that they repeat
        self._streamed = False  # details came in pieces, or were said whole

    def start(self) -> bytes:
        """What the block's start already holds."""
        out = [self.summary(SummaryDelta(i, paragraph)) for i, paragraph in enumerate(self._part.summary)]
        return b"".join([*out, self.text(TextDelta(self._part.text))])

    def text(self, delta: TextDelta) -> bytes:
        return self._say(("text", 0), delta.text)

    def summary(self, delta: SummaryDelta) -> bytes:
        return self._say(("summary", delta.part), delta.text)

    def state(self, delta: ReasoningDelta) -> bytes:
        """Pieces wait for the text that follows them; everything else for the end."""
        if delta.pieces is not None:
            said = self._flush()
            self._pieces = delta.pieces
            return said
        self._part = with_state(self._part, delta)
        return b""

    def stop(self) -> bytes:
        """What is still unsaid: details without text, signature, encrypted thought."""
        said = self._flush()
        part = self._part
        if self._foreign:
            entries = self._closing()
            return said + (self._send(b'{"reasoning_details":%b}' % _json(entries)) if entries else b"")
        if part.details is not None and not self._streamed:
            said += self._send(b'{"reasoning_details":%b}' % bytes(part.details))
        if part.encrypted is not None:
            said += self._send(b'{"reasoning_opaque":%b}' % _json(part.encrypted))
        return said

    def _say(self, place: tuple[str, int], text: str) -> bytes:
        if not text:
            return b""
        gap = ""
        if not self._foreign:
            details = self._own_details()
        elif place == self._place:
            details = _MORE % (place[0].encode(), place[0].encode(), _json(text), self._at)
        else:
            gap = "\n\n" if self._thoughts.begun else ""
            details = b',"reasoning_details":[%b]' % _json(self._entry(place, **{place[0]: text}))
        self._thoughts.begun = True
        said = _json(gap + text)
        return self._send(b'{"reasoning_content":%b,"reasoning":%b%b}' % (said, said, details))

    def _entry(self, place: tuple[str, int], **fields: str) -> Detail:
        """The first piece of the next entry of reasoning_details."""
        self._place, self._at = place, self._thoughts.index
        self._thoughts.index += 1
        return {**_entry(self._part, f"reasoning.{place[0]}", **fields), "index": self._at}

    def _own_details(self) -> bytes:
        """A Chat provider's details that go with the next piece of text."""
        details = self._pieces if self._streamed or self._pieces is not None else self._part.details
        self._pieces = None
        if details is None:
            return b""
        self._streamed = True
        return b',"reasoning_details":%b' % bytes(details)

    def _flush(self) -> bytes:
        """Pieces whose text did not come: they had none."""
        pieces, self._pieces = self._pieces, None
        if pieces is None:
            return b""
        self._streamed = True
        return self._send(b'{"reasoning_details":%b}' % bytes(pieces))

    def _closing(self) -> list[Detail]:
        """Entries that end a foreign thought; the signature belongs to the text that was just said."""
        part, entries = self._part, list[Detail]()
        if part.signature is not None and self._place is not None and self._place[0] == "text":
            entries.append({"type": "reasoning.text", "signature": part.signature, "index": self._at})
        elif part.signature is not None:
            entries.append(self._entry(("text", 0), text="", signature=part.signature))
        if part.encrypted is not None:
            entries.append(self._entry(("encrypted", 0), data=part.encrypted))
        return entries
