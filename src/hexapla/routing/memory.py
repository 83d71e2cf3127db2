"""What all requests together may hold in memory, so that many large ones are an error for the last and not for all.

One number is kept: bytes, as they are estimated when something large arrives, and taken off when it is gone.  Whoever
comes when it is full is sent away at once; what runs goes on.

What counts:
- a request from its first byte to the end of its answer (server/turn.py, server/body.py);
- an answer that is collected before anything of it can be said, from its second piece on, and the bytes of a stream that
  is translated, of which more than one side remembers what was said (reception.py); of one that passes what lies
  somewhere before anything is said of it (flow.py);
- answers that are kept for `Idempotency-Key` (engine/sharing.py), which go first when it gets crowded;
- what a client leaves lying on its connection (server/http.py).

Rules of this file: pure; on the way of a plain request `held` is added to and taken from directly, since a call costs more
than the sum; whoever adds takes off the same again on every way out.
"""

from __future__ import annotations

from collections.abc import Callable

from hexapla.errors import GatewayError, Kind

WEIGHT = 4
"""Bytes of memory for a byte of a body: as it came, as it was read, as it is sent.  Measured: 2.1 where a request stays in
its dialect, 3.4 to 4.5 where it is translated (docs/measurements.md)."""

PIECE = 16
"""Bytes of a body that a piece of it counts as at least: one that waits for the rest takes some 60 bytes, however small."""

REQUEST = 32 * 1024
"""Bytes of memory for a request beside its body."""

SMALL = 1024 * 1024
"""Bytes up to which an answer may always be completed: few are larger."""

RETRY_AFTER = 1.0  # seconds


class CrowdedError(GatewayError):
    """There is no memory for this request now; another try makes sense in a moment, and nobody else need be asked."""

    def __init__(self) -> None:
        message = "The gateway has no memory left for this request; ask again in a moment (limits.memory_bytes)."
        super().__init__(Kind.OVERLOADED, message, retry_after=RETRY_AFTER, retryable=False)


class Memory:
    """The account.

    held   bytes that are taken;  limit: how many may be, infinity for no limit
    shed   how many requests were sent away
    """

    __slots__ = ("_relieves", "held", "limit", "shed")

    def __init__(self, limit: float = float("inf")) -> None:
        self.held = 0
        self.limit = limit
        self.shed = 0
        self._relieves: list[Callable[[], None]] = []

    def ask(self, relieves: Callable[[], None]) -> None:
        """Call `relieves` when it gets crowded, to let go of what nobody waits for."""
        self._relieves.append(relieves)

    def crowded(self, more: int = 0) -> bool:
        """Whether there is no room, for `more` bytes beside what is held, even when everybody gives what can be spared."""
        for relieves in self._relieves:
            if self.held + more <= self.limit:
                break
            relieves()
        return self.held + more > self.limit

    def refusal(self) -> CrowdedError:
        """The answer to a request that there is no room for."""
        self.shed += 1
        return CrowdedError()
