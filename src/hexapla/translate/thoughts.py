"""Thoughts for clients that cannot bring them back: what was thought before a turn's calls, for a while.

Chat has no field for the signature by which Claude knows its thought, nor for OpenAI's encrypted content or Gemini's
signatures; programs bring back the readable text, or nothing.  The call's id always comes back, so the thought is kept
under it until the tool's result comes (recalled.py says which thought, and for whom).

It is bounded by bytes and by time, lives in this process alone, and whatever has not been asked for longest goes first.

Rules of this file: pure; what is held is counted in an account that is the gateway's, on every way in and out.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import msgspec

from hexapla.ir.content import Origin, Reasoning

SECONDS = 3600.0  # that a thought is kept after it was last asked for: people answer a tool's question over lunch


class Key(NamedTuple):
    """Under which a turn is found: one of its calls, for whom it was made, and by whom.

    whose   name of the client's key: nobody finds another's
    origin  nobody else is told what it thought
    proof   "" where the id alone is proof enough
    """

    whose: str
    origin: Origin
    call_id: str
    proof: str


class Turn(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The thought of an assistant's turn.

    calls   their ids, in order
    model   that thought it
    first   what stood before all else;  before  before the call of that id;  last  after everything
    size    bytes, by estimate
    """

    keys: tuple[Key, ...]
    calls: tuple[str, ...]
    model: str
    first: tuple[Reasoning, ...] = ()
    before: Mapping[str, tuple[Reasoning, ...]] = {}
    last: tuple[Reasoning, ...] = ()
    size: int


class Account(Protocol):
    """Where bytes are counted."""

    held: int


class Thoughts:
    """The turns of one gateway.

    clock    monotonic seconds
    limit    bytes that they may take; 0 keeps nothing
    held     bytes that they take
    returned how many turns got their thought back
    """

    __slots__ = ("_account", "_clock", "_found", "_turns", "held", "limit", "returned")

    def __init__(self, clock: Callable[[], float], account: Account, limit: int) -> None:
        self._clock = clock
        self._account = account
        self._turns: OrderedDict[Turn, float] = OrderedDict()  # when each was last asked for, longest ago first
        self._found: dict[Key, Turn] = {}
        self.limit = limit
        self.held = 0
        self.returned = 0

    def keep(self, turn: Turn) -> None:
        """Keep a turn, in the place of any that was kept under one of its keys."""
        for key in turn.keys:
            former = self._found.get(key)
            if former is not None:
                self._drop(former)
        if turn.size > self.limit:
            return
        self._turns[turn] = self._clock()
        self._found |= dict.fromkeys(turn.keys, turn)
        self._count(turn.size)
        self.bound()

    def find(self, key: Key) -> Turn | None:
        """The turn that was kept under `key`, if it is still here."""
        turn, now = self._found.get(key), self._clock()
        if turn is None:
            return None
        if now - self._turns[turn] > SECONDS:
            self._drop(turn)
            return None
        self._turns[turn] = now
        self._turns.move_to_end(turn)
        return turn

    def bound(self) -> None:
        """Drop what is too old, and of the rest so much that it is within its limit."""
        now = self._clock()
        while self._turns:
            oldest, used = next(iter(self._turns.items()))
            if self.held <= self.limit and now - used <= SECONDS:
                return
            self._drop(oldest)

    def clear(self) -> None:
        """Drop everything."""
        for turn in tuple(self._turns):
            self._drop(turn)

    def _drop(self, turn: Turn) -> None:
        del self._turns[turn]
        for key in turn.keys:
            del self._found[key]
        self._count(-turn.size)

    def _count(self, size: int) -> None:
        self.held += size
        self._account.held += size
