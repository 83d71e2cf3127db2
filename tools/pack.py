"""`python tools/pack.py` writes the catalogue's pack anew from its TOML files; to be run after every change of them."""

from __future__ import annotations

from pathlib import Path

from hexapla.catalog.pack import pack
from hexapla.config import PACK, packaged_texts

FILE = Path(__file__).resolve().parents[1] / "src" / "hexapla" / "catalog" / PACK

if __name__ == "__main__":
    FILE.write_bytes(pack(packaged_texts()))
