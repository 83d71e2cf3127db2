"""How large the house's functions and files are: `python tools/sizes.py [folder ...]`.

Small functions are a habit here, not a gate, so this only prints: the medians, the longest functions and the largest
files.  Lines of a function are counted from its `def` to its end, without decorators and docstring.
"""

from __future__ import annotations

import ast
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FOLDERS = ("src/hexapla", "tests", "bench", "tools")
SHOWN = 10


class Sized(NamedTuple):
    """A function or a file, and how many lines it has."""

    lines: int
    where: str


def functions(file: Path) -> Iterator[Sized]:
    """Every function of a file, methods and inner functions included."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield Sized(_lines(node), f"{file}:{node.lineno} {node.name}")


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    whole = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    said = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if said else 0
    return max(1, whole - docstring)


def row(folder: str) -> str:
    """One line of the table."""
    files = sorted(Path(folder).rglob("*.py"))
    sizes = sorted(found.lines for file in files for found in functions(file))
    if not sizes:
        return f"{folder:<14} {'no functions':>9}"
    total = sum(_file(file).lines for file in files)
    p90 = sizes[int(len(sizes) * 0.9)]
    median = statistics.median(sizes)
    return f"{folder:<14} {len(files):>6} {total:>8} {len(sizes):>10} {median:>7.0f} {p90:>5} {sizes[-1]:>5}"


def _file(file: Path) -> Sized:
    return Sized(file.read_text(encoding="utf-8").count("\n"), str(file))


def longest(title: str, found: list[Sized]) -> None:
    """Print the largest of `found`."""
    print(f"\n{title}")
    for size in sorted(found, reverse=True)[:SHOWN]:
        print(f"  {size.lines:>5}  {size.where}")


def main(folders: list[str]) -> None:
    """Print the table of all folders, then the longest of the first one, which is the product."""
    print(f"{'folder':<14} {'files':>6} {'lines':>8} {'functions':>10} {'median':>7} {'p90':>5} {'max':>5}")
    for folder in folders:
        print(row(folder))
    files = sorted(Path(folders[0]).rglob("*.py"))
    longest(f"Longest functions of {folders[0]}", [found for file in files for found in functions(file)])
    longest(f"Largest files of {folders[0]}", [_file(file) for file in files])


if __name__ == "__main__":
    main(sys.argv[1:] or [folder for folder in FOLDERS if Path(folder).is_dir()])
