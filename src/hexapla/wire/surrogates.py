r"""Half characters: UTF-16 surrogate escapes that stand alone in JSON text.

Programs that count in UTF-16 cut an emoji in two: a proxy between two chunks of a stream, an agent at the end of a long
tool output.  Their JSON then holds `\ud83d` without `\ude00`, which no strict decoder accepts, and the whole chunk or
request would be lost for half a character.  `mend` makes such text decodable and touches nothing else; over the chunks
of a stream the halves are joined again.

Rules of this file: bytes in, bytes out, linear time; called only for text that a decoder refused.
"""

from __future__ import annotations

import re

import msgspec

_HEX = rb"[0-9a-fA-F]{2}"
_HIGH, _LOW = rb"[dD][89abAB]" + _HEX, rb"[dD][c-fC-F]" + _HEX
_ESCAPE = (  # compiled with the first half character, which few processes ever see
    rb'(?P<first>")?\\(?:u'
    + _HIGH
    + rb"\\u"
    + _LOW
    + rb"|u(?P<high>"
    + _HIGH
    + rb")|u(?P<low>"
    + _LOW
    + rb')|.)(?P<last>(?="))?'
)
_LOST = rb"\ufffd"


class Halves(msgspec.Struct, eq=False):
    """Mends the chunks of one stream in order."""

    _high: bytes = b""  # a half that ended the last mended chunk's strings

    def mend(self, data: bytes) -> bytes:
        """`data` with every lone half joined to the one before, kept for the next chunk, or replaced by U+FFFD."""
        before, self._high = self._high, b""

        def mended(found: re.Match[bytes]) -> bytes:
            high, low, first = found["high"], found["low"], found["first"] or b""
            if high is not None and found["last"] is not None:
                self._high = high
                return first
            if low is not None and first and before:
                return b'"\\u%b\\u%b' % (before, low)
            return found[0] if high is None and low is None else first + _LOST

        return re.sub(_ESCAPE, mended, data, flags=re.DOTALL)


def mend(data: bytes) -> bytes:
    """A whole document with every lone half replaced by U+FFFD."""
    return re.sub(
        _ESCAPE,
        lambda found: found[0] if found["high"] is found["low"] else (found["first"] or b"") + _LOST,
        data,
        flags=re.DOTALL,
    )
