"""One retry budget for the whole gateway, so that an outage is not made worse by those who suffer from it.

Every request earns a fifth of a retry; whoever wants to ask an endpoint again spends a whole one.  A floor of ten
retries a second lets a quiet gateway retry as well.  (Finagle's RetryBudget and Envoy's `retry_budget` hold to the same
20 %: https://twitter.github.io/finagle/guide/Clients.html, https://www.envoyproxy.io/docs, 2026-11.)

Hedges have a budget of their own: one in twenty requests may ask a second endpoint, and nothing is there beforehand, so
that a slow hour does not double the traffic (Finagle's BackupRequestFilter: "maxExtraLoad", without a reserve).

Rules of this file: pure (the clock is an argument); only tries of the same endpoint are counted, since going elsewhere
does not burden whoever is down.
"""

from __future__ import annotations

from collections.abc import Callable

SHARE = 0.2  # retries that a request earns
FLOOR = 10.0  # retries a second that are always there; Finagle's minimum
MOST = 100.0  # retries that can be saved up
HEDGES = 0.05  # hedges that a request earns


class RetryBudget:
    """
    requests  those that began since the last try: whoever begins one counts it here
    share     what a request earns;  floor: what a second earns

    clock: monotonic seconds;  saved: what is there at the beginning
    """

    def __init__(
        self, clock: Callable[[], float], *, share: float = SHARE, floor: float = FLOOR, saved: float = MOST
    ) -> None:
        self.requests = 0
        self.share = share
        self.floor = floor
        self._clock = clock
        self._saved = saved
        self._seen = clock()

    def spend(self) -> bool:
        """Take one retry; False when there is none left."""
        now = self._clock()
        earned = self.requests * self.share + (now - self._seen) * self.floor
        self._saved = min(MOST, self._saved + earned)
        self._seen, self.requests = now, 0
        if self._saved < 1:
            return False
        self._saved -= 1
        return True
