"""Images for a prompt: a path or a URL becomes the part that the Chat dialect wants."""

from __future__ import annotations

import base64
from pathlib import Path

from hexapla.errors import ClientError, Kind

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
)


def image_url(image: str | Path | bytes) -> str:
    """A URL for `image`: http(s) and data: URLs as they are, a path or bytes as a data: URL.

    Raises ClientError for a file that is missing or no PNG, JPEG, GIF or WebP.
    """
    if isinstance(image, str) and image.startswith(("http://", "https://", "data:")):
        return image
    data = image if isinstance(image, bytes) else _read(Path(image))
    return f"data:{media_type(data)};base64,{base64.b64encode(data).decode()}"


def media_type(data: bytes) -> str:
    """The MIME type that the first bytes tell."""
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    raise ClientError(Kind.INVALID_REQUEST, "The image is not a PNG, JPEG, GIF or WebP file.", param="image")


def _read(path: Path) -> bytes:
    try:
        return path.expanduser().read_bytes()
    except OSError as error:
        raise ClientError(
            Kind.INVALID_REQUEST, f"The image {path} cannot be read: {error.strerror}.", param="image"
        ) from None
