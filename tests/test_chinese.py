"""The Chinese of errors: each row says a sentence that the source has, with the same values."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import hexapla
from hexapla.chinese import FOREIGN, LONGEST, SENTENCES, in_chinese

SOURCE = Path(hexapla.__file__).parent


def sentences(tree: ast.AST) -> Iterator[str]:
    """Every string of a module, `{}` for each value that is put in."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)  # type: ignore[misc]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_each_row_stands_in_the_source() -> None:
    """A sentence that was put otherwise there would be shown in English, and nobody would notice."""
    files = [file for file in SOURCE.rglob("*.py") if file.name != "chinese.py"]
    said = {sentence for file in files for sentence in sentences(ast.parse(file.read_text()))}
    assert [english for english, _ in SENTENCES if english not in said] == []


@pytest.mark.parametrize(("english", "chinese"), [*SENTENCES, *FOREIGN])
def test_each_row_says_the_same_values(english: str, chinese: str) -> None:
    values = [f"v{number}" for number in range(english.count("{}"))]
    said = in_chinese(english.format(*values))
    assert re.search("[\u4e00-\u9fff]", chinese) or english.startswith("[Errno")
    assert all(value in said for value in values if not english.startswith("[Errno"))


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        (
            "OpenRouter needs a key: set OPENROUTER_API_KEY, or run `hexapla login openrouter`. Get one at https://o.ai/k.",
            "OpenRouter 需要密钥：请设置 OPENROUTER_API_KEY，或运行 `hexapla login openrouter`。获取密钥：https://o.ai/k",
        ),
        (
            "The model 'x/y' is not known. Nearest: a, b. A model is named provider/model; GET /v1/models lists them.",
            "没有名为 'x/y' 的模型。最接近的是：a, b。模型的名称为 供应商/模型，GET /v1/models 会列出全部。",
        ),
        ("There is no key 'prot' here. Did you mean 'port'?", "这里没有名为 'prot' 的设置。是否想写 'port'？"),
        ("temperature must be a number - at $.temperature", "temperature 必须是数字（位于 $.temperature）"),
        ("Nobody has said this before.", "Nobody has said this before."),
        ("", ""),
        ("messages is required" + "x" * LONGEST, "messages is required" + "x" * LONGEST),
    ],
)
def test_sentences_in_sentences(english: str, chinese: str) -> None:
    assert in_chinese(english) == chinese
