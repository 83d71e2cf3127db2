"""Who may not serve a request at all: one judge for each preference, each with its reason in words.

A filter reads once what the client prefers and the request needs; its judge then looks at one candidate after the other,
and says "" or why not.  The names of the filters are the words that OpenRouter's `error.availability.excluded_by` uses, so
that a refusal can tell which wish removed whom
(https://openrouter.ai/docs/api/reference/errors-and-debugging, 2026-08-22).

Rules of this file: pure and cheap, because every candidate of every request passes here; what is not known of a model is
held against nobody, what is not known of a provider's handling of data is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from hexapla.catalog.schema import Price, Provider
from hexapla.plugins.asked import Wish
from hexapla.plugins.native import way, why_not
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
    search      a search of the web;  configured  the gateway can make one itself
    usd         units of a currency in one US dollar, for prices in other currencies
    """

    tools: bool = False
    max_tokens: int | None = None
    free: bool = False
    schema: bool = False
    search: Wish | None = None
    configured: bool = False
    usd: dict[str, float] = {}


class Rejection(msgspec.Struct, frozen=True):
    """One candidate that may not serve, the filter that says so, and why."""

    candidate: Candidate
    filter: str
    why: str


Judge = Callable[[Candidate], str]
"""Says "" of a candidate that may serve, else why it may not."""


class Filter(msgspec.Struct, frozen=True):
    """One wish or need: its name, and who judges by it; None of a request that does not have it.

    own  it is about the provider itself, also where that one is a gateway which is told the wishes and obeys them
    """

    name: str
    judge: Callable[[Preferences, Need], Judge | None]
    own: bool = False


def slugs(provider: Provider) -> frozenset[str]:
    """What a request may call this provider: its id, an alias, or either with its region behind a slash."""
    together = TOGETHER.get(provider.id)
    names = {name.lower() for name in (provider.id, *provider.aliases, *([together] if together else ()))}
    return frozenset(names | ({f"{name}/{provider.region}" for name in names} if provider.region else set()))


def _ignored(preferences: Preferences, need: Need) -> Judge | None:
    ignored = frozenset(preferences.ignore)
    if not ignored:
        return None
    return lambda candidate: "" if candidate.slugs.isdisjoint(ignored) else f"{candidate.provider.id} {_IGNORED}"


def _allowed(preferences: Preferences, need: Need) -> Judge | None:
    bounds = [(listed, _UNLISTED) for listed in (preferences.ceiling, preferences.only) if listed]
    if preferences.order and not preferences.allow_fallbacks:
        bounds.append((preferences.order, _UNORDERED))

    def judge(candidate: Candidate) -> str:
        for listed, why in bounds:
            if candidate.slugs.isdisjoint(listed):
                return f"{candidate.provider.id} {why}"
        return ""

    return judge if bounds else None


def _training(preferences: Preferences, need: Need) -> Judge | None:
    return _trains if preferences.data_collection == "deny" else None


def _trains(candidate: Candidate) -> str:
    provider = candidate.provider
    return "" if provider.privacy.training is False else f"{provider.id} may store prompts and train on them"


def _zdr(preferences: Preferences, need: Need) -> Judge | None:
    return _keeps if preferences.zdr else None


def _keeps(candidate: Candidate) -> str:
    provider = candidate.provider
    return "" if provider.privacy.retention == "none" else f"{provider.id} keeps prompts"


def _distillable(preferences: Preferences, need: Need) -> Judge | None:
    unknown = "whether its author allows distillation is not known"
    return (lambda candidate: unknown) if preferences.enforce_distillable_text else None


def _quantization(preferences: Preferences, need: Need) -> Judge | None:
    wanted = preferences.quantizations

    def judge(candidate: Candidate) -> str:
        own = (candidate.facts.quantization if candidate.facts is not None else "") or "unknown"
        return "" if own in wanted or SAME_QUANTIZATION.get(own) in wanted else f"its quantization is {own}"

    return judge if wanted else None


