"""A client's Messages body that is nothing but texts, read in one decode.

`request.py` reads these as well, and the same (tests/translate/test_straight.py).

Rules of this file: in doubt None.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec.structs import replace

from hexapla.ir.texts import Texts, Turn
from hexapla.wire.rawjson import UNDECODABLE


class _Turn(Turn, frozen=True, forbid_unknown_fields=True, gc=False):
    role: Literal["user", "assistant"]


class _Request(Texts, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    messages: Annotated[Sequence[_Turn], msgspec.Meta(min_length=1)]
    max_tokens: int
    stop: Sequence[str] | None = msgspec.field(default=None, name="stop_sequences")
    system: str | None = None


_decode = msgspec.json.Decoder(_Request).decode


def parse_texts(body: bytes) -> Texts | None:
    """The request, if it is one of these."""
    try:
        said = _decode(body)
    except UNDECODABLE:
        return None
    return replace(said, messages=[Turn("system", said.system), *said.messages]) if said.system else said
