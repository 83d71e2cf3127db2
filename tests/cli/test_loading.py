"""A command loads what it needs and no more, and the collector does not walk through it meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(("given", "frozen"), [("", True), ("['config', 'path']", False)])
def test_the_collector_is_left_as_it_was(given: str, frozen: bool, tmp_path: Path) -> None:
    """What is loaded is kept from it in a process of our own, and never in a program that calls us."""
    code = f"import gc, sys; from hexapla.cli.main import main; sys.argv[1:] = ['config', 'path']; main({given})"
    code += f"; assert gc.isenabled() and bool(gc.get_freeze_count()) is {frozen}"
    own = {**os.environ, "HOME": str(tmp_path)}
    assert subprocess.run([sys.executable, "-c", code], check=False, env=own, cwd=tmp_path).returncode == 0


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
