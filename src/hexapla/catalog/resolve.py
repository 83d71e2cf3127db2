"""From a model's name to the endpoints that serve it.

A name is `provider/upstream-id` (known provider prefix, the rest verbatim), or a name of the catalogue: an id, a shown name
or an alias, in any case where that is unambiguous.  OpenRouter's suffixes are cut off unless the whole name is
itself an upstream id.  Indexes are dicts, built once.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

import msgspec

from hexapla.catalog.quirks import matches, merge
from hexapla.catalog.schema import Endpoint, Model, Provider, Quirks
from hexapla.errors import Kind, RoutingError

SUFFIXES = (":nitro", ":floor", ":online", ":free", ":thinking", ":exacto", ":extended")


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint that serves a name.  `suffix`: the OpenRouter suffix that was cut off, or ""."""

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
    """

    def __init__(
        self,
        providers: Mapping[str, Provider],
        models: Mapping[str, Sequence[Model]],
        names: Mapping[str, str] | None = None,
    ) -> None:
        self.providers = dict(providers)
        self.models = {provider: tuple(listed) for provider, listed in models.items()}
        self.names = dict(names or {})
        self._prefixes = {provider.id.lower(): provider for provider in providers.values()}
        for provider in providers.values():
            for alias in provider.aliases:
                self._prefixes.setdefault(alias.lower(), provider)
        self._facts: dict[tuple[str, str], Model] = {}
        self._index: dict[str, list[tuple[str, Model]]] = {}
        for provider_id, listed in self.models.items():
            for model in listed:
                self._add(provider_id, model)

    def _add(self, provider: str, model: Model) -> None:
        self._facts[provider, model.id] = model
        for name in {model.id.lower(), model.name.lower(), *(alias.lower() for alias in model.aliases)} - {""}:
            self._facts.setdefault((provider, name), model)
            self._index.setdefault(name, []).append((provider, model))

    def facts(self, provider: str, model: str) -> Model | None:
        """What is known of `model` at `provider`, by id, name or alias."""
        return self._facts.get((provider, model)) or self._facts.get((provider, model.lower()))


def resolve(catalog: Catalog, name: str) -> tuple[Match, ...]:
    """Every endpoint that serves `name`.  Raises RoutingError(not_found) naming the nearest names."""
    seen = set()
    while name in catalog.names and name not in seen:  # the user's alias of an alias; a circle ends at its beginning
        seen.add(name)
        name = catalog.names[name]
    found = _by_provider(catalog, name) or _by_name(catalog, name)
    if found:
        return found
    for suffix in SUFFIXES:
        if name.endswith(suffix):
            stem = name.removesuffix(suffix)
            found = _by_name(catalog, stem)
            return tuple(msgspec.structs.replace(match, suffix=suffix) for match in found) or _unknown(catalog, name)
    return _unknown(catalog, name)


def _by_provider(catalog: Catalog, name: str) -> tuple[Match, ...]:
    prefix, slash, rest = name.partition("/")
    provider = catalog._prefixes.get(prefix.lower())
    if not slash or not rest or provider is None:
        return ()
    facts = catalog.facts(provider.id, rest)
    model, suffix = facts.id if facts is not None else rest, ""
    if facts is None:
        for ending in SUFFIXES:
            known = catalog.facts(provider.id, rest.removesuffix(ending)) if rest.endswith(ending) else None
            if known is not None and provider.id != "openrouter":
                facts, model, suffix = known, known.id, ending
    return matches_of(provider, model, facts, suffix)


def _by_name(catalog: Catalog, name: str) -> tuple[Match, ...]:
    listed = catalog._index.get(name.lower(), [])
    exact = [(p, m) for p, m in listed if name in (m.id, m.name, *m.aliases)]
    return tuple(
        match
        for provider, model in exact or listed
        if provider in catalog.providers
        for match in matches_of(catalog.providers[provider], model.id, model, "")
    )


def matches_of(provider: Provider, model: str, facts: Model | None, suffix: str) -> tuple[Match, ...]:
    """The endpoints of `provider` that serve `model`."""
    return tuple(
        Match(
            provider=provider,
            endpoint=endpoint,
            model=model,
            facts=facts,
            quirks=merge(endpoint.quirks, model),
            suffix=suffix,
        )
        for endpoint in provider.endpoints
        if not endpoint.models or matches(endpoint.models, model)
    )


def _unknown(catalog: Catalog, name: str) -> tuple[Match, ...]:
    near = nearest(catalog, name)
    hint = f" Nearest: {', '.join(near)}." if near else ""
    raise RoutingError(
        f"The model {name!r} is not known.{hint} A model is named provider/model; GET /v1/models lists them.",
        kind=Kind.NOT_FOUND,
        param="model",
        nearest=near,
    )


def nearest(catalog: Catalog, name: str, count: int = 3) -> tuple[str, ...]:
    """The names closest to `name`: providers for an unknown prefix, else models."""
    prefix, slash, rest = name.partition("/")
    known = sorted({f"{provider}/{model.id}" for provider, listed in catalog.models.items() for model in listed})
    close = difflib.get_close_matches(name.lower(), [full.lower() for full in known], count, 0.5)
    if slash and not close:
        providers = difflib.get_close_matches(prefix.lower(), list(catalog.providers), count, 0.5)
        close = [f"{provider}/{rest}" for provider in providers]
    originals = {full.lower(): full for full in known}
    found = [originals.get(full, full) for full in close]
    found += [full for full in known if full not in found][: max(0, count - len(found))]
    return tuple(found[:count])
