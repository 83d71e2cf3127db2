"""uvicorn's HTTP/1.1 protocol with the limits that it leaves open.

httptools parses whatever length of headers a client sends, and a client that sends one byte a second keeps its socket
for ever.  This subclass counts header bytes and lines, and closes a connection whose request head is not complete in
time.  (uvicorn's `h11_max_incomplete_event_size` guards only its h11 parser.)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hexapla.config import Limits
from hexapla.ledger.ids import Mint

REASONS = {
    400: ("Bad Request", "The request is not valid HTTP/1.1."),
    408: ("Request Timeout", "The request's head did not arrive in time; send it in one go."),
    431: ("Request Header Fields Too Large", "The request's head is too large, or it has too many headers."),
}


class GuardedProtocol(HttpToolsProtocol):
    """HttpToolsProtocol that refuses header bombs (431) and dripped heads (408)."""

    limits = Limits()
    new_id = staticmethod(Mint())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_size = 0
        self._head_lines = 0
        self._in_head = True
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            if self._head_timer is None:
                self._arm()
            self._head_size += len(data)
            # a head that is still incomplete after this many bytes is a bomb; body bytes in the same read are allowed
            if self._head_size > self.limits.head_bytes and b"\r\n\r\n" not in data[: self.limits.head_bytes]:
                self._refuse(431)
                return
        super().data_received(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_lines += 1
        if self._head_lines > self.limits.head_lines:
            self._refuse(431)
            return
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._disarm()
        if not self.transport.is_closing():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_head = True
        self._head_size = self._head_lines = 0
        super().on_message_complete()

    def _arm(self) -> None:
        if self.limits.head_seconds:
            self._head_timer = self.loop.call_later(self.limits.head_seconds, self._refuse, 408)

    def _disarm(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def send_400_response(self, msg: str) -> None:
        self._refuse(400)

    def _refuse(self, status: int) -> None:
        """Answer and close.  The dialect is not known yet: the body is an error in all of them."""
        self._disarm()
        transport = self.transport
        if transport.is_closing():
            return
        answer_id = self.new_id().encode()
        reason, message = (text.encode() for text in REASONS[status])
        body = (
            b'{"type":"error","error":{"type":"invalid_request_error","message":"%b","param":null,"code":null},'
            b'"request_id":"%b"}' % (message, answer_id)
        )
        transport.write(
            b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\nx-request-id: %b\r\n"
            b"request-id: %b\r\nconnection: close\r\n\r\n%b" % (status, reason, len(body), answer_id, answer_id, body)
        )
        transport.close()


def guarded(limits: Limits, new_id: Callable[[], str]) -> type[GuardedProtocol]:
    """The protocol with these limits; uvicorn makes one object of it for each connection."""
    return type("Guarded", (GuardedProtocol,), {"limits": limits, "new_id": staticmethod(new_id)})
