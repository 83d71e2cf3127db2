"""The pages about the library tell what it does: every example runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
LOCKED = ("# needs ", "# 需要 ")
"""How an example begins that no key is there for."""


@pytest.mark.parametrize("page", ["library.md", "zh/library.md"])
def test_every_example_runs(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One after the other, as a reader would try them."""
    monkeypatch.chdir(tmp_path)
    blocks = BLOCK.findall((DOCS / page).read_text())
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks:
        if not block.startswith(LOCKED):
            exec(compile(block, page, "exec"), names)
    said = capsys.readouterr().out
    assert len(blocks) >= 11
    assert "rate_limit" in said and "429" in said, "the refusal was met"
    assert names["answer"].provider == "demo" and names["answer"], "the second model answered"


def test_both_languages_show_the_same() -> None:
    """The same calls in the same order, whatever is said in them."""
    calls = re.compile(r"\.(chat\w*|close|usage|losses|answer)\b")
    english, chinese = (
        [calls.findall(block) for block in BLOCK.findall((DOCS / page).read_text())]
        for page in ("library.md", "zh/library.md")
    )
    assert english == chinese
