"""A configuration file of somebody else's, edited so that everything that is not ours stays as it is, comments included.

A document knows four verbs.  A place is the keys from the top down to a value.

    get(place)             the value, or None
    put(place, value)      set it; objects on the way are made
    remove(place)          take it out
    restore(place, before) what stood there in an earlier text of the same file, to the letter; where nothing did, it is
                           taken out, and so are the objects around it that were made for it

Rules of this file: text in, text out; a text that is not understood is a ConfigError, never a guess.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Literal, Protocol, Self, cast

import tomlkit
from tomlkit.exceptions import TOMLKitError

from hexapla.agents.jsonc import JsonText
from hexapla.agents.lines import EnvText, YamlText
from hexapla.errors import ConfigError

Place = tuple[str, ...]
Format = Literal["json", "toml", "yaml", "env"]


class Document(Protocol):
    """See the top of the file."""

    @property
    def text(self) -> str: ...

    def get(self, place: Place) -> object: ...

    def put(self, place: Place, value: object) -> None: ...

    def remove(self, place: Place) -> None: ...

    def restore(self, place: Place, before: Self) -> None: ...


class TomlText:
    """TOML, by tomlkit."""

    def __init__(self, text: str) -> None:
        try:
            self._document = tomlkit.parse(text)
        except TOMLKitError as error:
            raise ConfigError(f"This is not valid TOML: {error}") from None

    @property
    def text(self) -> str:
        return tomlkit.dumps(self._document)

    def get(self, place: Place) -> object:
        found = self._item(place)
        return found.unwrap() if hasattr(found, "unwrap") else found

    def put(self, place: Place, value: object) -> None:
        table = self._table(place[:-1])
        table[place[-1]] = value

    def remove(self, place: Place) -> None:
        table = self._item(place[:-1])
        if isinstance(table, MutableMapping) and place[-1] in table:
            del table[place[-1]]

    def restore(self, place: Place, before: Self) -> None:
        earlier = before._item(place)
        if earlier is not None:
            self._table(place[:-1])[place[-1]] = earlier
            return
        self.remove(place)
        outer = place[:-1]
        while outer and not self._item(outer) and before._item(outer) is None:
            self.remove(outer)
            outer = outer[:-1]

    def _item(self, place: Place) -> Any:
        item: Any = self._document
        for key in place:
            if not isinstance(item, MutableMapping) or key not in item:
                return None
            item = item[key]
        return item

    def _table(self, place: Place) -> MutableMapping[str, Any]:
        table: MutableMapping[str, Any] = self._document
        for depth, key in enumerate(place, 1):
            if key not in table:
                table[key] = tomlkit.table(is_super_table=depth < len(place))
            inner = table[key]
            if not isinstance(inner, MutableMapping):
                raise ConfigError(f"{'.'.join(place[:depth])} is no table there; change it by hand.")
            table = cast("MutableMapping[str, Any]", inner)
        return table


_FORMATS: dict[Format, type[Document]] = {"json": JsonText, "toml": TomlText, "yaml": YamlText, "env": EnvText}


def parsed(format: Format, text: str, file: object = "") -> Document:  # noqa: A002 - the word for it
    """The document of a text.  Raises ConfigError that names the file."""
    kind: Any = _FORMATS[format]
    try:
        document: Document = kind(text)
    except ConfigError as error:
        raise ConfigError(error.message, file=str(file), line=error.line) from None
    return document
