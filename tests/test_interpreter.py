"""The Python that `make` chooses, among scripts that say what a trial would."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from tools.interpreter import candidates, fastest, trial


def pretend(folder: Path, name: str, script: str) -> Path:
    """An executable at `folder`/`name`."""
    path = folder / name
    folder.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("second", "chosen"),
    [
        ("echo 0.0065 second", "second"),
        ("echo 0.0095 second", "first"),
        ("echo 0.02 second", "first"),
        ("exit 1", "first"),
    ],
    ids=["clearly faster", "as fast", "slower", "no environments"],
)
def test_chosen(tmp_path: Path, second: str, chosen: str) -> None:
    assert fastest([pretend(tmp_path, "a", "echo 0.01 first"), pretend(tmp_path, "b", second)]) == chosen


def test_the_first_is_of_no_use(tmp_path: Path) -> None:
    assert fastest([pretend(tmp_path, "a", "exit 1"), pretend(tmp_path, "b", "echo 0.02 second")]) == "second"
    assert fastest([pretend(tmp_path, "a", "exit 1")]) is None


def test_candidates_once_each_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (pretend(tmp_path / name, "python3", "") for name in ("one", "two"))
    third = pretend(tmp_path / "two", "python3.12", "")
    (tmp_path / "one" / "python3.13").symlink_to(second)
    (tmp_path / "two" / "python3.11").write_text("not executable")
    monkeypatch.setenv("PATH", os.pathsep.join((str(tmp_path / "one"), str(tmp_path / "two"), str(tmp_path / "none"))))
    assert list(candidates()) == [first, second, third]


def test_a_real_trial() -> None:
    found = trial(Path(sys.executable))
    assert found is not None
    assert found[0] > 0 and Path(found[1]).samefile(sys.executable)
