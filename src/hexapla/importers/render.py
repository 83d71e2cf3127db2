"""What came of a foreign configuration as the text of a `hexapla.toml`.

Rules of this file: pure; small tables stand on one line, as a person would write them; what is empty is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import tomlkit
from tomlkit.items import AoT, InlineTable, Item, Table

from hexapla.importers.draft import Draft

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_INLINE = frozenset({"auth", "query", "headers", "environment", "price", "rename", "set", "default", "clamp", "target"})


def render(draft: Draft, origin: str) -> str:
    """The text; `origin` is named in its first line."""
    whole = _whole(draft)
    draft.safe.variables |= set(_VARIABLE.findall(repr(whole)))
    document = tomlkit.document()
    document.add(tomlkit.comment(f"Imported from {origin} by `hexapla import`."))
    if draft.safe.variables:
        document.add(tomlkit.comment(f"Variables: {', '.join(sorted(draft.safe.variables))}"))
    document.add(tomlkit.nl())
    for name, found in whole.items():
        document.add(name, _item(found))
    return tomlkit.dumps(document).rstrip("\n") + "\n"


def _whole(draft: Draft) -> dict[str, Any]:
    chains = {name: further for name, further in draft.tables["chains"].items() if further}
    providers = {name: settings for name, settings in draft.providers.items() if settings}
    whole: dict[str, Any] = {
        "server": draft.tables["server"],
        "keys": draft.keys,
        "aliases": draft.tables["aliases"],
        "chains": chains,
        "timeouts": draft.tables["timeouts"],
        "retry": draft.tables["retry"],
        "providers": providers,
        "profiles": draft.profiles,
        "models": draft.models,
    }
    return {name: found for name, found in whole.items() if found}


def _item(value: Any, name: str = "") -> Item:
    if isinstance(value, Mapping):
        return _inline(value) if name in _INLINE else _table(value)
    if isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
        return _tables(value)
    made: Item = tomlkit.item(value)
    return made


def _table(found: Mapping[str, Any]) -> Table:
    """A table; its own values come before the tables in it, as TOML wants it."""
    made = tomlkit.table(
        is_super_table=bool(found) and all(isinstance(each, Mapping | list) for each in found.values())
    )
    items = {key: _item(value, key) for key, value in found.items()}
    for key, item in sorted(items.items(), key=lambda pair: isinstance(pair[1], Table | AoT)):
        made.add(key, item)
    return made


def _tables(found: list[Mapping[str, Any]]) -> AoT:
    made = tomlkit.aot()
    for each in found:
        made.append(_table(each))
    return made


def _inline(found: Mapping[str, Any]) -> InlineTable:
    made = tomlkit.inline_table()
    for key, value in found.items():
        made.append(key, _inlined(value))
    return made


def _inlined(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _inline(value)
    if isinstance(value, list):
        made = tomlkit.array()
        for each in value:
            made.append(_inlined(each))
        return made
    return value
