"""Models as a list that people and programs look through: who offers what, what it takes, and which ones fit.

Rules of this file: pure; a model about which a fact is unknown fits no bound on that fact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from hexapla.catalog.quirks import matches, merge
from hexapla.catalog.schema import Endpoint, Model, Provider

EVERY = ("max_tokens", "max_completion_tokens", "stop")
SAMPLING = ("temperature", "top_p")
BY_PROTOCOL: dict[str, tuple[str, ...]] = {
    "openai_chat": ("frequency_penalty", "presence_penalty", "seed", "logit_bias", "logprobs", "top_logprobs"),
    "openai_responses": (),
    "anthropic_messages": ("top_k",),
    "gemini_generate": ("top_k", "seed", "frequency_penalty", "presence_penalty"),
}
BY_CAPABILITY: dict[str, tuple[str, ...]] = {
    "tools": ("tools", "tool_choice", "parallel_tool_calls"),
    "reasoning": ("reasoning", "include_reasoning", "reasoning_effort"),
    "json_schema": ("response_format", "structured_outputs"),
    "web_search": ("web_search_options",),
}
"""Parameters of Chat Completions by what must be so for them to have an effect."""

FAMILIES = (
    ("claude", "Claude"),
    ("gemini", "Gemini"),
    ("gemma", "Gemma"),
    ("gpt", "GPT"),
    ("grok", "Grok"),
    ("command", "Cohere"),
    ("deepseek", "DeepSeek"),
    ("qwen3", "Qwen3"),
    ("qw", "Qwen"),
    ("llama-4", "Llama4"),
    ("llama-3", "Llama3"),
    ("llama3", "Llama3"),
    ("llama2", "Llama2"),
    ("mistral", "Mistral"),
    ("mixtral", "Mistral"),
    ("ministral", "Mistral"),
    ("codestral", "Mistral"),
    ("devstral", "Mistral"),
    ("magistral", "Mistral"),
    ("nova", "Nova"),
    ("yi-", "Yi"),
)
"""A piece of a model's name -> the family that OpenRouter would call it (its OpenAPI document, ModelGroup)."""


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One row.  `name`: what a client sends for it;  `usable`: whether a request could be sent now."""

    name: str
    model: Model
    provider: Provider
    usable: bool = True

    @property
    def author(self) -> str:
        """Who made the model, as far as its name tells: `openrouter/anthropic/claude` is anthropic's."""
        return self.name.split("/")[-2] if "/" in self.name else self.provider.id

    @property
    def family(self) -> str:
        """The family of models, by its name."""
        lower = self.model.id.lower().rpartition("/")[2]
        return next((family for piece, family in FAMILIES if piece in lower), "Other")


Fits = Callable[[Listed], bool]


def parameters(provider: Provider, model: Model) -> tuple[str, ...]:
    """The parameters of Chat Completions that have an effect on `model`, at whichever endpoint takes most of them."""
    if model.kind != "chat":
        return ()
    serving = [end for end in provider.endpoints if not end.models or matches(end.models, model.id)]
    return max((at_endpoint(endpoint, model) for endpoint in serving), key=len, default=())


def at_endpoint(endpoint: Endpoint, model: Model) -> tuple[str, ...]:
    """The same for one endpoint."""
    quirks = merge(endpoint.quirks, model.id)
    facts = quirks.target | model.target
    names = [*EVERY, *BY_PROTOCOL[endpoint.protocol]]
    if facts.get("sampling", True):
        names += SAMPLING
    for capability in model.capabilities:
        names += BY_CAPABILITY.get(capability, ())
    refused = {*quirks.strip, *facts.get("unsupported", ())}
    return tuple(name for name in dict.fromkeys(names) if name not in refused)


def every(tests: Iterable[Fits]) -> Fits:
    """Whether all of the tests are passed."""
    wanted = tuple(tests)
    return lambda row: all(fits(row) for fits in wanted)


def named_like(text: str) -> Fits:
    """Names, shown names and aliases that contain every word of `text`."""
    words = text.lower().split()

    def fits(row: Listed) -> bool:
        said = " ".join((row.name, row.model.name, *row.model.also, *row.model.aliases)).lower()
        return all(word in said for word in words)

    return fits


def at_provider(names: Iterable[str]) -> Fits:
    """Providers of these ids, aliases or shown names, in any case."""
    wanted = {name.lower() for name in names}
    return lambda row: bool(wanted & {name.lower() for name in called(row.provider)})


def of_kind(kinds: Iterable[str]) -> Fits:
    """Models for one of these purposes."""
    wanted = frozenset(kinds)
    return lambda row: row.model.kind in wanted


def able(capabilities: Iterable[str]) -> Fits:
    """Models that can do all of this."""
    wanted = frozenset(capabilities)
    return lambda row: wanted <= frozenset(row.model.capabilities)


def context_from(tokens: int) -> Fits:
    """Models that read at least so much."""
    return lambda row: (row.model.context or 0) >= tokens


def costing(side: str, least: float | None, most: float | None, currency: str = "") -> Fits:
    """Models whose tokens on one side ("input", "output") cost between `least` and `most` per million."""

    def fits(row: Listed) -> bool:
        price = row.model.price
        rate = 0.0 if row.model.free else getattr(price, side, None)
        if rate is None or (currency and price is not None and price.currency != currency):
            return False
        return (least is None or rate >= least) and (most is None or rate <= most)

    return fits


def billed_in(currency: str) -> Fits:
    """Models that are billed in this currency."""
    return lambda row: row.model.price is not None and row.model.price.currency == currency


def free(row: Listed) -> bool:
    """Models that cost nothing."""
    return row.model.free


def sold(today: str) -> Fits:
    """Models that were not switched off by `today` (2026-11-28)."""
    return lambda row: not row.model.retired or row.model.retired > today


def called(provider: Provider) -> tuple[str, ...]:
    """What people may call a provider."""
    return (provider.id, provider.name, provider.name_zh, *provider.aliases)
