"""Writes docs/matrix.md and docs/zh/matrix.md: what becomes of every case between every two dialects."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from carry import CLIENTS, Carried, carry
from cases import CASES

LANGUAGES = ("en", "zh")
SHORT = {
    "openai_chat": "Chat",
    "openai_responses": "Responses",
    "anthropic_messages": "Messages",
    "gemini_generate": "Gemini",
}
TITLE = ("# Compatibility matrix", "# 兼容矩阵")
HEAD = ("case", "用例")
ABOUT_EN = """\
Made from the cases in `tests/matrix`, whole and streamed; a test keeps this page current. Columns are client → upstream for
different dialects; between the same dialect every case passes verbatim, byte for byte.

- ✓ the request and the answer arrive whole. Cosmetic differences, such as a cache mark that the target does not know, are
  reported with the answer but not shown here.
- a name: the field that the upstream cannot be told, reported in `x-hexapla-losses` and refused under `strict`.
- – the client's dialect cannot ask it.
- ✗ refused with a clear error."""
ABOUT_ZH = """\
由 `tests/matrix` 中的用例生成（整体与流式），并由测试保持最新。
各列为不同协议之间的“客户端 → 上游”；相同协议之间每个用例都逐字节原样通过。

- ✓ 请求与回答完整到达。表面差异（如目标不认识的缓存标记）会随回答报告，但不在此列出。
- 字段名：无法告诉上游的内容，写入 `x-hexapla-losses`，
  在 `strict` 下拒绝。
- – 客户端的协议无法这样提问。
- ✗ 以明确的错误拒绝。"""
ABOUT = (ABOUT_EN, ABOUT_ZH)


def markdown(language: str) -> str:
    """The whole page."""
    column = LANGUAGES.index(language)
    pairs = [(client, upstream) for client in CLIENTS for upstream in CLIENTS if client != upstream]
    head = [HEAD[column], *(f"{SHORT[c]} → {SHORT[u]}" for c, u in pairs)]
    rows = [[case.name, *(_cell(carry(case, c, u, stream=False)) for c, u in pairs)] for case in CASES]
    lines = [_row(head), _row(["---"] * len(head)), *(_row(row) for row in rows)]
    return "\n".join([TITLE[column], "", ABOUT[column], "", *lines, ""])


def _cell(carried: Carried | None) -> str:
    if carried is None:
        return "–"
    if carried.refused:
        return "✗"
    return ", ".join(f"`{name}`" for name in carried.losses) or "✓"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    docs = Path(__file__).parents[2] / "docs"
    for language in LANGUAGES:
        file = docs / ("zh/matrix.md" if language == "zh" else "matrix.md")
        file.write_text(markdown(language), encoding="utf-8")
        print(file)


if __name__ == "__main__":
    main()
