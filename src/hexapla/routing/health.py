"""How endpoints have been doing: who is quick, who fails, and who should be left alone for a moment.

One `Track` for each endpoint and model holds what its last answers were like (time to the first content, tokens a second),
and a breaker.  Rankings read percentiles over the last five minutes; the breaker keeps requests away from an endpoint that
fails, lets exactly one through to see whether it is back, and never closes a door for long: when an endpoint recovers it
serves again within seconds.

    closed --failures in a row, or most of the latest--> open --time is over--> half-open: one probe
       ^-------------------------- it succeeds ------------------------------------'   | it fails: open, longer

Rules of this file: pure (`now` is an argument, monotonic seconds); what is a failure of the *endpoint* is in `COUNTS`,
failures of a credential are the bench's (bench.py); the cost of hearing of one answer is a few appends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from typing import Literal

import msgspec

from hexapla.errors import GatewayError, Kind

WINDOW = 300.0  # seconds that percentiles look back; OpenRouter's own window
OUTAGE = 30.0  # seconds after a failure in which an endpoint stands behind the others; OpenRouter's default balancing
SAMPLES = 200  # answers that are remembered for each endpoint
KEPT = 4096  # tracks; clients choose models, so the number is bounded
CALLS = 50  # answers with calls of tools that are remembered
LEAST_CALLS = 10  # such answers without which nothing is known
SAMPLED = 0.5  # seconds in which one of them is looked at in the long run, since reading costs
AT_ONCE = 40  # that may be looked at in a row
FLAWED = 600.0  # seconds after a flawed one in which the share of them counts: whoever is put back gets another chance
FRESH = 1.0  # seconds that a computed percentile may be used again
DECAY = 10.0  # seconds in which a peak of latency fades to a third

COUNTS = frozenset(
    {
        Kind.UPSTREAM_ERROR,
        Kind.UPSTREAM_CONNECT,
        Kind.UPSTREAM_TLS,
        Kind.UPSTREAM_PROTOCOL,
        Kind.UPSTREAM_EMPTY,
        Kind.UPSTREAM_TRUNCATED,
        Kind.OVERLOADED,
        Kind.TIMEOUT,
        Kind.EGRESS_PROXY,
    }
)
"""Failures that tell of the endpoint, not of the request or the key."""

NEVER = float("-inf")

Metric = Literal["latency", "throughput"]


class BreakerPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When the breaker opens and for how long.

    row      failures in a row that open it
    share    more than this share of failures among the latest `least` or more answers opens it as well
    first    seconds of the first closure; it doubles with every failed probe, up to `most`
    strict   when everybody is left alone nobody is asked; else one is, all the same
    """

    row: int = 5
    share: float = 0.5
    least: int = 20
    first: float = 1.0
    most: float = 4.0
    strict: bool = False


