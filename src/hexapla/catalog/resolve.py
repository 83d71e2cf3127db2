"""From a model's name to the endpoints that serve it.

A name is `provider/upstream-id` (longest known provider prefix, the rest verbatim), or a name of the catalogue: an id, a
shown name or an alias, in any case where that is unambiguous.  OpenRouter's suffixes are cut off unless the whole name is
itself an upstream id, or the provider knows them itself.

Rules of this file: indexes are dicts, built once; nothing here knows about keys or health, so a name may resolve to
providers that cannot be asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from hexapla.catalog.fill import filled
from hexapla.catalog.latest import asked, newest
from hexapla.catalog.nearest import Names
from hexapla.catalog.quirks import matches, merge
from hexapla.catalog.schema import Endpoint, Model, Provider, Quirks
from hexapla.catalog.table import Table
from hexapla.errors import Kind, RoutingError

SUFFIXES = (":nitro", ":floor", ":online", ":free", ":thinking", ":exacto", ":extended")

KNOWS_SUFFIXES = frozenset({"openrouter"})
"""Providers that take the suffixes as part of the model's name (https://openrouter.ai/docs/features, 2026-11)."""


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint that serves a name.  `suffix`: the OpenRouter suffixes that were cut off (":free:online"), or ""."""

    provider: Provider
    endpoint: Endpoint
    model: str
    facts: Model | None
    quirks: Quirks
    suffix: str = ""


class Catalog:
    """Providers, models and names.

    providers  by id
    models     by provider id, in file order
    names      the user's own aliases: name -> name
    table      thousands more models; what it knows fills what `models` leave open
    """

    def __init__(
        self,
        providers: Mapping[str, Provider],
        models: Mapping[str, Sequence[Model]],
        names: Mapping[str, str] | None = None,
        table: Table | None = None,
    ) -> None:
        self.providers = dict(providers)
        self.table = table
        self.models = {provider: tuple(listed) for provider, listed in models.items()}
        self.names = dict(names or {})
        self._meant = {name.lower(): meant for name, meant in self.names.items()}
        self._prefixes = {provider.id.lower(): provider for provider in providers.values()}
        for provider in providers.values():
            for alias in provider.aliases:
                self._prefixes.setdefault(alias.lower(), provider)
        self._facts: dict[tuple[str, str], Model] = {}
        self._index: dict[str, list[tuple[str, Model]]] = {}
        for provider_id, listed in self.models.items():
            for model in listed:
                self._add(provider_id, model)
        # servers of one's own serve what was put into them, not what a table says
        self._stocked = frozenset(each.id for each in providers.values() if not each.probe)
        self._filled: dict[tuple[str, str], Model] = {}
        self._known: Names | None = None
        self._ids = Names(self._prefixes)

    def with_found(self, found: Mapping[str, Sequence[Model]]) -> Catalog:
        """The same catalogue with the models that servers of one's own serve; what is configured of them stands."""
        models = dict(self.models)
        for provider, listed in found.items():
            known = {model.id: model for model in (*listed, *self.models.get(provider, ()))}
            models[provider] = tuple(known.values())
        return Catalog(self.providers, models, self.names, self.table)

    def facts(self, provider: str, model: str) -> Model | None:
        """What is known of `model` at `provider`, by id, name or alias."""
        known = self._facts.get((provider, model)) or self._facts.get((provider, model.lower()))
        if self.table is None:
            return known
        return self.table.find(provider, model) if known is None else self._whole(provider, known)

    def listed(self, provider: str) -> tuple[Model, ...]:
        """Every model of a provider: the curated ones in file order, then the table's."""
        curated = self.models.get(provider, ())
        if self.table is None or provider not in self._stocked:
            return tuple(curated)
        more = (model for model in self.table.of(provider) if (provider, model.id.lower()) not in self._facts)
        return (*(self._whole(provider, model) for model in curated), *more)

    def provider(self, name: str) -> Provider | None:
        """The provider of this id or alias, in any case."""
        return self._prefixes.get(name.lower())

    def meaning(self, name: str) -> str | None:
        """What the user's alias `name` stands for; as it is written, else in any case."""
        return self.names.get(name) or self._meant.get(name.lower())

    def split(self, name: str) -> tuple[Provider, str] | None:
        """A name as (provider, upstream id): the longest prefix that is a provider's wins."""
        at = name.rfind("/")
        while at > 0:
            provider = self._prefixes.get(name[:at].lower())
            if provider is not None and name[at + 1 :]:
                return provider, name[at + 1 :]
            at = name.rfind("/", 0, at)
        return None

    def named(self, name: str) -> list[tuple[str, Model]]:
        """(provider id, model) of every model of this name: as it is written first, then in any case."""
        found = self._curated(name, self._index.get(name.lower(), ()))
        if self.table is None:
            return found
        whole = [(provider, self._whole(provider, model)) for provider, model in found]
        more = self.table.named(name)
        fresh = (each for each in more if (each[0], each[1].id.lower()) not in self._facts)
        return [*whole, *(each for each in fresh if each[0] in self._stocked)]

    def _curated(self, name: str, listed: Sequence[tuple[str, Model]]) -> list[tuple[str, Model]]:
        """Of the models of this name those whose providers are there, the exactly named before the others."""
        there = [found for found in listed if found[0] in self.providers]
        if len(there) < 2:
            return there
        exact = [found for found in there if name in _names(found[1])]
        written = {provider for provider, _ in exact}
        return [*exact, *(found for found in there if found[0] not in written)]

    def nearest(self, name: str, count: int = 3) -> tuple[str, ...]:
        """The `provider/model` names close to `name`, if any; for an unknown provider also its likely id."""
        if self._known is None:
            self._known = Names(self._all_ids())
        found = self._known.nearest(name, count)
        prefix, slash, rest = name.partition("/")
        if slash and len(found) < count and self.provider(prefix) is None:
            ids = [self._prefixes[alias].id for alias in self._ids.nearest(prefix, count)]
            found = (*found, *(f"{provider}/{rest[:100]}" for provider in dict.fromkeys(ids)))
        return tuple(dict.fromkeys(found))[:count]

    def _all_ids(self) -> Iterator[str]:
        for provider, listed in self.models.items():
            yield from (f"{provider}/{model.id}" for model in listed)
        if self.table is not None:
            yield from self.table.ids(self._stocked)

    def _whole(self, provider: str, model: Model) -> Model:
        """A curated model with what the table knows besides."""
        if self.table is None:
            return model
        whole = self._filled.get((provider, model.id))
        if whole is None:
            names = (model.id, *model.also, *model.aliases)
            more = next((row for name in names if (row := self.table.find(provider, name)) is not None), None)
            whole = self._filled[provider, model.id] = model if more is None else filled(model, more)
        return whole

    def _add(self, provider: str, model: Model) -> None:
        self._facts[provider, model.id] = model
        for name in {known.lower() for known in _names(model)}:
            self._facts.setdefault((provider, name), model)
            self._index.setdefault(name, []).append((provider, model))


