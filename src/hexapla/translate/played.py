"""A whole answer told as a stream, for clients that asked for one and upstreams that gave none.

A long text is told in pieces, each made when the one before is on its way: of an answer of many megabytes nothing is held
twice, and no reader meets a line as long as that.  What is not that long is told at once, before anybody hears of it, so
that the answer's head knows of every loss.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from hexapla.ir.event import AnyEvent, BlockDelta, TextDelta
from hexapla.protocols.base import StreamEncoder

PIECE = 64 * 1024
"""Characters of a text that are told at once."""

AT_ONCE = 1024 * 1024
"""Bytes of a stream that are made before the first of them is told."""


def played(events: Iterable[AnyEvent], encoder: StreamEncoder) -> Iterator[bytes]:
    """What `encoder` says of these events, to the end."""
    return ahead(_told(events, encoder))


def ahead(told: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes, the first of them made already, and in one piece."""
    first, size = [], 0
    for piece in told:
        first.append(piece)
        size += len(piece)
        if size > AT_ONCE:
            break
    return chain((b"".join(first),), told)


def in_pieces(events: Iterable[AnyEvent]) -> Iterator[AnyEvent]:
    """The same events, with more than one for a long text."""
    for event in events:
        if isinstance(event, BlockDelta) and isinstance(event.delta, TextDelta) and not event.delta.logprobs:
            text = event.delta.text
            for at in range(0, len(text) or 1, PIECE):
                yield BlockDelta(event.index, TextDelta(text[at : at + PIECE]))
        else:
            yield event


def _told(events: Iterable[AnyEvent], encoder: StreamEncoder) -> Iterator[bytes]:
    for event in in_pieces(events):
        yield encoder.encode(event)
    yield encoder.close()