def _max_price(preferences: Preferences, need: Need) -> Judge | None:
    said = ((name, field, getattr(preferences.max_price, name)) for name, field in _PRICED)
    bounds = [(name, field, most) for name, field, most in said if most is not None]

    def judge(candidate: Candidate) -> str:
        price = candidate.facts.price if candidate.facts is not None else None
        if price is None:
            return ""
        rate = 1.0 if price.currency == "USD" else need.usd.get(price.currency)
        for name, field, most in bounds if rate else ():
            own = getattr(price, field)
            if own is not None and own / rate > most:
                return f"its {name} price is {own / rate:g} USD, above {most:g}"
        return ""

    return judge if bounds else None


def _max_tokens(preferences: Preferences, need: Need) -> Judge | None:
    wanted = need.max_tokens
    if wanted is None:
        return None

    def judge(candidate: Candidate) -> str:
        most = candidate.facts.max_output if candidate.facts is not None else None
        if most is None or wanted <= most:
            return ""
        return f"it answers with at most {most} tokens, and {wanted} are asked for"

    return judge


def _tools(preferences: Preferences, need: Need) -> Judge | None:
    return _able("tools", "it knows no tools") if need.tools else None


def _schema(preferences: Preferences, need: Need) -> Judge | None:
    return _able("json_schema", "it does not keep to a JSON schema") if need.schema else None


def _able(capability: str, why: str) -> Judge:
    def judge(candidate: Candidate) -> str:
        known = candidate.facts.capabilities if candidate.facts is not None else ()
        return why if known and capability not in known else ""

    return judge


def _online(preferences: Preferences, need: Need) -> Judge | None:
    wish = need.search
    if wish is None or not wish.must:
        return None

    def judge(candidate: Candidate) -> str:
        own = candidate.quirks.search
        able = candidate.delegate or way(wish, own, configured=need.configured)
        return "" if able else why_not(wish, own)

    return judge


def _free(preferences: Preferences, need: Need) -> Judge | None:
    return _costs if need.free else None


def _costs(candidate: Candidate) -> str:
    facts = candidate.facts
    if ":free" in candidate.model:
        return ""
    return "" if facts is not None and (facts.free or costless(facts.price)) else "it is not free"


def costless(price: Price | None) -> bool:
    """Whether tokens cost nothing, for certain."""
    return price is not None and price.input == 0 and price.output == 0


_IGNORED = "is in provider.ignore"
_UNLISTED = "is not among provider.only"
_UNORDERED = "is not in provider.order, and fallbacks are not allowed"
_PRICED = (
    ("prompt", "input"),
    ("completion", "output"),
    ("request", "request"),
    ("image", "image"),
    ("audio", "audio_input"),
)

HARD = (
    Filter("allowed_providers", _ignored, own=True),
    Filter("allowed_providers", _allowed),
    Filter("data_policy:training", _training),
    Filter("data_policy:zdr", _zdr),
    Filter("distillable", _distillable),
    Filter("quantization", _quantization),
    Filter("max_price", _max_price),
    Filter("free", _free, own=True),
    Filter("online", _online, own=True),
)
"""Filters whose word is final: when nobody is left the request is refused."""

SOFT = (
    Filter("context_length", _max_tokens, own=True),
    Filter("tools", _tools, own=True),
    Filter("response_format", _schema, own=True),
)
"""Filters that hold while somebody is left: the catalogue may be behind, and the provider knows best."""


def sift(
    candidates: Sequence[Candidate], filters: Sequence[Filter], preferences: Preferences, need: Need
) -> tuple[list[Candidate], list[Rejection]]:
    """Who passes all of `filters`, and who does not by which."""
    asked = [(judge, each) for each in filters if (judge := each.judge(preferences, need)) is not None]
    if not asked:
        return list(candidates), []
    own = [(judge, each) for judge, each in asked if each.own]
    kept: list[Candidate] = []
    rejected: list[Rejection] = []
    for candidate in candidates:
        for judge, each in own if candidate.delegate else asked:
            if why := judge(candidate):
                rejected.append(Rejection(candidate, each.name, why))
                break
        else:
            kept.append(candidate)
    return kept, rejected
