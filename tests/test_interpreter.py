"""The Python that `make` chooses, among scripts that say what a trial would."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from tools.interpreter import TRIAL, WHO, candidates, fastest, said, usable

SAYS = 'case "$3" in *ensurepip*) echo "{who}";; *) echo {seconds};; esac'


def pretend(folder: Path, name: str, seconds: str = "0.01", who: str = "$0") -> Path:
    """An executable at `folder`/`name` that takes so long, and says that it is `who`."""
    path = folder / name
    folder.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{SAYS.format(who=who, seconds=seconds)}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("seconds", "chosen"),
    [("0.0065", "b"), ("0.0095", "a"), ("0.02", "a"), ("", "a")],
    ids=["faster", "as fast", "slower", "fails"],
)
def test_chosen(tmp_path: Path, seconds: str, chosen: str) -> None:
    """The first one, unless another is clearly faster."""
    pythons = [pretend(tmp_path, "a"), pretend(tmp_path, "b", seconds), pretend(tmp_path, "c", "0.03")]
    assert fastest(pythons) == tmp_path / chosen


def test_the_only_one_needs_no_trial(tmp_path: Path) -> None:
    assert fastest([pretend(tmp_path, "a", "nothing")]) == tmp_path / "a"


def test_each_that_can_make_environments_once(tmp_path: Path) -> None:
    """A shim is the interpreter behind it; a Python of Debian's without python3-venv says nothing."""
    first, other = pretend(tmp_path, "first"), pretend(tmp_path, "other")
    shim, unable = pretend(tmp_path, "shim", who=str(first)), pretend(tmp_path, "unable", who="")
    assert usable([unable, shim, first, other, tmp_path / "nowhere"]) == [first, other]


def test_candidates_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (pretend(tmp_path / name, "python3") for name in ("one", "two"))
    third = pretend(tmp_path / "two", "python3.12")
    (tmp_path / "two" / "python3.11").write_text("not executable")
    monkeypatch.setenv("PATH", os.pathsep.join((str(tmp_path / "one"), str(tmp_path / "two"), str(tmp_path / "none"))))
    assert list(candidates()) == [first, second, third]


def test_a_real_one() -> None:
    python = Path(sys.executable)
    assert Path(said(python, WHO)).samefile(python)
    assert float(said(python, TRIAL)) > 0
