"""Several requests, one upstream call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from hexapla.engine.client import Answer, Ask
from hexapla.engine.heads import plain_head
from hexapla.engine.sharing import KEPT, REPLAYED, SECONDS, Sharing
from hexapla.errors import ClientError
from hexapla.routing.memory import Memory
from hexapla.sdk.inbox import Inbox

ASK = Ask(protocol="openai_chat", body=b"{}", key="team", idempotency="k1")


class Upstream:
    """Answers when it is told to: `say` a piece, `end`, or fail with a status."""

    def __init__(self) -> None:
        self.calls = 0
        self.cancelled = 0
        self.now = 0.0
        self._orders: asyncio.Queue[Callable[[Answer], bool]] = asyncio.Queue()

    async def run(self, ask: Ask, answer: Answer) -> None:
        self.calls += 1
        try:
            while not (await self._orders.get())(answer):
                pass
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    def say(self, data: bytes, status: int = 200) -> None:
        def order(answer: Answer) -> bool:
            answer.start(status, plain_head("gen-1", ("x", "y")))
            answer.send(data)
            return False

        self._orders.put_nowait(order)

    def end(self, data: bytes = b"", status: int | None = None) -> None:
        def order(answer: Answer) -> bool:
            if status is not None:
                answer.start(status, plain_head("gen-1"))
            answer.finish(data)
            return True

        self._orders.put_nowait(order)


class Party:
    """An upstream with sharing in front of it."""

    def __init__(self) -> None:
        self.upstream = Upstream()
        self.memory = Memory()
        self.sharing = Sharing(self.upstream.run, lambda: self.upstream.now, self.memory)

    def ask(self, ask: Ask = ASK) -> tuple[Inbox, asyncio.Task[None]]:
        inbox = Inbox(0)
        task = asyncio.ensure_future(self.sharing.answer(ask, inbox))
        task.add_done_callback(lambda _: inbox.finish())  # also where it fails, so that nobody reads for ever
        return inbox, task


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def run(scene: Callable[[Party], object]) -> None:
    async def play() -> None:
        await scene(Party())  # type: ignore[misc]

    asyncio.run(play())


def test_a_repetition_hears_the_same_answer() -> None:
    """Later, and while it is still being said: from the beginning, marked as a repetition."""

    async def scene(party: Party) -> None:
        first, _ = party.ask()
        await settle()
        party.upstream.say(b"one ")
        await settle()
        second, _ = party.ask()
        await settle()
        party.upstream.end(b"two")
        assert await first.read() == await second.read() == b"one two"
        third, _ = party.ask()
        assert await third.read() == b"one two"
        assert party.upstream.calls == 1
        assert [REPLAYED[0] in inbox.headers for inbox in (first, second, third)] == [False, True, True]

    run(scene)


def test_another_body_under_the_same_key_is_refused() -> None:
    """422, and nothing is sent; other clients and other dialects have keys of their own."""

    async def scene(party: Party) -> None:
        party.ask()
        await settle()
        _, task = party.ask(replace(ASK, body=b'{"other":1}'))
        with pytest.raises(ClientError) as caught:
            await task
        assert caught.value.status == 422
        assert party.upstream.calls == 1
        for other in (replace(ASK, key="somebody"), replace(ASK, protocol="anthropic_messages")):
            party.ask(other)
        await settle()
        assert party.upstream.calls == 3

    run(scene)


def test_a_failure_is_not_kept() -> None:
    """Whoever tries again gets another try."""

    async def scene(party: Party) -> None:
        first, _ = party.ask()
        party.upstream.end(b"no", status=503)
        assert await first.read() == b"no"
        await settle()
        second, _ = party.ask()
        party.upstream.end(b"yes", status=200)
        assert await second.read() == b"yes"
        assert party.upstream.calls == 2

    run(scene)


def test_the_call_goes_on_while_somebody_listens() -> None:
    """The first one leaves, the second one hears all; when the last one leaves the call ends."""

    async def scene(party: Party) -> None:
        _, first = party.ask()
        await settle()
        second, listening = party.ask()
        await settle()
        first.cancel()
        await settle()
        assert not party.upstream.cancelled
        party.upstream.say(b"still here")
        await settle()
        listening.cancel()
        await settle()
        assert party.upstream.cancelled == 1
        assert second.status == 200
        party.ask()
        await settle()
        assert party.upstream.calls == 2

    run(scene)


def test_same_requests_at_once_share_only_while_they_run() -> None:
    """Without a key nothing is kept: the next one asks again."""

    async def scene(party: Party) -> None:
        same = replace(ASK, idempotency="")
        first, _ = party.ask(same)
        second, _ = party.ask(same)
        party.ask(replace(same, body=b'{"other":1}'))
        await settle()
        assert party.upstream.calls == 2
        party.upstream.end(b"a", status=200)
        assert await first.read() == await second.read() == b"a"
        await settle()
        party.ask(same)
        await settle()
        assert party.upstream.calls == 3

    run(scene)


def test_a_kept_answer_grows_old() -> None:
    """After a day the key is free again, and the number of kept answers is bounded."""

    async def scene(party: Party) -> None:
        for n in range(KEPT + 5):
            inbox, _ = party.ask(replace(ASK, idempotency=str(n)))
            party.upstream.end(b"x", status=200)
            await inbox.read()
        calls = party.upstream.calls
        party.ask(replace(ASK, idempotency="0"))
        await settle()
        assert party.upstream.calls == calls + 1
        party.upstream.now = SECONDS + 1
        party.ask(replace(ASK, idempotency=str(KEPT + 4)))
        await settle()
        assert party.upstream.calls == calls + 2

    run(scene)


def test_what_is_kept_is_in_the_account_until_it_is_gone() -> None:
    """A kept answer counts; it goes when the memory is needed, or when its time is over, and nothing stays."""

    async def scene(party: Party) -> None:
        memory = party.memory
        for name in ("k1", "k2"):
            party.ask(replace(ASK, idempotency=name))
            await settle()
            party.upstream.say(b"x" * 100)
            party.upstream.end(b"y" * 20)
            await settle()
        assert memory.held == 240
        memory.limit = 300
        assert not memory.crowded(60) and memory.held == 240
        assert not memory.crowded(200)
        assert memory.held == 0
        party.ask(replace(ASK, idempotency="k2"))
        await settle()
        assert party.upstream.calls == 3

    run(scene)


def test_an_answer_that_somebody_hears_stays_in_the_account() -> None:
    """Whoever needs the memory does not take it from those who listen; when they leave, it is given back."""

    async def scene(party: Party) -> None:
        memory = party.memory
        _, task = party.ask()
        await settle()
        party.upstream.say(b"x" * 100)
        await settle()
        memory.limit = 50
        assert memory.crowded() and memory.held == 100
        task.cancel()
        await settle()
        assert memory.held == 0 and party.upstream.cancelled == 1

    run(scene)


def test_a_refusal_is_in_the_account_no_longer_than_it_is_said() -> None:
    """An error is not kept, and neither is its room; nor is that of an answer whose time is over."""

    async def scene(party: Party) -> None:
        inbox, _ = party.ask()
        await settle()
        party.upstream.end(b"no", status=500)
        assert await inbox.read() == b"no"
        await settle()
        assert party.memory.held == 0
        party.ask()
        await settle()
        party.upstream.end(b"yes", status=200)
        await settle()
        assert party.memory.held == 3
        party.upstream.now = SECONDS + 1
        party.ask()
        await settle()
        assert party.memory.held == 0

    run(scene)
