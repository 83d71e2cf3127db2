"""Where the secrets of a foreign configuration go.

A reference to a variable stays one.  A secret that stands in the file as text gets a variable's name, and is kept here
under it; only when it is to be kept does it stand in our file.

Rules of this file: pure; the same secret has one name, and no name has two secrets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

Table = dict[str, Any]

SECRET_NAME = re.compile(r"authorization|api[-_]?key|token|secret|password|cookie|credential", re.IGNORECASE)
"""Names of headers and variables whose values are secrets."""

DUMMIES = frozenset({"ollama", "lm-studio", "none", "empty", "dummy", "no-key", "not-needed", "sk-no-key-required"})
"""What people write where a program insists on a key and the server does not."""

_REFERENCE = re.compile(r"^\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?$")


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key of the foreign file: its text, or the variable or keyring entry that holds it."""

    secret: str = ""
    env: str = ""
    keyring: str = ""
    weight: float = 0.0

    def __repr__(self) -> str:
        return f"Key({self.env or self.keyring or '***'})"

    @property
    def real(self) -> bool:
        """It is more than what a program insisted on."""
        return self.secret.lower() not in DUMMIES


class Safe:
    """Names and keeps secrets.

    keep       they may stand in our file
    secrets    by the variable that stands for them;  variables: every one that our file refers to
    tell       told of each secret that moved: its place in the foreign file, and its variable
    """

    def __init__(self, tell: Callable[[str, str], None], *, keep: bool) -> None:
        self.keep = keep
        self.secrets: dict[str, str] = {}
        self.variables: set[str] = set()
        self._tell = tell

    def place(self, key: Key, where: str, usual: str, owner: str) -> Table:
        """Where our file finds a key: a KeySource."""
        found: Table = {"weight": key.weight} if key.weight else {}
        if key.keyring:
            return {"keyring": key.keyring, **found}
        if key.env:
            self.variables.add(key.env)
            return {"env": key.env, **found}
        if self.keep and "${" not in key.secret:
            return {"key": key.secret, **found}
        return {"env": self.moved(key.secret, where, usual or f"{slug(owner)}_api_key"), **found}

    def moved(self, secret: str, where: str, usual: str) -> str:
        """The variable that stands for a secret from now on."""
        stem = re.sub(r"\W", "_", usual).upper()
        stem = f"_{stem}" if stem[:1].isdigit() else stem
        name, number = stem, 1
        while name in self.variables and self.secrets.get(name) != secret:
            number += 1
            name = f"{stem}_{number}"
        if name not in self.secrets:
            self.secrets[name] = secret
            self.variables.add(name)
            self._tell(where, name)
        return name

    def address(self, url: str, where: str, owner: str) -> str:
        """A URL, as a reference where a password or a key stands in it."""
        parts = urlsplit(url)
        if self.keep or not ("@" in parts.netloc or SECRET_NAME.search(parts.query) or "key=" in parts.query):
            return url
        return f"${{{self.moved(url, where, f'{slug(owner)}_url')}}}"

    def hidden(self, values: Mapping[str, str], where: str, owner: str) -> dict[str, str]:
        """Headers, or other named values, with references where they hold a secret."""
        return {name: self._hidden(name, value, where, owner) for name, value in values.items()}

    def _hidden(self, name: str, value: str, where: str, owner: str) -> str:
        found = _REFERENCE.match(value)
        if found:
            self.variables.add(found[1])
            return f"${{{found[1]}}}"
        if self.keep or not SECRET_NAME.search(name):
            return value
        scheme, space, secret = value.partition(" ")
        kept, secret = (f"{scheme} ", secret) if space and scheme.lower() == "bearer" else ("", value)
        return f"{kept}${{{self.moved(secret, f'{where}.{name}', f'{slug(owner)}_{name}')}}}"


def reference(value: str, marks: tuple[str, ...] = ()) -> Key | None:
    """A key as a foreign file writes it: `$NAME`, `${NAME}`, one of `marks` before a name, or the key itself."""
    found = _REFERENCE.match(value)
    if found:
        return Key(env=found[1])
    for mark in marks:
        if value.startswith(mark):
            return Key(env=value.removeprefix(mark))
    return Key(secret=value) if value else None


def slug(name: str) -> str:
    """A name as an id: lower case, no spaces."""
    return re.sub(r"[^a-z0-9_.-]+", "-", name.lower()).strip("-.") or "provider"
