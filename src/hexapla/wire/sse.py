"""Server-sent events: bytes to frames and back.

The decoder follows the WHATWG parser (LF, CRLF and CR line ends in any mix, BOM, comments, several data lines, a field
without a space after the colon) with additions that real providers need: an event whose last blank line is missing is
delivered by `close()`; an `error` field is an event of that name; and in a block without data, a line that begins like a
JSON object is data whose field was not named (both are how servers fail in the middle of a stream).  Cutting the bytes
anywhere never changes the frames.

Rules of this file: no JSON, no dialect; memory is bounded by `max_event`.
"""

from __future__ import annotations

import msgspec

from hexapla.errors import ProtocolError

MAX_EVENT = 16 * 1024 * 1024  # bytes of one event; ours, ample for a base64 image in one chunk
_BOM = b"\xef\xbb\xbf"


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One event: its type ("" when the stream named none) and its data lines joined by LF."""

    event: str
    data: bytes


class SSEDecoder(msgspec.Struct, eq=False):
    """`feed` bytes, get the frames that they complete; `close` delivers an unterminated last one.

    comments  how many comment lines passed so far (life, not content)
    """

    max_event: int = MAX_EVENT
    comments: int = 0
    # of an event whose end has not come yet; pieces in a list cost 33 bytes each on top
    _held: bytearray = msgspec.field(default_factory=bytearray)
    _skip_lf: bool = False  # the last byte was CR: a LF that follows belongs to it
    _start: bool = True

    @property
    def between(self) -> bool:
        """Whether another event begins with the next byte."""
        return not (self._held or self._skip_lf or self._start)

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that `data` completes.  Raises ProtocolError when one event grows past `max_event`."""
        if self._start or self._skip_lf or b"\r" in data:
            data = self._normalise(data)
        first = data.find(b"\n")
        if first < 0:
            self._keep(data)
            return []
        if first == len(data) - 2 and not self._held and data.startswith(b"data: ") and data.endswith(b"\n"):
            return [Frame("", data[6:first])]  # one whole event in its usual shape
        held = self._held
        if held:
            if b"\n\n" not in data and not (data.startswith(b"\n") and held.endswith(b"\n")):
                self._keep(data)  # without looking at all there is for every line of it
                return []
            data = b"".join((held, data))
            held.clear()
        blocks = data.split(b"\n\n")
        tail = blocks.pop()
        if tail:
            self._keep(tail)
        frames = []
        for block in blocks:
            if block.startswith(b"data: ") and b"\n" not in block:  # the shape of nearly every event
                frames.append(Frame("", block[6:]))
            elif (frame := self._parse(block)) is not None:
                frames.append(frame)
        return frames

    def close(self) -> list[Frame]:
        """Return the last frame if its blank line is missing."""
        block = bytes(self._held)
        self._held.clear()
        frame = self._parse(block) if block else None
        return [] if frame is None else [frame]

    def _normalise(self, data: bytes) -> bytes:
        """Make every line end LF, minding a CRLF that was cut between two calls, and drop a leading BOM."""
        if self._start:
            data = self._drop_bom(data)
        if not data:
            return data
        if self._skip_lf and data.startswith(b"\n"):
            data = data[1:]
        self._skip_lf = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _drop_bom(self, data: bytes) -> bytes:
        data = b"".join((self._held, data))
        self._held.clear()
        if len(data) < len(_BOM) and _BOM.startswith(data):
            self._keep(data)  # perhaps the first bytes of a BOM
            return b""
        self._start = False
        return data.removeprefix(_BOM)

    def _keep(self, data: bytes) -> None:
        self._held += data
        if len(self._held) > self.max_event:
            self._held.clear()  # whoever refuses it may be around for longer
            raise ProtocolError(too_long(self.max_event))

    def _parse(self, block: bytes) -> Frame | None:
        """One block of lines as a frame; None when it has no data (comments, ids, an event name alone)."""
        event, data, bare = "", [], b""
        for line in block.split(b"\n"):
            name, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if name == b"data":
                data.append(value)
            elif name == b"event":
                event = value.decode("utf-8", "replace")
            elif name == b"error":  # llama.cpp's server fails so
                event, data = name.decode(), [value]
            elif not name and line:
                self.comments += 1
            elif line.startswith(b"{"):
                bare = b"%b\n%b" % (bare, line) if bare else line
        return Frame(event, b"\n".join(data) or bare) if data or bare else None


def too_long(most: int) -> str:
    """What is wrong with an event above `most` bytes."""
    return f"an event of the stream is longer than {most} bytes"


def frame(data: bytes, event: str = "") -> bytes:
    """Encode one event.  `data` must hold no line end (JSON from our encoder never does)."""
    if event:
        return b"event: %b\ndata: %b\n\n" % (event.encode(), data)
    return b"data: %b\n\n" % data


def comment(text: str) -> bytes:
    """Encode a comment, which every SSE client ignores: a heartbeat."""
    return b": %b\n\n" % text.encode()
