"""Whether a file that a client sends is one; agents send pages of HTML for images, and files that were cut short."""

from __future__ import annotations

from hexapla.errors import ProtocolError
from hexapla.wire.media import sniff

KNOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Types whose first bytes are known."""


def check_image(media_type: str | None, data: str, path: str) -> None:
    """Raise ProtocolError for image data that is no base64 or plainly no image."""
    found = sniff(data)
    if found == "":
        raise ProtocolError("the image is not valid base64", path=path)
    if found is not None and not found.startswith("image/"):
        raise ProtocolError(f"the image says {media_type or 'image'}, but its bytes are {found}", path=path)
    if found is None and media_type in KNOWN:
        raise ProtocolError(f"the bytes are not a {media_type} image", path=path)


def check_file(kind: str, media_type: str | None, data: str, path: str) -> None:
    """`check_image`, or for a file of another kind whether its data is base64."""
    if kind == "image":
        check_image(media_type, data, path)
    elif sniff(data) == "":
        raise ProtocolError(f"the {kind} is not valid base64", path=path)
