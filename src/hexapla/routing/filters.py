"""Who may not serve a request at all: one predicate for each preference, each with its reason in words.

A filter looks at one candidate, what the request needs and what the client prefers, and says "" or why not.  The names
of the filters are the words that OpenRouter's `error.availability.excluded_by` uses, so that a refusal can tell which
wish removed whom (https://openrouter.ai/docs/api/reference/errors-and-debugging, 2026-08-22).

Rules of this file: pure and cheap, because every candidate of every request passes here; what is not known of a model is
held against nobody, what is not known of a provider's handling of data is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from hexapla.catalog.schema import Price, Provider
from hexapla.routing.candidate import Candidate
from hexapla.routing.preferences import Preferences

SAME_QUANTIZATION = {"mxfp4": "fp4", "nvfp4": "fp4", "mxfp8": "fp8"}
"""fp4 stands for all its kinds, and so does fp8 (OpenRouter's provider-selection page, 2026-08-22)."""


TOGETHER = {"vertex_anthropic": "google-vertex", "vertex_gemini": "google-vertex"}
"""OpenRouter's slug of what are several providers here."""


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """What a request needs of whoever serves it; None and False are "nothing special".

    max_tokens  the output that it asks for
    schema      an answer that obeys a JSON schema
    online      a search of the web, which no provider's model brings along
    usd         units of a currency in one US dollar, for prices in other currencies
    """

    tools: bool = False
    max_tokens: int | None = None
    free: bool = False
    schema: bool = False
    online: bool = False
    usd: dict[str, float] = {}


class Rejection(msgspec.Struct, frozen=True):
    """One candidate that may not serve, the filter that says so, and why."""

    candidate: Candidate
    filter: str
    why: str


class Filter(msgspec.Struct, frozen=True):
    """name, whether it has anything to say of a request, and why it refuses a candidate ("": it does not).

    own  it is about the provider itself, also where that one is a gateway which is told the wishes and obeys them
    """

    name: str
    concerns: Callable[[Preferences, Need], object]
    refuses: Callable[[Candidate, Preferences, Need], str]
    own: bool = False


def slugs(provider: Provider) -> frozenset[str]:
    """What a request may call this provider: its id, an alias, or either with its region behind a slash."""
    together = TOGETHER.get(provider.id)
    names = {name.lower() for name in (provider.id, *provider.aliases, *([together] if together else ()))}
    return frozenset(names | ({f"{name}/{provider.region}" for name in names} if provider.region else set()))


def _ignored(candidate: Candidate, preferences: Preferences, need: Need) -> str:
    return "" if candidate.slugs.isdisjoint(preferences.ignore) else f"{candidate.provider.id} is in provider.ignore"


def _allowed(candidate: Candidate, preferences: Preferences, need: Need) -> str:
    own = candidate.slugs
    for listed in (preferences.ceiling, preferences.only):
        if listed and own.isdisjoint(listed):
            return f"{candidate.provider.id} is not among provider.only"
    if preferences.order and not preferences.allow_fallbacks and own.isdisjoint(preferences.order):
        return f"{candidate.provider.id} is not in provider.order, and fallbacks are not allowed"
    return ""


def _training(candidate: Candidate, preferences: Preferences, need: Need) -> str:
    if candidate.provider.privacy.training is False:
        return ""
    return f"{candidate.provider.id} may store prompts and train on them"


def _zdr(candidate: Candidate, preferences: Preferences, need: Need) -> str:
    return "" if candidate.provider.privacy.retention == "none" else f"{candidate.provider.id} keeps prompts"


def _distillable(candidate: Candidate, preferences: Preferences, need: Need) -> str:
    return "whether its author allows distillation is not known"


def _quantization(candidate: Candidate, preferences: Preferences, need: Need) -> str:
    own = (candidate.facts.quantization if candidate.facts is not None else "") or "unknown"
    if own in preferences.quantizations or SAME_QUANTIZATION.get(own) in preferences.quantizations:
        return ""
    return f"its quantization is {own}"


def _max_price(candidate: Candidate, preferences: Preferences, need: Need) -> str:
    price = candidate.facts.price if candidate.facts is not None else None
    rate = 0.0 if price is None else 1.0 if price.currency == "USD" else need.usd.get(price.currency, 0.0)
    if not rate:
        return ""
    for name, field in _PRICED:
        most = getattr(preferences.max_price, name)
        own = getattr(price, field) if most is not None else None
        if own is not None and own / rate > most:
            return f"its {name} price is {own / rate:g} USD, above {most:g}"
    return ""


def _max_tokens(candidate: Candidate, preferences: Preferences, need: Need) -> str:
    most = candidate.facts.max_output if candidate.facts is not None else None
    if need.max_tokens is None or most is None or need.max_tokens <= most:
        return ""
    return f"it answers with at most {most} tokens, and {need.max_tokens} are asked for"


def _tools(candidate: Candidate, preferences: Preferences, need: Need) -> str:
    known = candidate.facts.capabilities if candidate.facts is not None else ()
    return "it knows no tools" if known and "tools" not in known else ""


def _schema(candidate: Candidate, preferences: Preferences, need: Need) -> str:
    known = candidate.facts.capabilities if candidate.facts is not None else ()
    return "it does not keep to a JSON schema" if known and "json_schema" not in known else ""


def _online(candidate: Candidate, preferences: Preferences, need: Need) -> str:
    return "" if candidate.delegate else "this gateway has no web search to add to it; OpenRouter, as a provider, has"


def _free(candidate: Candidate, preferences: Preferences, need: Need) -> str:
    facts = candidate.facts
    if ":free" in candidate.model:
        return ""
    return "" if facts is not None and (facts.free or costless(facts.price)) else "it is not free"


def costless(price: Price | None) -> bool:
    """Whether tokens cost nothing, for certain."""
    return price is not None and price.input == 0 and price.output == 0


_NO_BOUND = Preferences().max_price
_PRICED = (
    ("prompt", "input"),
    ("completion", "output"),
    ("request", "request"),
    ("image", "image"),
    ("audio", "audio_input"),
)

HARD = (
    Filter("allowed_providers", lambda p, n: p.ignore, _ignored, own=True),
    Filter("allowed_providers", lambda p, n: p.only or p.ceiling or (p.order and not p.allow_fallbacks), _allowed),
    Filter("data_policy:training", lambda p, n: p.data_collection == "deny", _training),
    Filter("data_policy:zdr", lambda p, n: p.zdr, _zdr),
    Filter("distillable", lambda p, n: p.enforce_distillable_text, _distillable),
    Filter("quantization", lambda p, n: p.quantizations, _quantization),
    Filter("max_price", lambda p, n: p.max_price != _NO_BOUND, _max_price),
    Filter("free", lambda p, n: n.free, _free, own=True),
    Filter("online", lambda p, n: n.online, _online, own=True),
)
"""Filters whose word is final: when nobody is left the request is refused."""

SOFT = (
    Filter("context_length", lambda p, n: n.max_tokens is not None, _max_tokens, own=True),
    Filter("tools", lambda p, n: n.tools, _tools, own=True),
    Filter("response_format", lambda p, n: n.schema, _schema, own=True),
)
"""Filters that hold while somebody is left: the catalogue may be behind, and the provider knows best."""


def sift(
    candidates: Sequence[Candidate], filters: Sequence[Filter], preferences: Preferences, need: Need
) -> tuple[list[Candidate], list[Rejection]]:
    """Who passes all of `filters`, and who does not by which."""
    asked = [each for each in filters if each.concerns(preferences, need)]
    kept: list[Candidate] = []
    rejected: list[Rejection] = []
    for candidate in candidates:
        for each in asked:
            if (each.own or not candidate.delegate) and (why := each.refuses(candidate, preferences, need)):
                rejected.append(Rejection(candidate, each.name, why))
                break
        else:
            kept.append(candidate)
    return kept, rejected
