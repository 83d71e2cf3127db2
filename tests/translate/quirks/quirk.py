"""What a case of this folder is."""

from __future__ import annotations

from typing import NamedTuple

from hearing import Heard


class Quirk(NamedTuple):
    """An upstream's answer that is not quite what its dialect says, and what every client hears of it.

    own   how the client of the same dialect hears it, where bytes pass as they are and that is told otherwise
    apart the client of the same dialect is not asked: what passes there passes as it is
    late  what is said after the end: counted only if it comes in the same read
    """

    name: str
    upstream: str
    heard: Heard
    whole: bytes = b""
    stream: bytes = b""
    own: Heard | None = None
    apart: bool = False
    late: bool = False
    source: str = ""
