"""Commands are loaded without uvicorn's front, which opens for whoever asks for what is behind it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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


def loaded(*arguments: str, folder: Path) -> set[str]:
    """The modules that a command loads."""
    command = [sys.executable, "-X", "importtime", "-m", "hexapla", *arguments]
    own = {**os.environ, "HOME": str(folder), "HEXAPLA_CONFIG": ""}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=own, cwd=folder)
    assert done.returncode == 0
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["serve", "--help"]])
def test_help_needs_no_engine(arguments: list[str], tmp_path: Path) -> None:
    found = loaded(*arguments, folder=tmp_path)
    assert "hexapla.cli.parser" in found
    assert not found & {"msgspec", "asyncio", "hexapla.config"}


@pytest.mark.parametrize(
    "arguments", [["models"], ["providers"], ["profiles"], ["usage"], ["auth", "status"], ["catalog"]], ids=" ".join
)
def test_json_is_not_drawn(arguments: list[str], tmp_path: Path) -> None:
    """rich is loaded for people."""
    (tmp_path / "hexapla.toml").write_text("[local]\nprobe = false\n")
    assert "rich" not in loaded(*arguments, "--json", folder=tmp_path)


@pytest.mark.parametrize("arguments", [["usage"], ["config", "check"]])
def test_what_asks_nobody_needs_no_dialect(arguments: list[str], tmp_path: Path) -> None:
    """Two thirds of all modules are about translating; books and files are read without."""
    found = loaded(*arguments, folder=tmp_path)
    assert "hexapla.config.load" in found
    assert not found & {"hexapla.protocols", "hexapla.translate", "hexapla.engine", "hexapla.server"}


def test_a_list_of_models_needs_no_gateway(tmp_path: Path) -> None:
    (tmp_path / "hexapla.toml").write_text("[local]\nprobe = false\n")
    found = loaded("models", "--json", folder=tmp_path)
    assert "hexapla.engine.routes" in found
    assert not found & {"hexapla.engine.gateway", "hexapla.server", "uvicorn", "starlette", "uvloop"}
