"""What people install: one pure wheel that has everything in it and works from wherever it lies."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

pytestmark = [pytest.mark.slow, pytest.mark.network]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as pip builds it; skipped where the builder cannot be had."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=100)
    if "hatchling" in done.stderr and "No matching distribution" in done.stderr:
        pytest.skip("the builder cannot be had here")
    assert done.returncode == 0, done.stderr
    (found,) = folder.iterdir()
    return found


def test_the_wheel_is_pure_and_whole(wheel: Path) -> None:
    """For every Python and machine, with the catalogue, the types and the licence, and nothing that runs by itself."""
    assert wheel.name.endswith("-py3-none-any.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    source = {str(file.relative_to(ROOT / "src")) for file in (ROOT / "src").rglob("*") if file.is_file()}
    packaged = {name for name in source if "__pycache__" not in name and not name.endswith(".pyc")}
    assert packaged <= names
    assert {"hexapla/py.typed", "hexapla/catalog/catalogue.pack"} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if name.endswith((".pth", ".so")) or not name.startswith("hexapla")]


def test_the_wheel_works(wheel: Path, tmp_path: Path) -> None:
    """Unpacked somewhere else, it lists models and answers."""
    zipfile.ZipFile(wheel).extractall(tmp_path / "there")
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "there"), "HOME": str(tmp_path), "XDG_STATE_HOME": ""}
    program = "import hexapla, sys; from hexapla.cli.main import main; print(hexapla.__file__); sys.exit(main())"
    for arguments, word in (
        (["models", "demo"], "demo/echo"),
        (["chat", "-m", "demo/echo", "Hello"], "You said: Hello"),
    ):
        command = [sys.executable, "-c", program, *arguments]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=env, cwd=tmp_path, timeout=60)
        assert done.stdout.startswith(str(tmp_path / "there")) and word in done.stdout