class Track:
    """One endpoint with one model: its latest answers and its breaker."""

    __slots__ = (
        "_cache",
        "_latest",
        "_peak",
        "_peaked",
        "_samples",
        "calls",
        "cause",
        "closures",
        "erred",
        "failed",
        "flawed",
        "heard",
        "opened",
        "probing",
        "row",
        "running",
    )

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float | None, float | None]] = deque(maxlen=SAMPLES)
        self._latest: deque[bool] = deque(maxlen=40)  # success or not
        self._cache: dict[tuple[Metric, float], tuple[float, float | None]] = {}
        self._peak = 0.0
        self._peaked = 0.0
        self.row = 0  # failures in a row
        self.failed = NEVER  # when it failed last without a success since
        self.erred = NEVER  # when it failed last, whatever happened since
        self.opened = 0.0  # until when nobody asks it; 0 while the breaker is closed
        self.cause: GatewayError | None = None  # the latest failure
        self.closures = 0  # how often it was opened in a row
        self.probing = False
        self.running = 0  # requests on their way
        self.calls: deque[bool] | None = None  # answers that call tools: flawed or not; None while there are none
        self.flawed = float("-inf")  # when the latest flawed one came
        self.heard = float("-inf")  # until when answers are spoken for, as far as they are looked at

    def close(self) -> None:
        """It is alive: let everybody in again."""
        self.row = self.closures = 0
        self.opened, self.probing = 0.0, False

    def answered(self, now: float, latency: float | None = None, throughput: float | None = None) -> None:
        """A request is over, and was served: seconds to the first content, tokens a second after it (None: not known)."""
        if self.running:
            self.running -= 1
        self._latest.append(True)
        if self.failed != NEVER:
            self.close()
            self.failed = NEVER
        self._samples.append((now, latency, throughput))
        if latency is not None:
            self._peak, self._peaked = max(latency, self.peak(now)), now

    def waited(self, now: float, latency: float) -> None:
        """It had no content for so long: without this, whoever is hedged would seem ever quicker."""
        self._samples.append((now, latency, None))
        self._peak, self._peaked = max(latency, self.peak(now)), now

    def failed_with(self, error: GatewayError, now: float, policy: BreakerPolicy) -> None:
        """It failed; the breaker may open."""
        self._latest.append(False)
        self.cause = error
        self.row += 1
        self.failed = self.erred = now
        if self.probing or self.row >= policy.row or self.error_rate(policy.least) > policy.share:
            self.probing = False
            self.opened = now + min(policy.most, policy.first * float(2 ** min(self.closures, 16)))
            self.closures += 1

    def error_rate(self, least: int = 1) -> float:
        """Share of failures among the latest answers; 0 while there are fewer than `least`."""
        count = len(self._latest)
        return self._latest.count(False) / count if count >= least else 0.0

    def failures(self, now: float, lately: float, least: int) -> float | None:
        """`error_rate`, as long as the last failure is not older than `lately`, 0 after that; None: too little is known."""
        if len(self._latest) < least:
            return None
        return self.error_rate() if now - self.erred < lately else 0.0

    def called(self, now: float, *, flawed: bool) -> None:
        """An answer called tools, rightly or not."""
        if self.calls is None:
            self.calls = deque(maxlen=CALLS)
        self.calls.append(flawed)
        if flawed:
            self.flawed = now

    def flaws(self, now: float) -> float | None:
        """Share of flawed answers among the latest that call tools, 0 when none of late is; None: too little is known."""
        if self.calls is None or len(self.calls) < LEAST_CALLS:
            return None
        return sum(self.calls) / len(self.calls) if now - self.flawed < FLAWED else 0.0

    @property
    def seen(self) -> int:
        """How many answers are remembered."""
        return len(self._samples)

    def peak(self, now: float) -> float:
        """Peak-EWMA of the latency: jumps up with a slow answer, fades with time."""
        return self._peak * float(2.718281828 ** (-(now - self._peaked) / DECAY)) if self._peak else 0.0

    def percentile(self, metric: Metric, share: float, now: float) -> float | None:
        """The value that `share` of the answers of the last five minutes kept to; None when there are none.

        For latency that is an upper bound (p99: 99 % were this quick), for throughput a lower one (p90: 90 % had this
        much), as OpenRouter reads its percentiles.
        """
        known = self._cache.get((metric, share))
        if known is not None and now - known[0] < FRESH:
            return known[1]
        place = 1 if metric == "latency" else 2
        values = sorted(s[place] for s in self._samples if s[place] is not None and now - s[0] <= WINDOW)  # type: ignore[type-var]
        value: float | None = None
        if values:
            rank = min(len(values) - 1, int(share * len(values)))
            value = values[rank] if metric == "latency" else values[len(values) - 1 - rank]
        self._cache[metric, share] = (now, value)
        return value


