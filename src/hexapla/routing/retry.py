"""What to do after a failure: one table from error kind to verdict.

The rules behind it: never repeat what cannot succeed; a request that is wrong is wrong everywhere, one that is too large or
says what this provider does not know may be right elsewhere; never stay with a credential that was refused; a silent
endpoint is not asked twice; a hint of the provider is obeyed or, when it is too long, answered by going elsewhere.

docs/routing.md shows the table to people (tests/routing/test_retry.py holds it to this one).
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from hexapla.errors import GatewayError, Kind
from hexapla.routing.budget import FLOOR, SHARE
from hexapla.routing.memory import CrowdedError


class Verdict(msgspec.Struct, frozen=True):
    """retries: how often the same endpoint may be asked again; fall_back: whether another one of the same model may be."""

    retries: int = 0
    fall_back: bool = True


GIVE_UP = Verdict(0, False)

VERDICTS: dict[Kind, Verdict] = {
    Kind.INVALID_REQUEST: GIVE_UP,
    Kind.CLIENT_AUTH: GIVE_UP,
    Kind.CANCELLED: GIVE_UP,
    Kind.INTERNAL: GIVE_UP,
    Kind.TOO_LARGE: Verdict(0),
    Kind.UNSUPPORTED: Verdict(0),
    Kind.CONTEXT_LENGTH: Verdict(0),
    Kind.CONTENT_FILTER: Verdict(0),
    Kind.PERMISSION: Verdict(0),
    Kind.NOT_FOUND: Verdict(0),
    Kind.NO_ROUTE: Verdict(0),
    Kind.TIMEOUT: Verdict(0),
    Kind.UPSTREAM_AUTH: Verdict(0),
    Kind.UPSTREAM_BILLING: Verdict(0),
    Kind.UPSTREAM_TLS: Verdict(0),
    Kind.UPSTREAM_MISCONFIGURED: Verdict(0),
    Kind.EGRESS_PROXY: Verdict(0),
    Kind.UPSTREAM_CONNECT: Verdict(1),
    Kind.UPSTREAM_ERROR: Verdict(1),
    Kind.UPSTREAM_PROTOCOL: Verdict(1),
    Kind.UPSTREAM_EMPTY: Verdict(1),
    Kind.UPSTREAM_TRUNCATED: Verdict(1),
    Kind.OVERLOADED: Verdict(2),
    Kind.RATE_LIMIT: Verdict(2),
}


RESUMES = frozenset(
    {
        Kind.TIMEOUT,
        Kind.UPSTREAM_CONNECT,
        Kind.UPSTREAM_ERROR,
        Kind.UPSTREAM_PROTOCOL,
        Kind.UPSTREAM_TRUNCATED,
        Kind.OVERLOADED,
        Kind.RATE_LIMIT,
    }
)
"""With what an answer may break off and be continued by somebody else: nothing that judges the text or the request."""


DECLINES = frozenset({Kind.INVALID_REQUEST, Kind.UNSUPPORTED, Kind.NOT_FOUND, Kind.UPSTREAM_MISCONFIGURED})
"""With what a vendor refuses to go on in a turn that was begun, as newer models do."""


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of retrying.

    retries   at most this many further tries of one endpoint (the table may say fewer)
    max_wait  seconds that a provider's hint may ask for; a longer one counts as "not this endpoint"
    base      seconds of the first back-off step; it doubles up to `cap`, with full jitter
    past_filters  whether somebody else may be asked what a provider's content filter refused
    share     retries that a request earns for the whole gateway;  floor: those a second that are always there
    """

    retries: int = 2
    max_wait: float = 10.0
    base: float = 0.25
    cap: float = 8.0
    past_filters: bool = True
    share: float = SHARE
    floor: float = FLOOR


def verdict(error: GatewayError) -> Verdict:
    """What the table says of `error`, minding an explicit `retryable`."""
    found = VERDICTS[error.kind]
    if isinstance(error, CrowdedError):
        return GIVE_UP  # it is ours, whoever is asked
    if error.retryable is False:
        return Verdict(0, found.fall_back)
    return found


def delay(error: GatewayError, tries: int, policy: RetryPolicy, chance: Callable[[], float]) -> float | None:
    """Seconds to wait before try number `tries` + 1 of the same endpoint, or None for "no further try".

    tries   how often the endpoint was asked so far (at least 1)
    chance  draws from [0, 1)
    """
    if tries > min(verdict(error).retries, policy.retries):
        return None
    if error.retry_after is not None:
        # never earlier than the hint; up to a tenth later, so that many waiters do not come back at once
        return error.retry_after * (1 + chance() / 10) if error.retry_after <= policy.max_wait else None
    return min(policy.cap, policy.base * float(2 ** (tries - 1))) * chance()
