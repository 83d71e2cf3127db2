"""One console for tables: as wide as the terminal, and as wide as the table wants where nobody's terminal limits it."""

from __future__ import annotations

from rich.console import Console

UNLIMITED = 1000  # columns; piped output is cut by whoever reads it


def table_console() -> Console:
    """A console that never cuts a cell of piped output."""
    console = Console()
    return console if console.is_terminal else Console(width=UNLIMITED)
