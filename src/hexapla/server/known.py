"""The head of a connection's last request, because most programs say the same in the next one.

A program that asks again differs in its body, and in its head by nothing but the digits of `content-length`.  So a head
that the parser took is kept with all that was made of it, and a read that is that head and its body is compared as bytes:
parser, callbacks, keys and headers cost it nothing (docs/decisions/2026-11-28-known-head.md).

Rules of this file: whatever is not the same byte for byte, or not whole, is the parser's; only heads of the plainest form
are kept, so that nothing but the length can depend on those digits.
"""

from __future__ import annotations

import re

from hexapla.engine.client import Ask
from hexapla.server.turn import Opening, Turn

LONGEST = 4096  # bytes of a head that is kept

PATIENCE = 8  # heads in a row that came once, before a connection's are not kept any more: that costs 5 µs each

DIGITS = 9  # of a length: far from where a parser's numbers end

_HEAD = re.compile(
    rb"((?:[^\s:][^\r\n]*\r\n)+?(?i:content-length):[ \t]*)"  # lines, each at its margin
    rb"([0-9]{1,%d})"
    rb"(\r\n(?:[^\s:][^\r\n]*\r\n)*\r\n)" % DIGITS
)

_PARSED_OTHERWISE = frozenset({b"transfer-encoding", b"expect", b"upgrade"})
"""Headers that make something else of the bytes behind the head, or of the moment when they come."""


class Known:
    """A head, and what was made of it.

    ask  the question without its body
    """

    __slots__ = ("_after", "_before", "_begin", "_edition", "_keys", "_reach", "ask", "opening")

    def __init__(self, before: bytes, after: bytes, opening: Opening, ask: Ask) -> None:
        self._before, self._after = before, after
        self._begin, self._reach = len(before), len(before) + DIGITS + len(after)
        self._keys = opening.endpoint.keys
        self._edition = self._keys.edition
        self.opening = opening
        self.ask = ask

    def body(self, data: bytes) -> bytes:
        """The body of a request that is exactly `data` and has this head; empty for anything else."""
        if not data.startswith(self._before) or self._keys.edition is not self._edition:
            return b""
        begin = self._begin
        end = data.find(self._after, begin, self._reach)
        if end < 0:
            return b""
        body = data[end + len(self._after) :]
        return body if data[begin:end] == b"%d" % len(body) else b""


def remembered(data: bytes, turn: Turn, most: int) -> Known | None:
    """What may be kept of the one request that `data` was; `turn` is what the parser made of it.

    most  bytes that a head may have
    """
    opening, ask = turn.opening, turn.ask
    if ask is None:
        return None
    found = _HEAD.match(data, 0, min(most, LONGEST) - DIGITS)
    if found is None or int(found[2]) != len(data) - found.end():
        return None
    names = [name for name, _ in opening.headers]
    if names.count(b"content-length") != 1 or not _PARSED_OTHERWISE.isdisjoint(names):
        return None
    return Known(found[1], found[3], opening, ask)
