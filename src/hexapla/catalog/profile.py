"""A profile: one choice of provider and models, under a name, for a program that knows nothing of either.

Claude Code asks for `claude-haiku-…` in the background and for `claude-opus-…` when it plans; Gemini CLI asks for a
flash model to route.  At `/p/NAME/…`, or with a key that is bound to it, a profile answers to all such names with the
models that its owner chose: the slots.  A name that a vendor of the choice really serves is served as it is asked for.

Rules of this file: pure; `mean` turns a name into a name of the catalogue and resolves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec.structs import replace

from hexapla.catalog.quirks import matches
from hexapla.catalog.resolve import Catalog, Match
from hexapla.catalog.schema import Endpoint, Quirks

SLOTS: dict[str, tuple[str, ...]] = {
    "haiku": ("claude-*haiku*",),
    "sonnet": ("claude-*sonnet*",),
    "opus": ("claude-*opus*",),
    "fable": ("claude-*fable*",),
}
"""The sizes of models that Claude Code 2.1.330 knows by their environment variables
(https://code.claude.com/docs/en/model-config, 2026-11), and the names that ask for them."""

KIN: dict[str, str] = {
    "claude-*": "",
    "gemini-*flash*": "haiku",
    "gemini-*": "",
    "gpt-*-mini*": "haiku",
    "gpt-*-nano*": "haiku",
    "gpt-*": "",
    "o[0-9]*": "",
    "codex-*": "",
}
"""Names of vendors' families -> the slot that stands in where the profile's provider has none of that family; "" is
the profile's model.  The first glob that fits counts."""

LIMITS: dict[str, tuple[str, ...]] = {
    "openai_chat": ("max_tokens", "max_completion_tokens"),
    "openai_responses": ("max_output_tokens",),
    "anthropic_messages": ("max_tokens",),
    "gemini_generate": ("generationConfig.maxOutputTokens",),
}
"""Where each protocol says how long an answer may be."""

BUDGETS: dict[str, str] = {
    "anthropic_messages": "thinking.budget_tokens",
    "gemini_generate": "generationConfig.thinkingConfig.thinkingBudget",
}
"""Where a protocol says how much of that may be thought: it must stay below."""

DEFAULT = "default"
SUBSCRIPTIONS: dict[str, str] = {"claude_subscription": "claude", "gemini_subscription": "gemini"}
"""Logins that only the vendor's own program may use -> that program."""


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[profiles.NAME]`.

    provider      the provider of `model` and of every slot; "" where they say it themselves (provider/model, an alias)
    model         the main model;  haiku, sonnet, opus, fable  the slots; an empty one is `model`
    backups       what is tried next: models, aliases or other profiles, each with its own model name
    headers       sent to the provider with every request;  query  added to its URL
    max_tokens    no answer may be asked to be longer
    strip_params  auto: what the catalogue knows to be refused; none: nothing; a list: that, and what the catalogue knows
    environment   further variables of programs that `hexapla run` starts
    """

    provider: str = ""
    model: str = ""
    haiku: str = ""
    sonnet: str = ""
    opus: str = ""
    fable: str = ""
    backups: tuple[str, ...] = ()
    headers: dict[str, str] = {}
    query: dict[str, str] = {}
    max_tokens: int | None = None
    strip_params: Literal["auto", "none"] | tuple[str, ...] = "auto"
    environment: dict[str, str] = {}

    def slot(self, name: str) -> str:
        """The full name of a slot's model; of the main model for a slot that is not set, and for any other name."""
        own: str = getattr(self, name) if name in SLOTS else ""
        return self.full(own or self.model)

    def full(self, model: str) -> str:
        """A model of this profile under the name that the catalogue knows."""
        if not self.provider or not model or model.startswith(f"{self.provider}/"):
            return model
        return f"{self.provider}/{model}"

    def models(self) -> dict[str, str]:
        """Slot (the main model's is `default`) -> full name, for those that are set."""
        own = {DEFAULT: self.model} | {name: getattr(self, name) for name in SLOTS}
        return {slot: self.full(model) for slot, model in own.items() if model}

    @property
    def subscription(self) -> str:
        """The program whose own login this profile stands for; "" for one that the gateway carries."""
        return SUBSCRIPTIONS.get(self.provider, "")


BUILT_IN: Mapping[str, Profile] = {"claude": Profile(provider="claude_subscription")}
"""Profiles that need no configuration; one of the user's own of that name stands above it."""


def mean(profile: Profile, catalog: Catalog, name: str) -> str:
    """The catalogue's name for what `name` asks for inside `profile`."""
    own = profile.models()
    for known in (name, profile.full(name)):
        if known in own.values():
            return known
    slot = named_slot(name)
    if slot in own or (own and name in SLOTS):
        return profile.slot(slot)
    return _foreign(profile, catalog, name)


def slot_of(profile: Profile, name: str) -> str:
    """Which slot `name` asks for: a backup that is a profile itself answers with its own model of that size."""
    own = {full: slot for slot, full in profile.models().items()}
    return named_slot(name) or own.get(name) or own.get(profile.full(name)) or KIN.get(_family(name), "") or DEFAULT


def named_slot(name: str) -> str:
    """The slot that `name` names, by itself or as Claude's models do; "" for any other."""
    if name in SLOTS or name == DEFAULT:
        return name
    return next((slot for slot, globs in SLOTS.items() if matches(globs, name)), "")


def applied(profile: Profile, match: Match) -> Match:
    """`match` with the profile's limit and stripped parameters, and with its headers and query, which are its own
    provider's business: whoever else serves a name inside the profile does not see them."""
    endpoint = match.endpoint
    if not profile.provider or profile.provider in (match.provider.id, *match.provider.aliases):
        headers, query = {**endpoint.headers, **profile.headers}, {**endpoint.query, **profile.query}
        endpoint = replace(endpoint, headers=headers, query=query)
    return replace(match, endpoint=endpoint, quirks=_capped(_stripped(match.quirks, profile), endpoint, profile))


def _foreign(profile: Profile, catalog: Catalog, name: str) -> str:
    """A name that is no slot: the provider's own, somebody else's, or of a family that the provider does not have."""
    provider = _provider(profile, catalog)
    listed = catalog.models.get(provider, ())
    if catalog.facts(provider, name) is not None:
        return f"{provider}/{name}"
    if catalog.split(name) is not None or catalog.meaning(name) is not None:
        return name
    family = _family(name)
    kin = family.partition("*")[0] + "*"
    if family and profile.model and not any(matches(kin, model.id) for model in listed):
        return profile.slot(KIN[family])
    return profile.full(name)


def _provider(profile: Profile, catalog: Catalog) -> str:
    """The id of the provider that the profile is about; "" where none is known."""
    if profile.provider:
        known = catalog.provider(profile.provider)
        return known.id if known is not None else ""
    parts = catalog.split(catalog.meaning(profile.model) or profile.model)
    return parts[0].id if parts is not None else ""


def _family(name: str) -> str:
    """The first of KIN that fits; "" for none."""
    return next((glob for glob in KIN if matches(glob, name)), "")


def _stripped(quirks: Quirks, profile: Profile) -> Quirks:
    wanted = profile.strip_params
    if wanted == "auto":
        return quirks
    return replace(quirks, strip=() if wanted == "none" else tuple(dict.fromkeys((*quirks.strip, *wanted))))


def _capped(quirks: Quirks, endpoint: Endpoint, profile: Profile) -> Quirks:
    cap = profile.max_tokens
    if cap is None:
        return quirks
    most: dict[str, tuple[float, float]] = dict.fromkeys(LIMITS[endpoint.protocol], (1, cap))
    if budget := BUDGETS.get(endpoint.protocol):
        most[budget] = (-1, cap - 1)  # -1: Gemini's own word for "as much as it takes"
    for name, (low, high) in quirks.clamp.items():
        known = most.get(name)
        most[name] = (low, min(high, known[1])) if known else (low, high)
    return replace(quirks, clamp=most)
