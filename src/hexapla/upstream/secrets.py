"""What a request's headers hold that no answer may show.

Some upstreams echo the key that they refuse, in an error's text, its code or wherever, and some services in front of them
the whole request.  The values are known exactly, so they are taken out of the bytes before anybody reads these: what comes
after cannot forget it.  A value that arrives in two pieces is not seen.

Rules of this file: whatever is not known to be harmless is a secret; short values are none in an answer, which taking them
out would damage ("lm-studio" is a usual key and a usual word); in a refusal short keys are.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter

from hexapla.translate.cached import cached

SHORTEST = 16  # characters, in an answer
SHORTEST_REFUSED = 6  # of a key, in a refusal
MASK = b"***"

HARMLESS = frozenset(
    {
        "accept",
        "anthropic-beta",
        "anthropic-version",
        "content-type",
        "http-referer",
        "openai-beta",
        "user-agent",
        "x-anthropic-beta",
        "x-openrouter-categories",
        "x-openrouter-title",
        "x-session-id",
        "x-title",
    }
)

KEYS = frozenset({"authorization", "x-api-key", "api-key", "x-goog-api-key"})


Headers = tuple[tuple[str, str], ...]


def size_of(headers: Headers) -> int:
    """Characters of their values: a client may forward some 60,000 of them, and they are in the keys of caches."""
    return sum(map(len, map(itemgetter(1), headers)))


@cached(1024, size_of)
def secrets_of(headers: Headers, *, refused: bool = False) -> tuple[bytes, ...]:
    """The secrets among `headers`, without the scheme that stands before some, for an answer or a refusal."""
    found = ((name, value.rpartition(" ")[2]) for name, value in headers if name not in HARMLESS)
    return tuple(
        value.encode("latin-1", "replace")
        for name, value in found
        if len(value) >= (SHORTEST_REFUSED if refused and name in KEYS else SHORTEST)
    )


def without(secrets: Iterable[bytes], data: bytes) -> bytes:
    """`data` with every secret masked."""
    for secret in secrets:
        if secret in data:
            data = data.replace(secret, MASK)
    return data
