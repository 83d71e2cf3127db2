"""Which language a client wants errors in: the one that its Accept-Language names first, if that is Chinese."""

from __future__ import annotations

from collections.abc import Iterable

LANGUAGE = b"accept-language"


def wants_chinese(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name == LANGUAGE and value.strip().lower().startswith(b"zh") for name, value in headers)
