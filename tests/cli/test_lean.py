"""Commands are loaded without uvicorn's front, which opens for whoever asks for what is behind it."""

from __future__ import annotations

import subprocess
import sys

import pytest

CLOSED = """
import gc, sys
from hexapla.cli import lean
lean.load("hexapla.server.run")
assert "uvicorn.server" in sys.modules and "uvicorn.main" not in sys.modules
assert gc.isenabled() and gc.get_freeze_count()
import uvicorn
"""


@pytest.mark.parametrize(
    "asks",
    [
        "from uvicorn import Config, Server; assert 'uvicorn.main' not in sys.modules",
        "from uvicorn import run; assert callable(run) and 'uvicorn.main' in sys.modules",
        "assert uvicorn.__version__[0].isdigit() and uvicorn.Server is sys.modules['uvicorn.server'].Server",
        "assert not hasattr(uvicorn, 'nothing') and uvicorn.main",
    ],
)
def test_the_front_opens_when_it_is_needed(asks: str) -> None:
    done = subprocess.run([sys.executable, "-c", CLOSED + asks], capture_output=True, text=True, check=False)
    assert done.stderr == "" and done.returncode == 0


def test_an_open_front_stays() -> None:
    """A program that has uvicorn already keeps it."""
    code = "import uvicorn, sys; from hexapla.cli import lean; lean.load('hexapla.cli.words')"
    code += "; assert sys.modules['uvicorn'] is uvicorn and uvicorn.main"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["serve", "--help"]])
def test_help_needs_no_engine(arguments: list[str]) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "hexapla", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "hexapla.cli.parser" in done.stderr
    assert not {"msgspec", "asyncio", "hexapla.config"} & set(done.stderr.split())
