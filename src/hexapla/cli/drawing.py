"""What is drawn for people, loaded when something is drawn.

rich takes a command 20 ms to load, and four times that where nothing is compiled; `--json`, an empty list and an error
have no use for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.cells import cell_len
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Column, Table

    from hexapla.cli.console import show_table, table_console

__all__ = ["Column", "Console", "Table", "cell_len", "escape", "show_table", "table_console"]

_HOMES = {
    "Column": "rich.table",
    "Console": "rich.console",
    "Table": "rich.table",
    "cell_len": "rich.cells",
    "escape": "rich.markup",
    "show_table": "hexapla.cli.console",
    "table_console": "hexapla.cli.console",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)
