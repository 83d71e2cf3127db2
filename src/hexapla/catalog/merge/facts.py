"""What a source knows, and the names under which it knows our providers.

Rules of this file: a field that a source does not tell is missing, never guessed; a price is told only where the vendor
bills tokens in that currency.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from hexapla.catalog.schema import Price, Tier

Fields = dict[str, Any]
"""Fields of schema.Model by name."""

Rates = dict[str, float | None]
"""Fields of schema.Price or schema.Tier by name; None is unknown."""

Facts = dict[tuple[str, str], Fields]
"""What one source knows, by our provider's id and the upstream's id."""

NAMES = {
    "alibaba": "dashscope",
    "alibaba-cn": "dashscope",
    "amazon-bedrock": "bedrock_litellm",
    "aws": "bedrock_litellm",
    "azure": "azure_openai",
    "bedrock": "bedrock_litellm",
    "bedrock_converse": "bedrock_litellm",
    "chatgpt": "chatgpt_codex",
    "cohere_chat": "cohere",
    "fireworks": "fireworks-ai",
    "fireworks_ai-embedding-models": "fireworks-ai",
    "github-copilot": "github_copilot",
    "gitlab": "gitlab_duo",
    "google": "gemini",
    "google-vertex": "vertex_gemini",
    "google-vertex-anthropic": "vertex_anthropic",
    "kimi-for-coding": "kimi_code",
    "moonshotai": "moonshot",
    "novita": "novita-ai",
    "siliconflow-cn": "siliconflow",
    "text-completion-openai": "openai",
    "together_ai": "together",
    "togetherai": "together",
    "vercel_ai_gateway": "vercel",
    "vertex_ai-anthropic_models": "vertex_anthropic",
    "vertex_ai-language-models": "vertex_gemini",
    "volcengine": "volcano_ark",
    "x-ai": "xai",
    "zhipuai": "bigmodel",
}
"""A source's name of a provider -> ours, where they differ by more than an underline."""

OURS = frozenset({"bedrock_litellm", "github_copilot"})
"""Ids of ours that are written with an underline and are what a source calls them, too."""

NO_DOLLARS = frozenset({"bigmodel", "dashscope", "siliconflow", "volcano_ark"})
"""Providers that bill in yuan by default; what tables print for them in dollars is another site's price or a sum."""

SUBSCRIBED = frozenset({"chatgpt_codex", "github_copilot", "gitlab_duo", "kimi_code", "lmstudio", "ollama"})
"""Providers that bill no tokens."""


def provider_id(name: str) -> str:
    """Our id of a provider that a source calls `name`; of one that we do not know, the name with hyphens."""
    return NAMES.get(name) or (name if name in OURS else name.replace("_", "-"))


def priced(provider: str) -> bool:
    """Whether a price in dollars is what this provider bills."""
    return provider not in NO_DOLLARS | SUBSCRIBED and "-plan" not in provider


def told(fields: Fields) -> Fields:
    """`fields` without those that say nothing."""
    return {name: value for name, value in fields.items() if value not in (None, "", (), [], 0)}


def price(rates: Mapping[str, float | None], tiers: Iterable[Tier] = ()) -> Price:
    """A price in dollars."""
    return msgspec.convert({**_known(rates), "tiers": tuple(tiers)}, Price, from_attributes=True)


def tier(rates: Mapping[str, float | None], **conditions: object) -> Tier:
    """A tier of a price."""
    return msgspec.convert({**_known(rates), **conditions}, Tier)


def _known(rates: Mapping[str, float | None]) -> Fields:
    return {name: rate for name, rate in rates.items() if rate is not None}
