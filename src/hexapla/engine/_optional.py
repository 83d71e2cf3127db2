"""The optional extra of this floor: `hexapla[pdf]` (pypdf), imported when it is first needed."""

from __future__ import annotations

from importlib.util import find_spec
from itertools import islice
from typing import BinaryIO


def reads_pdfs() -> bool:
    """Whether the extra is installed."""
    return find_spec("pypdf") is not None


def pdf_pages(file: BinaryIO, most: int) -> list[str]:
    """The texts of a PDF's first pages."""
    from pypdf import PdfReader

    return [page.extract_text().strip() for page in islice(PdfReader(file).pages, most)]
