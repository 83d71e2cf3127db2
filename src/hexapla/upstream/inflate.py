"""Undoes an answer's Content-Encoding, within limits, for every transport alike.

Nobody is asked to compress (the requests name no encoding), yet some do.  A few kilobytes may grow into gigabytes, so they
grow in small pieces, each when somebody asks for it: what nobody asks for stays packed, and a bomb is known after its first
megabyte.  A compressed body that ends early is a truncated one.
"""

from __future__ import annotations

import zlib

from hexapla.errors import Kind, UpstreamError

PIECE = 64 * 1024  # bytes that are unpacked at once
MAX_DECODED = 64 * 1024 * 1024  # bytes of a body whose reader names no limit
MAX_RATIO = 100
FREE_BYTES = 1024 * 1024  # a body that stays below may have any ratio


class Inflate:
    """One body in gzip or zlib, told by its first bytes; at most `limit` bytes of it, 0 for the usual number.

    given  how many have been taken
    """

    def __init__(self, limit: int = 0) -> None:
        self._stream = zlib.decompressobj(47)
        self._limit = limit or MAX_DECODED
        self._packed = b""
        self._more = False  # it has kept plain bytes back
        self._taken = 0
        self.given = 0

    def feed(self, data: bytes) -> None:
        """More of the packed body, once all before it is taken; what follows its end is nobody's."""
        if not self._stream.eof:
            self._packed = data

    def take(self) -> bytes:
        """The next plain bytes; b"" when more must be fed.  Raises UpstreamError(upstream_protocol)."""
        while self._packed or self._more:
            packed, stream = self._packed, self._stream
            try:
                plain = stream.decompress(packed, PIECE)
            except zlib.error:
                raise _unreadable("cannot be read") from None
            self._packed = b"" if stream.eof else stream.unconsumed_tail
            self._more = len(plain) == PIECE and not stream.eof
            self._taken += len(packed) - len(self._packed)
            self.given += len(plain)
            if self.given > max(FREE_BYTES, self._taken * MAX_RATIO):
                raise _unreadable("grows beyond measure")
            if self.given > self._limit:
                raise UpstreamError(Kind.UPSTREAM_PROTOCOL, f"The answer is larger than {self._limit} bytes.")
            if plain:
                return plain
        return b""

    def close(self) -> None:
        """The body is over.  Raises UpstreamError(upstream_truncated) when its end is missing."""
        if self._taken and not self._stream.eof:
            raise UpstreamError(Kind.UPSTREAM_TRUNCATED, "The provider's compressed answer is cut off.")


def _unreadable(why: str) -> UpstreamError:
    return UpstreamError(Kind.UPSTREAM_PROTOCOL, f"The provider's compressed answer {why}.")


def inflate_of(encoding: str, limit: int = 0) -> Inflate | None:
    """What undoes a Content-Encoding; None for none.  Raises UpstreamError(upstream_protocol) for one that is unknown."""
    word = encoding.strip().lower()
    if word in ("", "identity"):
        return None
    if word in ("gzip", "x-gzip", "deflate"):
        return Inflate(limit)
    raise UpstreamError(Kind.UPSTREAM_PROTOCOL, f"The provider answers in {word!r}, which was not asked for.")
