"""Chunks that differ from an earlier one in nothing but their text, which is most of what a stream consists of.

A provider repeats id, model, time and a dozen nulls around every few letters.  Once a chunk was read, what stands before
and behind its text is kept; the next one with the same bytes there need not be taken apart again, which is most of what
decoding it costs (0.5 µs instead of 3.0), and of what looking at one that only passes by costs.

Rules of this file: what is kept was proven by reading it with another text in that place; whatever is not the same byte for
byte is read as ever (tests/protocols/openai_chat/test_alike.py compares both ways).
"""

from __future__ import annotations

import re

import msgspec

from hexapla.protocols.openai_chat.schema import Choice, Chunk, Delta, decode_chunk
from hexapla.wire.rawjson import UNDECODABLE

PATIENCE = 4  # streams whose chunks have random padding, or another time each, are given up soon: trying costs 2.5 µs

LEAD, TAIL = b"data: ", b"\n\n"
"""What makes an event of a chunk."""

_NEVER = b"\0"  # no JSON begins so
_TEXT = re.compile(rb'"content": ?"((?:[^"\\]++|\\.)*+)"')
_OTHER = "another text"
_string = msgspec.json.Decoder(str).decode


class Alike(msgspec.Struct, eq=False):
    """What stands before and behind the text, with its quotes; `framed`: in an event of its own."""

    patience: int = 0  # chunks that may still be learnt from
    _before: bytes = _NEVER
    _after: bytes = _NEVER
    _framed_before: bytes = _NEVER
    _framed_after: bytes = _NEVER

    def text(self, chunk: bytes) -> str:
        """The text of a chunk that says nothing else; "" for one that has to be read."""
        before, after = self._before, self._after
        if not (chunk.startswith(before) and chunk.endswith(after)):
            return ""
        try:
            return _string(chunk[len(before) - 1 : 1 - len(after)])
        except UNDECODABLE:
            return ""

    def framed(self, event: bytes) -> str:
        """The text of an event that is such a chunk; told again, since every event of a stream comes by here."""
        before, after = self._framed_before, self._framed_after
        if not (event.startswith(before) and event.endswith(after)):
            return ""
        try:
            return _string(event[len(before) - 1 : 1 - len(after)])
        except UNDECODABLE:
            return ""

    def learn(self, chunk: bytes, choice: int | None = None) -> None:
        """Keep what stands around the text of a chunk that was read, if it says nothing else.

        choice  the index of the choice whose text it must be; None: any
        """
        self.patience -= 1
        found = _TEXT.search(chunk)
        if found is None:
            return
        before, after = chunk[: found.start(1)], chunk[found.end(1) :]
        if _says_nothing_else(before + _OTHER.encode() + after, choice):
            self._before, self._after = before, after
            self._framed_before, self._framed_after = LEAD + before, after + TAIL


def _says_nothing_else(data: bytes, choice: int | None) -> bool:
    """Whether this chunk consists of its text, `_OTHER`, and of what all chunks of an answer have in common."""
    try:
        chunk = decode_chunk.decode(data)
    except UNDECODABLE:
        return False
    index = chunk.choices[0].index if chunk.choices else None
    return choice in (None, index or 0) and chunk == Chunk(
        id=chunk.id,
        object=chunk.object,
        model=chunk.model,
        created=chunk.created,
        choices=[Choice(index=index, delta=Delta(content=_OTHER))],
        service_tier=chunk.service_tier,
        system_fingerprint=chunk.system_fingerprint,
        provider=chunk.provider,
    )
