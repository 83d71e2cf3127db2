"""Undoes Content-Encoding, in steps whose size the reader sets.

A few hundred bytes can unfold to gigabytes.  So nothing is inflated before somebody wants it, never more at a time than
was asked for, and never beyond measure: 100 times what came in once there is more than a mebibyte, 64 MiB at all.

Rules of this file: pure; gzip and deflate only, because nothing else is ever asked for; every failure is an
UpstreamError that names who sent it.
"""

from __future__ import annotations

import zlib

from hexapla.errors import Kind, UpstreamError

MAX_DECODED = 64 * 1024 * 1024
MAX_RATIO = 100
RATIO_FROM = 1024 * 1024  # decoded bytes from which the ratio is looked at: short answers may be all blanks
_GZIP, _ZLIB, _BARE = 31, 15, -15  # zlib's words for the three framings


def open_inflater(coding: str, who: str) -> Inflater | None:
    """What undoes `coding`, None if there is nothing to undo.  Raises UpstreamError(upstream_protocol)."""
    word = coding.strip().lower()
    if word in ("", "identity"):
        return None
    if word in ("gzip", "x-gzip", "deflate"):
        return Inflater(word, who)
    raise UpstreamError(
        Kind.UPSTREAM_PROTOCOL, f"{who} answered in the coding {word[:40]!r}, which it was not asked for."
    )


class Inflater:
    """Takes compressed bytes by `feed`, gives the decoded ones by `read`."""

    def __init__(self, coding: str, who: str) -> None:
        self._coding = coding
        self._who = who
        self._inflate = zlib.decompressobj(_ZLIB if coding == "deflate" else _GZIP)
        self._waiting = b""
        self._came = 0
        self._made = 0

    def feed(self, data: bytes) -> None:
        self._waiting += data
        self._came += len(data)

    def read(self, limit: int) -> bytes:
        """At most `limit` decoded bytes; none when more input is needed."""
        if self._inflate.eof and self._waiting:
            self._next_member()
        try:
            data = self._inflate.decompress(self._waiting, limit)
        except zlib.error:
            if not self._is_bare():
                raise self._broken("is not what it claims to be") from None
            data = self._inflate.decompress(self._waiting, limit)
        self._waiting = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
        self._made += len(data)
        self._check_measure()
        return data or (self.read(limit) if self._inflate.eof and self._waiting else b"")

    def finish(self) -> None:
        """The input is over.  Raises UpstreamError(upstream_truncated) if the decoded bytes are not."""
        if self._came and not self._inflate.eof:
            raise UpstreamError(
                Kind.UPSTREAM_TRUNCATED, f"{self._who} sent a {self._coding} body that is cut off.", retryable=None
            )

    def _is_bare(self) -> bool:
        """Some servers say deflate and leave out the zlib header that belongs to it (RFC 9110 8.4.1.2)."""
        if self._coding != "deflate" or self._made:
            return False
        self._inflate = zlib.decompressobj(_BARE)
        return True

    def _next_member(self) -> None:
        """A gzip body may be several, one after the other (RFC 1952 2.2); anything else behind the end is garbage."""
        if self._coding == "deflate" or not b"\x1f\x8b".startswith(self._waiting[:2]):
            raise self._broken("goes on behind its end")
        self._inflate = zlib.decompressobj(_GZIP)

    def _check_measure(self) -> None:
        if self._made > MAX_DECODED or (self._made > RATIO_FROM and self._made > MAX_RATIO * self._came):
            raise self._broken("grows beyond measure")

    def _broken(self, how: str) -> UpstreamError:
        return UpstreamError(Kind.UPSTREAM_PROTOCOL, f"{self._who} sent a {self._coding} body that {how}.")
