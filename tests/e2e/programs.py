"""Programs that are no dependencies: found, installed, or a loud skip."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.aside import ensure


def programs(name: str) -> Path:
    """The folder of a set's programs (see tools/aside.py); skips, and says why, where they cannot be had."""
    folder, why = ensure(name)
    if why:
        pytest.skip(f"{name} cannot be had: {why}")
    return folder
