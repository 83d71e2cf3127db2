"""The words of the command line: none is missing in a language, and none is left over."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import hexapla.cli
from hexapla.cli.words import WORDS

FAMILIES = ("check-", "logged-out-", "per-", "shown-", "usage-", "why-")
"""Of these a part is put in where they are said."""

SOURCE = "".join(
    file.read_text(encoding="utf-8")
    for file in Path(hexapla.cli.__file__).parent.rglob("*.py")
    if file.parent.name != "words"
)


@pytest.mark.parametrize("key", [key for key in WORDS if not key.startswith(FAMILIES)])
def test_each_word_is_said_somewhere(key: str) -> None:
    assert re.search(rf"""["']{re.escape(key)}["']""", SOURCE)


@pytest.mark.parametrize("key", WORDS)
def test_each_word_takes_the_same_values_in_both_languages(key: str) -> None:
    english, chinese = (sorted(set(re.findall(r"\{(\w*)", text.replace("{{", "")))) for text in WORDS[key])
    assert english == chinese
