"""Errors in a stream in the client's language: what failed is said in Chinese to whoever asked for that.

An error before the first byte is a whole body, and is translated there (engine/telling.py); one after it is an event of
the client's dialect, so its encoder is given the words.

Rules of this file: nothing but the message changes; nothing is done for anybody else.
"""

from __future__ import annotations

from functools import cache

from msgspec.structs import replace

from hexapla.chinese import in_chinese
from hexapla.ir.event import AnyEvent, StreamError
from hexapla.ir.loss import LossLog
from hexapla.protocols import PROTOCOLS
from hexapla.protocols.base import Protocol, Reply, StreamEncoder


class _InChinese:
    """An encoder that translates the last word of a stream that failed."""

    def __init__(self, encoder: StreamEncoder) -> None:
        self._encoder = encoder
        self.more = encoder.more
        self.close = encoder.close

    def encode(self, event: AnyEvent) -> bytes:
        if type(event) is StreamError:
            event = replace(event, message=in_chinese(event.message))
        return self._encoder.encode(event)


@cache
def chinese(name: str) -> Protocol:
    """The dialect of this name, whose streams fail in Chinese."""
    protocol = PROTOCOLS[name]

    def encoder(reply: Reply, losses: LossLog | None = None) -> StreamEncoder:
        return _InChinese(protocol.encoder(reply, losses))

    return protocol._replace(encoder=encoder)
