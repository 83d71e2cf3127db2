"""The texts of a request's PDFs, for models that read none (plugins/documents.py), each read by a process of its own."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import sys
from collections.abc import Mapping

from hexapla.engine._optional import reads_pdfs
from hexapla.errors import ClientError, Kind

SECONDS = 30.0  # for one PDF
PROGRAM = (sys.executable, "-m", "hexapla.engine.pdf_text")


async def texts_of(found: Mapping[str, str]) -> dict[str, str]:
    """What PDFs say: base64 -> text, of base64 -> name.  Raises ClientError for one that cannot be read."""
    if found and not reads_pdfs():
        message = "To read PDFs for models that cannot, this gateway needs the extra: pip install hexapla[pdf]."
        raise ClientError(Kind.UNSUPPORTED, message, param="plugins")
    return {data: await _text(data, name) for data, name in found.items()}


async def _text(data: str, name: str) -> str:
    try:
        document = base64.b64decode(data, validate=True)
    except binascii.Error:
        raise _unread(name, "it is not valid base64") from None
    process = await asyncio.create_subprocess_exec(
        *PROGRAM, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(SECONDS):
            said, _ = await process.communicate(document)
    except TimeoutError:
        raise _unread(name, f"that took longer than {SECONDS:g} seconds") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode:
        raise _unread(name, "it is damaged, locked or no PDF")
    text = said.decode("utf-8", "replace").strip()
    if not text:
        raise _unread(name, "there is no text in it, only pictures; a model that reads PDFs can look at them")
    return text


def _unread(name: str, why: str) -> ClientError:
    return ClientError(Kind.INVALID_REQUEST, f"The PDF {name[:100]!r} cannot be read: {why}.", param="plugins")
