"""Who is examined, and with which model.

Without a name it is whoever was configured or has a key: someone who set one up wants to know whether it works, and
nobody wants to read that thirty others have no key.

Rules of this file: pure; nothing is asked here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from hexapla.catalog.nearest import Names
from hexapla.catalog.resolve import Catalog
from hexapla.catalog.schema import Model, Provider
from hexapla.config import Loaded
from hexapla.doctor.finding import Finding, found
from hexapla.engine.routes import Routes
from hexapla.errors import ConfigError

BUILT_IN = "demo"
_NO_CHAT = re.compile(
    r"embed|rerank|whisper|tts|speech|audio|realtime|transcri|moderation|guard|image|dall-e|video|sora|veo|ocr|bge-",
    re.IGNORECASE,
)
"""Listed ids that are no chat models; lists do not say."""


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A provider to examine.

    models  upstream ids that the user has named: with --model, in an alias or in a chain
    """

    provider: Provider
    models: tuple[str, ...] = ()


def subjects(loaded: Loaded, names: Sequence[str], model: str = "") -> list[Subject]:
    """Who is examined, in the catalogue's order.

    names  ids or aliases of providers; none: those that are configured or have a key
    model  to be asked, `provider/model`, or without the provider when one is named

    Raises ConfigError for a provider that is not known.
    """
    catalog = loaded.catalog
    pair = catalog.split(model) if model else None
    known = {_provider(catalog, name).id for name in names} or ({pair[0].id} if pair else set(_usual(loaded)))
    return [_subject(loaded, provider, model, pair) for provider in catalog.providers.values() if provider.id in known]


def choose_model(catalog: Catalog, subject: Subject, listed: Sequence[str] | None) -> str:
    """The upstream id of the model to ask: the user's own, else a cheap one that calls tools; "" when none is known."""
    own = [model for model in subject.models if listed is None or is_listed(model, listed)]
    if own or subject.models:
        return own[0] if own else ""
    known = [model for model in catalog.listed(subject.provider.id) if model.kind == "chat"]
    if listed is not None:
        known = [model for model in known if model.id in listed]
    if known:
        return min(known, key=_appeal).id
    return next((name for name in listed or () if not _NO_CHAT.search(name)), "")


def examine_models(subject: Subject, listed: Sequence[str] | None) -> Iterator[Finding]:
    """Whether the models that the user has named exist."""
    provider = subject.provider.id
    for model in subject.models:
        if listed is None:
            yield found(provider, "model", "ok", "model.assumed", model=model)
        elif is_listed(model, listed):
            yield found(provider, "model", "ok", "model.listed", model=model)
        else:
            near = ", ".join(Names(listed).nearest(model, 3))
            hint, hint_zh = (f"did you mean {near}? Else ", f"是否想写 {near}？否则") if near else ("", "")
            yield found(provider, "model", "fail", "model.missing", model=model, nearest=hint, nearest_zh=hint_zh)


def is_listed(model: str, listed: Iterable[str]) -> bool:
    """Whether a list holds `model`, or a dated form of it: moving names are seldom listed."""
    stem = model.partition(":")[0].removesuffix("-latest")
    return any(name in (model, stem) or name.startswith(f"{stem}-") for name in listed)


def _subject(loaded: Loaded, provider: Provider, model: str, pair: tuple[Provider, str] | None) -> Subject:
    if pair is None and model:
        return Subject(provider=provider, models=(model,))
    if pair is not None:
        return Subject(provider=provider, models=(pair[1],) if pair[0].id == provider.id else ())
    return Subject(provider=provider, models=tuple(dict.fromkeys(_named(loaded, provider))))


def _named(loaded: Loaded, provider: Provider) -> Iterator[str]:
    """The models of `provider` that the configuration names."""
    config, catalog = loaded.config, loaded.catalog
    chained = (name for model, further in config.chains.items() for name in (model, *further))
    profiled = (name for each in config.profiles.values() for name in (*each.models().values(), *each.backups))
    for name in (*config.aliases.values(), *chained, *profiled):
        pair = catalog.split(catalog.meaning(name) or name)
        if pair is not None and pair[0].id == provider.id:
            facts = catalog.facts(provider.id, pair[1])
            yield facts.id if facts is not None else pair[1]


def _usual(loaded: Loaded) -> Iterator[str]:
    routes = Routes(loaded)
    yield from loaded.config.providers
    yield from (provider for provider in routes.usable() if provider != BUILT_IN and routes.credentials(provider))


def _provider(catalog: Catalog, name: str) -> Provider:
    provider = catalog.provider(name)
    if provider is None:
        near = Names(catalog.providers).nearest(name, 1)
        raise ConfigError(f"There is no provider {name!r}.", did_you_mean=near[0] if near else "")
    return provider


def _appeal(model: Model) -> tuple[bool, bool, float]:
    """Least first: calls tools, has a known price, is cheap."""
    price = model.price.output if model.price is not None else None
    return "tools" not in model.capabilities, price is None and not model.free, price or 0.0
