"""One upstream call for several requests: the same idempotency key, or (where it is switched on) the same request at once.

A program that was cut off sends its request again under the same `Idempotency-Key` and gets the answer that the first one
got, also while that is still being said; another body under that key is refused.  The words and the status are those of
https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header-07 (2025-10).

    request --> a Recording under its key? --no--> a task answers into a new one
                     | yes                             |
                     '---- follow it from its beginning <'

Rules of this file: whoever asked first is a follower like all others, so the call goes on when he leaves, and ends when
nobody is left; only successes are kept; what is kept is bounded in number, size and time.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from functools import partial

import msgspec

from hexapla.engine.client import Answer, Ask
from hexapla.engine.heads import Head
from hexapla.errors import ClientError, Kind
from hexapla.routing.memory import Memory

KEPT = 1000  # answers
KEPT_BYTES = 64 * 1024 * 1024  # of all kept answers together
SECONDS = 24 * 3600.0  # how long an answer is kept
REPLAYED = ("idempotent-replayed", "true")

Run = Callable[[Ask, Answer], Awaitable[None]]


class Recording:
    """An answer that is being said, and everybody who listens to it.  It is the Answer of the one call."""

    full = False

    def __init__(self, digest: bytes, born: float, memory: Memory) -> None:
        self.digest = digest
        self.born = born
        self.kept = True  # whoever asks next finds it
        self.size = 0
        self._memory = memory
        self._held = 0  # of it
        self.status = 0
        self.over = False
        self.listeners = 0
        self.task: asyncio.Task[None] | None = None
        self._head: Head | None = None
        self._parts: list[bytes] = []
        self._last = b""
        self._more = asyncio.Event()

    def start(self, status: int, head: Head) -> None:
        self.status, self._head = status, head

    def send(self, data: bytes) -> bool:
        self._parts.append(data)
        self._grow(len(data))
        self._wake()
        return False

    def finish(self, data: bytes = b"") -> None:
        self._last = data
        self._grow(len(data))
        self.over = True
        self._wake()

    async def drain(self) -> None:
        return None

    async def follow(self, answer: Answer, *, again: bool) -> None:
        """Say everything to `answer`, from the beginning to the end.  `again`: it was not the first to ask."""
        place, begun = 0, False
        while True:
            while place < len(self._parts):
                begun = begun or self._begin(answer, again)
                full = answer.send(self._parts[place])
                place += 1
                if full:
                    await answer.drain()
            if self.over:
                break
            assert self.task is not None
            if self.task.done():
                return  # it broke off without a word: the server closes the connection
            await self._more.wait()
        if not begun:
            self._begin(answer, again)
        answer.finish(self._last)

    def _begin(self, answer: Answer, again: bool) -> bool:
        assert self._head is not None
        answer.start(self.status, self._head.and_more(REPLAYED) if again else self._head)
        return True

    def _wake(self) -> None:
        self._more.set()
        self._more = asyncio.Event()

    def close(self, task: asyncio.Task[None]) -> None:
        """The call's task is over."""
        self._wake()
        self.settle()

    def _grow(self, size: int) -> None:
        self.size += size
        self._held += size
        self._memory.held += size

    def settle(self) -> None:
        """Take it off the memory's account when nobody can hear it any more."""
        if not self.kept and not self.listeners and self.task is not None and self.task.done():
            self._memory.held -= self._held
            self._held = 0


class Sharing:
    """The recordings of one gateway.

    run     answers a request for real
    clock   monotonic seconds
    memory  what the answers take; those that are kept go when others need it
    """

    def __init__(self, run: Run, clock: Callable[[], float], memory: Memory) -> None:
        self._run = run
        self._clock = clock
        self._memory = memory
        self._recordings: dict[str, Recording] = {}
        memory.ask(partial(self._bound, 0))

    async def answer(self, ask: Ask, answer: Answer) -> None:
        """Answer `ask`, perhaps with what somebody else's request brings.  Raises ClientError for a key that is taken."""
        name, digest = _name(ask), _digest(ask)
        recording = self._recordings.get(name)
        if recording is not None and self._clock() - recording.born > SECONDS:
            self._forget(name, recording)
            recording = None
        if recording is not None and recording.digest != digest:
            raise ClientError(
                Kind.INVALID_REQUEST,
                "This Idempotency-Key was used for another request; use a new key for every new request.",
                status=422,
                param="idempotency-key",
            )
        again = recording is not None
        if recording is None:
            recording = self._record(name, digest, ask)
        await self._listen(name, recording, answer, again)

    async def _listen(self, name: str, recording: Recording, answer: Answer, again: bool) -> None:
        recording.listeners += 1
        try:
            await recording.follow(answer, again=again)
        finally:
            recording.listeners -= 1
            if not recording.over and not recording.listeners and recording.task is not None:
                recording.task.cancel()
                self._forget(name, recording)
            recording.settle()

    def _record(self, name: str, digest: bytes, ask: Ask) -> Recording:
        recording = Recording(digest, self._clock(), self._memory)
        self._recordings[name] = recording
        recording.task = asyncio.get_running_loop().create_task(self._play(name, recording, ask))
        recording.task.add_done_callback(recording.close)
        return recording

    async def _play(self, name: str, recording: Recording, ask: Ask) -> None:
        try:
            await self._run(ask, recording)
        finally:
            if not (recording.over and recording.status < 300 and ask.idempotency):
                self._forget(name, recording)
            self._bound()

    def _forget(self, name: str, recording: Recording) -> None:
        if self._recordings.get(name) is recording:
            del self._recordings[name]
            recording.kept = False
            recording.settle()

    def _bound(self, most: int = KEPT_BYTES) -> None:
        """Drop the oldest answers that nobody listens to, until the rest is within bounds."""
        done = [(name, each) for name, each in self._recordings.items() if each.over and not each.listeners]
        size = sum(each.size for _, each in done)
        for name, each in done:
            if len(self._recordings) <= KEPT and size <= most:
                return
            size -= each.size
            self._forget(name, each)


def _name(ask: Ask) -> str:
    """Whose recording it is: keys of different clients, dialects and profiles never meet; nor do languages without one."""
    what = ("key", ask.idempotency) if ask.idempotency else ("zh" if ask.chinese else "en", _digest(ask).hex())
    return "\0".join((ask.key, ask.protocol, ask.profile, *what))


def _digest(ask: Ask) -> bytes:
    """Everything that the answer depends on."""
    asked = (ask.model, ask.stream, ask.on_loss, ask.resume, ask.forward, ask.openrouter, ask.metadata)
    rest = msgspec.json.encode(asked)
    return hashlib.sha256(rest + ask.body).digest()
