"""Undoes an answer's Content-Encoding, within limits, for every transport alike.

Nobody is asked to compress (the requests name no encoding), yet some do.  What a few kilobytes may grow into is bounded,
and a compressed body that ends early is a truncated one.
"""

from __future__ import annotations

import zlib

from hexapla.errors import Kind, UpstreamError

MAX_DECODED = 64 * 1024 * 1024  # bytes that one piece may become
MAX_RATIO = 100
FREE_BYTES = 1024 * 1024  # a body that stays below may have any ratio


class Inflate:
    """One body in gzip or zlib, told by its first bytes."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(47)
        self._taken = 0
        self._given = 0

    def feed(self, data: bytes) -> bytes:
        """The plain bytes.  Raises UpstreamError(upstream_protocol)."""
        self._taken += len(data)
        try:
            plain = self._stream.decompress(data, MAX_DECODED)
        except zlib.error:
            raise UpstreamError(Kind.UPSTREAM_PROTOCOL, "The provider's compressed answer cannot be read.") from None
        self._given += len(plain)
        if self._stream.unconsumed_tail or self._given > max(FREE_BYTES, self._taken * MAX_RATIO):
            raise UpstreamError(Kind.UPSTREAM_PROTOCOL, "The provider's compressed answer grows beyond measure.")
        return plain

    def close(self) -> None:
        """The body is over.  Raises UpstreamError(upstream_truncated) when its end is missing."""
        if self._taken and not self._stream.eof:
            raise UpstreamError(Kind.UPSTREAM_TRUNCATED, "The provider's compressed answer is cut off.")


def inflate_of(encoding: str) -> Inflate | None:
    """What undoes a Content-Encoding; None for none.  Raises UpstreamError(upstream_protocol) for one that is unknown."""
    word = encoding.strip().lower()
    if word in ("", "identity"):
        return None
    if word in ("gzip", "x-gzip", "deflate"):
        return Inflate()
    raise UpstreamError(Kind.UPSTREAM_PROTOCOL, f"The provider answers in {word!r}, which was not asked for.")
