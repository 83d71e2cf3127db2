"""Consoles for people: as wide as the terminal, and as wide as a table wants where nobody's terminal limits it."""

from __future__ import annotations

from rich.console import Console

NARROW = 78  # columns below which a table shows only what is needed
UNLIMITED = 1000  # columns; piped output is cut by whoever reads it


class Screen(Console):
    """rich's console, which leaves a reader that is gone to main.py instead of ending the program with 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def table_console() -> Console:
    """A console that never cuts a cell of piped output."""
    console = Screen()
    return console if console.is_terminal else Screen(width=UNLIMITED)
