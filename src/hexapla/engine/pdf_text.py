"""A PDF on standard input, its text on standard output: `python -m hexapla.engine.pdf_text`.

A program of its own, since a PDF comes from anybody: one that never ends, or wants all memory, ends with its process.
"""

from __future__ import annotations

import io
import sys

from hexapla.engine._optional import pdf_pages

MOST_PAGES = 300


def main() -> None:
    """Print every page's text, a blank line between two."""
    pages = pdf_pages(io.BytesIO(sys.stdin.buffer.read()), MOST_PAGES)
    sys.stdout.buffer.write("\n\n".join(pages).encode("utf-8", "replace"))


if __name__ == "__main__":
    main()