def resolve(catalog: Catalog, name: str) -> tuple[Match, ...]:
    """Every endpoint that serves `name`.  Raises RoutingError(not_found) naming the nearest names."""
    stem, suffix = _unaliased(catalog, name), ""
    found = _named(catalog, stem)
    while not found and (ending := _ending(stem)):
        stem, suffix = _unaliased(catalog, stem.removesuffix(ending)), ending + suffix
        found = tuple(with_suffix(match, suffix) for match in _named(catalog, stem))
    return found or _unknown(catalog, name)


def matches_of(provider: Provider, model: str, facts: Model | None, suffix: str) -> tuple[Match, ...]:
    """One Match for each endpoint of `provider` that serves `model`."""
    return tuple(
        Match(
            provider=provider,
            endpoint=endpoint,
            model=endpoint.ids.get(model, model),
            facts=facts,
            quirks=merge(endpoint.quirks, model),
            suffix=suffix,
        )
        for endpoint in provider.endpoints
        if not endpoint.models or matches(endpoint.models, model)
    )


def _unaliased(catalog: Catalog, name: str) -> str:
    """What the user's alias, or a moving name, stands for; an alias may name another one, and a circle ends where it
    began."""
    seen = set()
    while name not in seen and (meant := catalog.meaning(name) or _latest(catalog, name)):
        seen.add(name)
        name = meant
    return name


def _latest(catalog: Catalog, name: str) -> str | None:
    """The model that `~author/family-latest` means today."""
    moving = asked(name) if name.startswith("~") else None
    author = catalog.provider(moving[0]) if moving is not None else None
    if moving is None or author is None:
        return None
    found = newest(catalog.listed(author.id), moving[1])
    return f"{author.id}/{found.id}" if found is not None else None


def _ending(name: str) -> str:
    """The suffix behind a name, or ""."""
    return ":" + name.rpartition(":")[2] if name.endswith(SUFFIXES) else ""


