"""Where a request goes: an endpoint's URL.

People paste whole endpoint URLs, bases with and without `/v1`, with and without a scheme, a final slash or a query; all
of them mean the same place.  `normalise` makes a base of any of them.

Rules of this file: what a client wrote (the model's name) is percent-encoded wherever it enters a path.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from msgspec.structs import replace

from hexapla.catalog.schema import Endpoint, Provider

PATHS = {
    "openai_chat": "/chat/completions",
    "openai_responses": "/responses",
    "anthropic_messages": "/messages",
}
_VERSIONS = {"anthropic_messages": "/v1", "gemini_generate": "/v1beta"}
_OPERATION = re.compile(
    r"/(chat/completions|responses|messages(/count_tokens)?|completions|embeddings|models(/[^/]+:\w+)?)$"
)
_VERSION = re.compile(r"/v\d+[a-z0-9]*$")
_LOCAL = re.compile(r"^(localhost|127\.|0\.0\.0\.0|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|\[?::1|[^./:]+(:|/|$))")


def normalise(protocol: str, base_url: str) -> str:
    """A base URL without final slash, query and operation; the version added where Messages and Gemini need one."""
    base = _with_scheme(base_url.strip()).partition("?")[0].rstrip("/")
    base = _OPERATION.sub("", base)
    return base if _VERSION.search(base) else base + _VERSIONS.get(protocol, "")


def endpoint_url(endpoint: Endpoint, model: str, *, stream: bool) -> str:
    """The URL of a generation at `endpoint`, query included."""
    pasted = endpoint.base_url.partition("?")[2]
    query = urlencode(endpoint.query)
    if endpoint.protocol == "gemini_generate" and stream and not endpoint.path:
        query = f"{query}&alt=sse" if query else "alt=sse"
    joined = "&".join(part for part in (pasted, query) if part)
    url = _without_query(endpoint, model, stream)
    return f"{url}?{joined}" if joined else url


def rehosted(provider: Provider) -> Provider:
    """`provider` with every endpoint at its chosen region, else at its host (which servers of one's own always have)."""
    host = provider.regions.get(provider.region) or provider.host
    if not host:
        return provider
    parts = urlsplit(_with_scheme(host))
    return replace(provider, endpoints=tuple(_moved(endpoint, parts) for endpoint in provider.endpoints))


def _moved(endpoint: Endpoint, host: SplitResult) -> Endpoint:
    url = urlsplit(endpoint.base_url)._replace(scheme=host.scheme, netloc=host.netloc)
    return replace(endpoint, base_url=url.geturl())


def _without_query(endpoint: Endpoint, model: str, stream: bool) -> str:
    path = (endpoint.stream_path if stream else "") or endpoint.path
    named = quote(model, safe="@:._~-")
    if path:
        base = _with_scheme(endpoint.base_url.strip()).partition("?")[0].rstrip("/")
        return base + path.replace("{model}", named)
    base = normalise(endpoint.protocol, endpoint.base_url)
    if endpoint.protocol == "gemini_generate":
        return f"{base}/models/{named}:{'streamGenerateContent' if stream else 'generateContent'}"
    return base + PATHS[endpoint.protocol]


def _with_scheme(url: str) -> str:
    """A URL without a scheme is plain HTTP on this machine and its network, HTTPS elsewhere."""
    if "://" in url:
        return url
    return f"{'http' if _LOCAL.match(url) else 'https'}://{url}"
