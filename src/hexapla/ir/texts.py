"""A request that is nothing but texts, in one value.

Most requests of a program that only asks are of this kind, and dialects say them nearly alike.  So whoever reads one fills
in a value of this type with one decode, and whoever writes one has all of it with one encode, where the common form
(request.py) would be built and looked through message by message.

Rules of this file: what does not fit here is not of this kind; what does can be said in every dialect without a loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec


class Turn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """What somebody said."""

    role: Literal["system", "user", "assistant"]
    content: str


class Texts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """See above, and request.py for what the fields mean.  A system text can only be the first."""

    model: str
    messages: Sequence[Turn]
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: Sequence[str] | None = None
    stream: bool | None = None
