"""What is said of a program, and what it needs.

Rules of this file: values only.  A program's own file (claude_code.py ...) makes them from a Door and touches nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import msgspec

FOLDER = "{folder}"
"""Stands for the temporary folder of a Launch in its arguments and its environment."""

KEY_VARIABLE = "HEXAPLA_KEY"
"""Holds the gateway's key for programs that take the name of a variable."""

Values = dict[tuple[str, ...], str | int | bool | dict[str, object]]
"""Keys from the top of a document -> what stands there."""


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """A model as a program is told of it.  Limits in tokens; None is unknown."""

    name: str
    title: str = ""
    context: int | None = None
    max_output: int | None = None


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """Where a program is pointed at.

    url     the gateway, with the profile's prefix, without /v1
    key     what the gateway wants to hear; never shown
    open    the gateway asks for no key, so any will do
    models  slot (`default`, haiku, sonnet, opus, fable) -> model; empty: the program's own names are asked for
    """

    url: str
    key: str
    open: bool = False
    models: Mapping[str, Chosen] = {}

    @property
    def main(self) -> Chosen | None:
        return self.models.get("default")

    @property
    def small(self) -> Chosen | None:
        return self.models.get("haiku") or self.main

    @property
    def names(self) -> dict[str, str]:
        """Slot -> the model's name."""
        return {slot: model.name for slot, model in self.models.items()}

    def __repr__(self) -> str:
        return f"Door({self.url})"


class Mirror(msgspec.Struct, frozen=True, kw_only=True):
    """A folder in the home that a run sees with other values in one of its JSON files (mirror.py).

    variable  tells the program of another home
    """

    variable: str
    folder: str
    file: str
    values: Values


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """What one run needs.

    environment  variables to set;  unset  variables that would lead elsewhere
    arguments    stand before the user's own
    files        of a temporary folder that is there as long as the run: name -> content
    mirror       a folder of the user's that the run sees with other values
    """

    environment: dict[str, str] = {}
    unset: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    files: dict[str, str] = {}
    mirror: Mirror | None = None


class Lasting(msgspec.Struct, frozen=True, kw_only=True):
    """What one file of the user's has to say.  `secret`: which of the values is never shown."""

    file: Path
    format: Literal["json", "toml", "yaml", "env"]
    values: Values
    secret: tuple[str, ...] = ()


class Home(msgspec.Struct, frozen=True, kw_only=True):
    """Where programs keep their files: the user's home and the variables that move them."""

    path: Path
    environment: Mapping[str, str]

    def folder(self, variable: str, default: str) -> Path:
        """The folder that `variable` names, else `default` in the home."""
        moved = self.environment.get(variable, "")
        return Path(moved).expanduser() if moved else self.path / default


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A program.

    program    its executable;  install  how to get it
    protocol   the dialect that it speaks
    exports    whether its lasting configuration wants KEY_VARIABLE in the environment, where a key is asked for
    own_login  a run with its own login; None for programs that no vendor's subscription belongs to
    """

    name: str
    title: str
    program: str
    install: str
    protocol: str
    launch: Callable[[Door], Launch]
    lasting: Callable[[Door, Home], tuple[Lasting, ...]]
    exports: bool = False
    own_login: Launch | None = None
