"""Where the generation endpoints stand, and for whom."""

from __future__ import annotations

OPENROUTER = "/api/v1"
"""Where OpenRouter's clients ask."""

PREFIXES = ("/v1", OPENROUTER)

GENERATION = {
    "/chat/completions": "openai_chat",
    "/responses": "openai_responses",
    "/messages": "anthropic_messages",
}
"""The paths of the generation endpoints, and what is spoken there."""

GENERATION_PATHS = {prefix + path: protocol for prefix in PREFIXES for path, protocol in GENERATION.items()}
