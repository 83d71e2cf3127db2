"""Who else offers a model: the same one at other providers.

`provider/model` names one provider, and that one is asked.  When a request wishes to choose among providers (by price, by
a list of its own), or when the named provider has no key here, the others count as well: those that list the model under
the whole name, as OpenRouter does (`anthropic/claude-sonnet-4`), or under the part behind the provider.

Rules of this file: pure; a name means the same model wherever it stands, because that is how people use names; who cannot
be asked at all is left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from hexapla.catalog.resolve import Catalog, Match, matches_of, with_suffix


def elsewhere(catalog: Catalog, name: str, matches: Sequence[Match]) -> tuple[Match, ...]:
    """The endpoints of other providers than those of `matches`, for the model that they stand for."""
    taken = {match.provider.id for match in matches}
    suffix = matches[0].suffix if matches else ""
    found: list[Match] = []
    for known in _names(catalog, name.removesuffix(suffix), matches):
        for provider_id, model in catalog.named(known):
            provider = catalog.providers[provider_id]
            if provider_id not in taken and not provider.unavailable:
                taken.add(provider_id)
                served = matches_of(provider, model.id, model, "")
                found += (with_suffix(match, suffix) for match in served) if suffix else served
    return tuple(found)


def _names(catalog: Catalog, name: str, matches: Sequence[Match]) -> list[str]:
    """The names under which others may list the model, the most telling first."""
    parts = catalog.split(name)
    names = [name, *([parts[1]] if parts is not None else ())]
    names += [match.model for match in matches]
    return list(dict.fromkeys(names))
