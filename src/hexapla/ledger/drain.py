"""Carries finished records from the journal into the store, in a thread.

A row costs SQLite some microseconds if a transaction has many, and a fraction of a millisecond if it has one, so rows
travel in batches: when 1024 wait, or half a second after the last batch (a fifth, where no file has them meanwhile).  A
store that fails is asked again later, ever less often; the journal keeps what it has not got.

Rules of this file: whoever pumps, pumps alone; nothing is settled before the store has it; failures are counted and
remembered, and raised only to a caller who asked.
"""

from __future__ import annotations

import contextlib
import threading
import time

from hexapla.errors import GatewayError
from hexapla.ledger.journal import Journal
from hexapla.ledger.store import Store

PAUSE, HASTE = 0.5, 0.2  # seconds between batches
_LONGEST_PAUSE = 5.0  # when the store fails
_BATCH = 256  # records that are read from files at once
_PRUNE_EVERY = 60.0  # seconds
_DAY = 86_400.0


class Drain:
    """Moves records while it lives.

    fault   why the store did not take the last batch; None if it did
    errors  failed batches so far
    """

    def __init__(
        self,
        journal: Journal,
        store: Store,
        retention_days: float | None = None,
        max_rows: int | None = None,
        pause: float = PAUSE,
    ) -> None:
        self.fault: GatewayError | None = None
        self.errors = 0
        self._journal = journal
        self._store = store
        self._retention = retention_days
        self._max_rows = max_rows
        self._pause = pause
        self._pumping = threading.Lock()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="hexapla-ledger-drain", daemon=True)
        self._thread.start()

    def pump(self, *, tail: bool = True) -> None:
        """Move everything that has ended; without the tail that came meanwhile, where memory has it: a row costs less in
        the next batch.  Raises the store's GatewayError."""
        with self._pumping:
            while (batch := self._journal.take(_BATCH)).positions or batch.rows:
                try:
                    self._store.put(batch.rows)
                except GatewayError as error:
                    self.fault = error
                    self.errors += 1
                    raise
                self._journal.settle(batch)
                if not tail and not batch.spilled and not self._journal.behind:
                    break
            self.fault = None

    def close(self) -> None:
        """Stop the thread.  What is left is moved by `pump`."""
        self._closing = True
        self._journal.wake.set()
        self._thread.join()

    def _run(self) -> None:
        pause, pruned = self._pause, 0.0
        while not self._closing:
            self._journal.wake.wait(pause)
            self._journal.wake.clear()
            self._journal.tend()
            try:
                self.pump(tail=False)
                pause = self._pause
                if time.monotonic() - pruned > _PRUNE_EVERY:
                    self.prune()
                    pruned = time.monotonic()
            except GatewayError:
                pause = self._rest(pause)

    def _rest(self, pause: float) -> float:
        """Let a failing store alone: full batches must not wake us for nothing."""
        until = time.monotonic() + pause
        while not self._closing and time.monotonic() < until:
            time.sleep(min(HASTE, pause))
            self._journal.tend()
        return min(pause * 2, _LONGEST_PAUSE)

    def prune(self) -> None:
        """Delete what is too old or too much, in small bites between which others may write."""
        before = None if self._retention is None else time.time() - self._retention * _DAY
        while not self._closing and self._store.prune(before=before, keep=self._max_rows):
            with contextlib.suppress(GatewayError):
                self.pump()
