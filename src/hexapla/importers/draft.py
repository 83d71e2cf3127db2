"""What comes of a foreign configuration: our tables, and the report.

Rules of this file: pure; the same address with the same key is the same provider; what holds a secret goes through the
safe first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from hexapla.auth.api_key import env_names
from hexapla.catalog.address import normalise
from hexapla.catalog.resolve import Catalog, resolve
from hexapla.errors import RoutingError
from hexapla.importers.match import Match, match
from hexapla.importers.note import Kind, Note
from hexapla.importers.safe import Key, Safe, reference, slug

Table = dict[str, Any]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A provider of the foreign file.

    name    what it is called there;  where: its place in that file
    header  where the key goes, where that is not usual
    more    further settings of its endpoint: headers, query, path, quirks, timeouts, proxy
    apart   its key must not be shared with another entry for the same vendor
    """

    name: str
    where: str
    protocol: str
    url: str
    keys: tuple[Key, ...] = ()
    header: str = ""
    more: Table = {}
    apart: bool = True


class Draft:
    """Collects.  `catalog`: the built-in providers and models;  `keep_secrets`: write them into the file."""

    def __init__(self, catalog: Catalog, *, keep_secrets: bool = False) -> None:
        self.notes: list[Note] = []
        self.safe = Safe(lambda where, variable: self.note(where, "you", "set", variable=variable), keep=keep_secrets)
        self.tables: Table = {name: {} for name in ("server", "aliases", "chains", "timeouts", "retry")}
        self.keys: list[Table] = []
        self.providers: dict[str, Table] = {}
        self.profiles: dict[str, Table] = {}
        self.models: dict[str, list[Table]] = {}
        self.catalog = catalog
        self._made: dict[str, tuple[Key, ...]] = {}
        self._own_ones: dict[str, tuple[str, tuple[Key, ...], Table]] = {}

    def note(self, where: str, kind: Kind, code: str, **facts: str) -> None:
        self.notes.append(Note(where=where, kind=kind, code=code, facts=facts))

    def left(self, where: str, found: Mapping[str, Any], reasons: Mapping[str, str], handled: Iterable[str]) -> None:
        """Say of every key of a foreign table that was not handled why it is left."""
        known = set(handled)
        for name, value in found.items():
            if name not in known and value not in (None, "", [], {}):
                self.note(f"{where}.{name}" if where else name, "left", reasons.get(name, "unknown"))

    # providers

    def provider(self, wanted: Wanted) -> str:
        """Our id of a foreign provider: a built-in one where its address is one of that one's, else one of its own."""
        found = match(self.catalog.providers, wanted.protocol, wanted.url)
        if found is not None and not wanted.more and self._takes(found, wanted):
            return self._built_in(found, wanted)
        return self._own(wanted, found)

    def builtin(self, name: str, wanted: Wanted) -> str:
        """A built-in provider that the foreign file calls by its name."""
        return self._built_in(Match(self.catalog.providers[name]), wanted)

    def _takes(self, found: Match, wanted: Wanted) -> bool:
        """Whether the keys of `wanted` can be those of the one built-in provider."""
        name = found.provider.id
        held = self._made.get(name)
        same_region = self.providers.get(name, {}).get("region", "") == found.region
        return held is None or (same_region and (held == wanted.keys or not wanted.apart))

    def _built_in(self, found: Match, wanted: Wanted) -> str:
        provider, keys = found.provider, wanted.keys
        if provider.auth.optional or provider.auth.kind == "none":
            keys = tuple(key for key in keys if key.real)
        held = self._made.get(provider.id, ())
        fresh = tuple(key for key in keys if key not in held)
        self._made[provider.id] = (*held, *fresh)
        self.note(wanted.where, "carried", "provider", provider=provider.id)
        if fresh and held:
            self.note(wanted.where, "changed", "shared-key", provider=provider.id)
        names = env_names(provider.auth)
        places = [self.safe.place(key, wanted.where, names[0] if names else "", wanted.name) for key in (*held, *fresh)]
        own: Table = {"region": found.region} if found.region else {}
        if places and not (len(places) == 1 and places[0].get("env") in names):
            own["auth"] = _auth(places)
        self.providers[provider.id] = {**self.providers.get(provider.id, {}), **own}
        return provider.id

    def _own(self, wanted: Wanted, found: Match | None) -> str:
        """A provider of one's own; what is built in for its address is copied, quirks and all."""
        same = wanted.url, wanted.keys, wanted.more
        for known, made in self._own_ones.items():
            if made == same:
                self.note(wanted.where, "carried", "provider", provider=known)
                return known
        name = self._free(slug(wanted.name))
        self._own_ones[name] = same
        places = [self.safe.place(key, wanted.where, "", wanted.name) for key in wanted.keys if key.real]
        auth = _auth(places) if places else {"kind": "none"}
        header = wanted.header or (found.provider.auth.header if found is not None else "")
        if header and places:
            auth["header"] = header
        url = self.safe.address(wanted.url, wanted.where, wanted.name)
        if "${" not in url and "path" not in wanted.more:
            url = normalise(wanted.protocol, url)
        endpoints: list[Table] = [{"protocol": wanted.protocol, "base_url": url}]
        if found is not None:
            endpoints = [plain(endpoint) for endpoint in found.endpoints()]
        self.providers[name] = {"auth": auth, "endpoints": [endpoint | wanted.more for endpoint in endpoints]}
        self.note(wanted.where, "carried", "own", provider=name, url=url.partition("?")[0])
        return name

    def _free(self, stem: str) -> str:
        """An id that neither a built-in provider nor another one of ours has."""
        name, number = (f"my-{stem}" if self.catalog.provider(stem) else stem), 1
        while name in self.providers:
            number += 1
            name = f"{stem}-{number}"
        return name

    # names and keys

    def client_key(self, name: str, value: str, where: str, usual: str) -> None:
        """A key that clients of the gateway must send."""
        key = reference(value)
        env = key.env if key is not None else ""
        if self.safe.keep and not env:
            self.keys.append({"name": name, "key": value})
            self.note(where, "carried", "kept")
            return
        variable = env or self.safe.moved(value, where, usual)
        self.safe.variables.add(variable)
        self.keys.append({"name": name, "env": variable})
        self.note(where, "carried", "client-key", name=name, variable=variable)

    def resolves(self, name: str) -> bool:
        """Whether a name of a model means something, here or with the providers of this draft."""
        if name in self.tables["aliases"] or name.partition("/")[0] in self.providers:
            return True
        try:
            return bool(resolve(self.catalog, name))
        except RoutingError:
            return False

    def profile(self, where: str, name: str, settings: Table) -> None:
        """A profile; settings that are empty are left out."""
        if name in self.profiles:
            self.note(where, "left", "twice", name=name)
            return
        self.profiles[name] = {key: value for key, value in settings.items() if value not in ("", None, [], {})}
        self.note(where, "carried", "profile", name=name)

    def setting(self, where: str, place: str, value: Any) -> None:
        """A setting of ours: `timeouts.total`."""
        group, _, name = place.partition(".")
        self.tables[group][name] = value
        self.note(where, "carried", "setting", key=place)


def plain(struct: msgspec.Struct) -> Table:
    """A Struct as a table of what is not a default."""
    return {
        field.encode_name: _plain(value)
        for field in msgspec.structs.fields(struct)
        if (value := getattr(struct, field.name)) != field.default
        and (field.default_factory is msgspec.NODEFAULT or value != field.default_factory())
    }


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return plain(value)
    if isinstance(value, tuple):
        return [_plain(inner) for inner in value]
    return msgspec.to_builtins(value)


def _auth(places: list[Table]) -> Table:
    """The auth table for keys in these places."""
    if len(places) == 1:
        return {name: value for name, value in places[0].items() if name != "weight"}
    return {"keys": places}