class _Tracks(dict[str, Track]):
    """Those of all endpoints: whoever is not known yet gets one, and the idle half that was made first goes when there are
    too many."""

    def __missing__(self, key: str) -> Track:
        if len(self) >= KEPT:
            idle = [key for key, track in self.items() if not track.running and not track.opened]
            for old in idle[: KEPT // 2] or list(self)[: KEPT // 2]:
                del self[old]
        track = self[key] = Track()
        return track


class Health:
    """The tracks of all endpoints.  Keys are `Candidate.track`.

    tracks  whoever serves is told of there, without a call in between
    """

    def __init__(self, policy: BreakerPolicy | None = None) -> None:
        self.policy = policy or BreakerPolicy()
        self.tracks = _Tracks()
        self._verdicts: dict[Hashable, tuple[float, frozenset[int]]] = {}  # and when they were found

    def track(self, key: str) -> Track | None:
        return self.tracks.get(key)

    def verdict(self, key: Hashable, now: float, find: Callable[[], frozenset[int]]) -> frozenset[int]:
        """What `find` says of the endpoints in `key`; it holds for a second, so that a request pays for one look."""
        found = self._verdicts.get(key)
        if found is None or not 0 <= now - found[0] < FRESH:
            if len(self._verdicts) >= KEPT:
                self._verdicts.clear()
            found = self._verdicts[key] = now, find()
        return found[1]

    def enter(self, key: str, now: float, *, forced: bool = False) -> bool:
        """A request wants to ask the endpoint now: count it, or say that it may not.

        In the half-open state one is let through: the probe.  `forced`: nobody else is there to be asked.
        """
        track = self.tracks[key]
        if track.opened and not forced:
            if now < track.opened or track.probing:
                return False
            track.probing = True
        track.running += 1
        return True

    def closed_for(self, key: str, now: float) -> float:
        """Seconds until the endpoint may be asked again; 0 when it may be asked now."""
        track = self.tracks.get(key)
        if track is None or not track.opened:
            return 0.0
        return max(0.0, track.opened - now) or (self.policy.first if track.probing else 0.0)

    def cause(self, key: str) -> GatewayError | None:
        """What the endpoint failed with last."""
        track = self.tracks.get(key)
        return track.cause if track is not None else None

    def out(self, key: str, now: float) -> bool:
        """Whether the endpoint failed within the last half minute and has not served since."""
        track = self.tracks.get(key)
        return track is not None and now - track.failed < OUTAGE

    def failed(self, key: str, now: float, error: GatewayError) -> None:
        """A request is over, and was not served."""
        track = self.tracks[key]
        track.running = max(0, track.running - 1)
        if error.kind in COUNTS:
            track.failed_with(error, now, self.policy)
        else:
            track.close()  # whoever refuses is alive

    def listens(self, key: str, now: float) -> bool:
        """Whether the next answer's calls of tools should be looked at: each of a few, and a sample of many."""
        track = self.tracks[key]
        ahead = max(track.heard, now) + SAMPLED
        if ahead - now > SAMPLED * AT_ONCE:
            return False
        track.heard = ahead
        return True

    def called(self, key: str, now: float, *, flawed: bool) -> None:
        """An answer called tools, rightly or not."""
        self.tracks[key].called(now, flawed=flawed)

    def flaws(self, key: str, now: float) -> float | None:
        """Share of flawed answers among those that call tools; None: too little is known."""
        track = self.tracks.get(key)
        return track.flaws(now) if track is not None else None

    def lost(self, key: str, now: float, waited: float) -> None:
        """A request was taken away because somebody else answered first: it says no more than how long it took at least."""
        self.left(key)
        self.tracks[key].waited(now, waited)

    def left(self, key: str) -> None:
        """The client of a request left before its end, which tells nothing: another one may probe."""
        track = self.tracks[key]
        track.running = max(0, track.running - 1)
        track.probing = False

    def load(self, key: str, now: float) -> float:
        """Peak-EWMA latency times requests on their way: whom to prefer among equals."""
        track = self.tracks.get(key)
        return track.peak(now) * (track.running + 1) if track is not None else 0.0

    def percentile(self, key: str, metric: Metric, share: float, now: float) -> float | None:
        track = self.tracks.get(key)
        return track.percentile(metric, share, now) if track is not None else None

    def error_rate(self, key: str) -> float:
        track = self.tracks.get(key)
        return track.error_rate() if track is not None else 0.0
