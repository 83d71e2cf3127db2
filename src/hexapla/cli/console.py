"""Consoles for people: as wide as the terminal, and as wide as a table wants where nobody's terminal limits it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

UNLIMITED = 1000  # columns; piped output is cut by whoever reads it
GAP = "  "  # between two columns
MANY = 500  # rows above which a table is laid out here: rich takes 0.4 ms for each, a second and more for all models


class Screen(Console):
    """rich's console, which leaves a reader that is gone to main.py instead of ending the program with 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def table_console() -> Console:
    """A console that never cuts a cell of piped output."""
    console = Screen()
    return console if console.is_terminal else Screen(width=UNLIMITED)


def show_table(console: Console, table: Table) -> None:
    """Print a table of plain words."""
    if console.is_terminal and table.row_count <= MANY:
        console.print(table)
    else:
        console.file.write("".join(f"{line}\n" for line in _laid_out(table)))


def _laid_out(table: Table) -> Iterator[str]:
    """Each column as wide as its widest cell."""
    columns = [[str(column.header), *map(str, column.cells)] for column in table.columns]
    widths = [max(map(cell_len, column)) for column in columns]
    numbers = [column.justify == "right" for column in table.columns]
    for row in zip(*columns):
        gaps = [" " * (width - cell_len(cell)) for cell, width in zip(row, widths)]
        cells = [gap + cell if number else cell + gap for cell, gap, number in zip(row, gaps, numbers)]
        yield GAP.join(cells).rstrip()
