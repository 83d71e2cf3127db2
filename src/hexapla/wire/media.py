"""data: URLs and media types: base64 text in and out of the form that each dialect wants, without decoding it."""

from __future__ import annotations

import base64
import binascii

MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)


def split_data_url(url: str) -> tuple[str | None, str | None]:
    """(media type, base64 text) of a base64 data: URL; (None, None) for any other URL."""
    if not url.startswith("data:"):
        return None, None
    head, comma, data = url[5:].partition(",")
    if not comma or not head.endswith(";base64"):
        return None, None
    return head.removesuffix(";base64").partition(";")[0] or None, data


def data_url(media_type: str | None, data: str) -> str:
    """A base64 data: URL."""
    return f"data:{media_type or 'application/octet-stream'};base64,{data}"


def sniff(data: str) -> str | None:
    """The media type that the first bytes of base64 text tell; None when they tell nothing, "" when it is no base64."""
    try:
        head = base64.b64decode(data[:64] + "=" * (-len(data[:64]) % 4), validate=True)
    except (binascii.Error, ValueError):
        return ""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((name for magic, name in MAGIC if head.startswith(magic)), None)
