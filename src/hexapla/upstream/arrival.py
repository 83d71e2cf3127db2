"""What arrives on a connection: one answer after the other, as httptools tells it.

The parser (llhttp) refuses two lengths, and a length beside chunks (tests/upstream/test_contract.py).

Rules of this file: no socket and no waiting; what is wrong becomes `error`, and whoever holds the socket is told by
`_give_up`; bounds are kept while bytes come, not afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import httptools

from hexapla.errors import Kind, UpstreamError
from hexapla.upstream.inflate import Inflate, inflate_of

MAX_HEAD_BYTES = 64 * 1024
MAX_HEADERS = 200
MAX_INTERIM = 20


class Arrival:
    """The answer that is arriving.

    head      its status and headers, once they are complete
    complete  nothing of its body is to come
    error     what is wrong with it
    inflate   what unpacks its body, if it is packed; all that passes here is as it came

    Slots, since a connection has more than the thirty attributes that Python 3.11 keeps inside an object: what an exchange
    does here costs 2.2 µs with them, and 2.4 without.
    """

    __slots__ = (
        "_chunks",
        "_head_bytes",
        "_header_bytes",
        "_headers",
        "_interim",
        "_keep_alive",
        "_limit",
        "_parsed",
        "_parser",
        "_size",
        "_taken",
        "complete",
        "error",
        "head",
        "inflate",
    )

    def __init__(self) -> None:
        self._parser: Any = httptools.HttpResponseParser(self)  # for one answer after the other
        self._limit = 0  # bytes of its body; 0 is none
        self._expect()

    def _expect(self) -> None:
        """Another answer is expected."""
        self._parsed = False  # the parser has seen something of it
        self.head: tuple[int, Mapping[str, str]] | None = None
        self.error: UpstreamError | None = None
        self._chunks: list[bytes] = []
        self._headers: dict[str, str] = {}
        self._header_bytes = self._head_bytes = self._interim = 0
        self._size = self._taken = 0  # bytes of the body: that have come, and of those
        self.complete = self._keep_alive = False
        self.inflate: Inflate | None = None

    @property
    def ended(self) -> bool:
        """The body is complete, and whole."""
        return self.complete and self.error is None

    def whole(self) -> bytes:
        """The body, which stays to be taken; b"" unless all of it is there, it is no refusal and not packed."""
        if not self.complete or self.error is not None or self.head is None or self.head[0] >= 300:
            return b""
        if self.inflate is not None:
            return b""
        if len(self._chunks) != 1:
            self._chunks = [b"".join(self._chunks)]
        return self._chunks[0]

    def on_message_begin(self) -> None:
        if self.complete:
            raise ValueError("bytes behind the end")  # stops the parser: they must become no other answer's head

    def on_header(self, name: bytes, value: bytes) -> None:
        headers = self._headers
        if len(headers) >= MAX_HEADERS:
            self._fail(Kind.UPSTREAM_PROTOCOL, "The provider sends too many headers.")
            return
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MAX_HEAD_BYTES:
            self._fail(Kind.UPSTREAM_PROTOCOL, "The head of the provider's answer is too large.")
            return
        if self.head is not None:
            return  # a trailer: it must not replace a header that was acted upon
        key, text = _lower(name), value.decode("latin-1")
        before = headers.get(key)
        if before is None:
            if key != "set-cookie":
                headers[key] = text
            return
        headers[key] = f"{before}, {text}"

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if 100 <= status < 200:
            self._interim += 1
            self._headers = {}
            if self._interim > MAX_INTERIM:
                self._fail(Kind.UPSTREAM_PROTOCOL, "The provider sends interim answers without end.")
            return
        length = self._headers.get("content-length")
        if length is not None and status < 300 and 0 < self._limit < int(length):
            self._too_large()
            return
        self.head = status, self._headers
        if encoding := self._headers.get("content-encoding"):
            try:
                self.inflate = inflate_of(encoding, self._limit)
            except UpstreamError as error:
                self._give_up(error)

    def on_body(self, body: bytes) -> None:
        if self.error is not None:
            return
        self._size += len(body)
        if self._limit and self._size > self._limit:
            self._too_large()
            return
        if body:
            self._chunks.append(body)

    def on_message_complete(self) -> None:
        if self.head is None:
            return  # an interim answer
        self.complete = True
        # right only inside this callback; asked later it is always False (docs/measurements.md, traps)
        self._keep_alive = self._parser.should_keep_alive() and self.error is None

    def _until_close(self) -> bool:
        """The body ends with the connection."""
        headers: Mapping[str, str] = self.head[1] if self.head is not None else {}
        return "content-length" not in headers and "transfer-encoding" not in headers

    def _too_large(self) -> None:
        self._fail(Kind.UPSTREAM_PROTOCOL, f"The answer is larger than {self._limit} bytes.")

    def _fail(self, kind: Kind, message: str) -> None:
        self._give_up(UpstreamError(kind, message))

    def _give_up(self, error: UpstreamError) -> None:
        if self.error is None and not self.complete:
            self.error = error
        self._keep_alive = False


@lru_cache(maxsize=256)  # vendors' own words, some hundred; a name may be as long as a head
def _lower(name: bytes) -> str:
    return name.decode("latin-1").lower()