def _named(catalog: Catalog, name: str) -> tuple[Match, ...]:
    """Who serves exactly this name.

    `Qwen/Qwen3-8B` may be DashScope's alias and a model that it does not know, and the whole of it the name of a model
    elsewhere: then those who know it come first.
    """
    parts = catalog.split(name)
    if parts is not None and parts[0].id != name[: -len(parts[1]) - 1].lower() and not _knows(catalog, *parts):
        listed = _by_name(catalog, name)
        if listed:
            return (*listed, *(matches_of(*parts, None, "") if not parts[0].unavailable else ()))
    return _by_provider(catalog, name) or _by_name(catalog, name)


def _knows(catalog: Catalog, provider: Provider, model: str) -> bool:
    return _facts(catalog, provider, model)[0] is not None


def _facts(catalog: Catalog, provider: Provider, model: str) -> tuple[Model | None, str]:
    """What is known of `model` at `provider`, and the suffixes that are no part of its name.

    OpenRouter writes versions with a dot, some vendors with a dash: claude-sonnet-4.5 is claude-sonnet-4-5.
    """
    stem, suffix = model, ""
    while True:
        facts = catalog.facts(provider.id, stem) or ("." in stem and catalog.facts(provider.id, stem.replace(".", "-")))
        ending = _ending(stem)
        if facts or not ending or provider.id in KNOWS_SUFFIXES:
            return facts or None, suffix if facts else ""
        stem, suffix = stem.removesuffix(ending), ending + suffix


def _by_provider(catalog: Catalog, name: str) -> tuple[Match, ...]:
    parts = catalog.split(name)
    if parts is None:
        return ()
    provider, model = parts[0], _whole_id(catalog, *parts)
    facts, suffix = _facts(catalog, provider, model)
    return _served(provider, _sent(facts, model.removesuffix(suffix)) if facts else model, facts, suffix)


def _whole_id(catalog: Catalog, provider: Provider, model: str) -> str:
    """`openrouter/auto` is not OpenRouter's `auto`: the id of a provider's own model may begin with the provider."""
    stem = model
    while ending := _ending(stem):
        stem = stem.removesuffix(ending)
    own = f"{provider.id}/{stem}"
    known = catalog.facts(provider.id, model) or catalog.facts(provider.id, stem)
    return model if known or catalog.facts(provider.id, own) is None else f"{provider.id}/{model}"


def _by_name(catalog: Catalog, name: str) -> tuple[Match, ...]:
    """Every provider's endpoints for a catalogue name; those that cannot be asked count only if there is no other."""
    listed = [(catalog.providers[provider], model) for provider, model in catalog.named(name)]
    open_ones = [(provider, model) for provider, model in listed if not provider.unavailable]
    return tuple(m for provider, model in open_ones or listed for m in _served(provider, _sent(model, name), model, ""))


def with_suffix(match: Match, suffix: str) -> Match:
    """`match` with the suffixes that were cut off; providers that know suffixes get them back."""
    if match.provider.id in KNOWS_SUFFIXES:
        return msgspec.structs.replace(match, model=match.model + suffix)
    return msgspec.structs.replace(match, suffix=suffix)


def _served(provider: Provider, model: str, facts: Model | None, suffix: str) -> tuple[Match, ...]:
    """`matches_of`, with an error that says why where nobody serves it."""
    found = matches_of(provider, model, facts, suffix) if not provider.unavailable else ()
    if not found:
        why = provider.unavailable or f"none of its endpoints serves {model!r}"
        raise RoutingError(
            f"{provider.name or provider.id} cannot serve this request: {why}.", kind=Kind.NOT_FOUND, param="model"
        )
    return found


def _unknown(catalog: Catalog, name: str) -> tuple[Match, ...]:
    near = catalog.nearest(name)
    hint = f" Nearest: {', '.join(near)}." if near else ""
    raise RoutingError(
        f"The model {name[:200]!r} is not known.{hint} A model is named provider/model; GET /v1/models lists them.",
        kind=Kind.NOT_FOUND,
        param="model",
        nearest=near,
    )


def _names(model: Model) -> tuple[str, ...]:
    return tuple(name for name in (model.id, model.name, *model.also, *model.aliases) if name)


def _sent(model: Model, name: str) -> str:
    """What the upstream hears when somebody says `name`."""
    wanted = name.lower()
    return next((known for known in model.also if known.lower() == wanted), model.id)
