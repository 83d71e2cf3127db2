"""Where a request goes: an endpoint's URL.

People paste whole endpoint URLs, bases with and without `/v1`, with and without a final slash; all of them mean the
same place.  `normalise` makes a base of any of them.
"""

from __future__ import annotations

import re

from hexapla.catalog.schema import Endpoint

PATHS = {
    "openai_chat": "/chat/completions",
    "openai_responses": "/responses",
    "anthropic_messages": "/messages",
}
_OPERATIONS = ("/chat/completions", "/responses", "/messages", "/completions", "/embeddings", "/models")
_VERSION = re.compile(r"/v\d+[a-z0-9]*(/|$)")


def normalise(protocol: str, base_url: str) -> str:
    """A base URL without final slash and operation; Messages' `/v1` added when no version stands in the path."""
    base = base_url.strip().rstrip("/")
    for operation in _OPERATIONS:
        if base.endswith(operation):
            base = base.removesuffix(operation)
            break
    path = base.partition("://")[2].partition("/")[2]
    if protocol == "anthropic_messages" and not _VERSION.search("/" + path):
        base += "/v1"
    return base


def endpoint_url(endpoint: Endpoint, model: str, *, stream: bool) -> str:
    """The URL of a generation at `endpoint`, query included."""
    base = normalise(endpoint.protocol, endpoint.base_url)
    if endpoint.path:
        url = base + endpoint.path.replace("{model}", model)
    elif endpoint.protocol == "gemini_generate":
        url = f"{base}/models/{model}:{'streamGenerateContent' if stream else 'generateContent'}"
    else:
        url = base + PATHS[endpoint.protocol]
    query = dict(endpoint.query)
    if endpoint.protocol == "gemini_generate" and stream:
        query["alt"] = "sse"
    if not query:
        return url
    joined = "&".join(f"{name}={value}" for name, value in query.items())
    return f"{url}{'&' if '?' in url else '?'}{joined}"
