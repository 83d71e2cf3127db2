"""A deterministic world for exchanges: scripted endpoints, virtual time, seeded chance, no I/O.

A world has three endpoints, each of its own protocol, a clock, a bench and breakers, as the engine keeps them; a number of
requests go through it one after the other.  Everything that happens is drawn from one seed, so a failing seed can be
played again.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from random import Random
from typing import Any

from faults import FAULTS
from msgspec.structs import replace
from playbook import candidate
from scripted import NEVER, Script

from hexapla.catalog.schema import Endpoint
from hexapla.errors import GatewayError, Kind, UpstreamError
from hexapla.ir.content import Origin
from hexapla.ir.target import Target
from hexapla.protocols.base import Reply
from hexapla.routing.bench import Bench
from hexapla.routing.budget import RetryBudget
from hexapla.routing.candidate import Candidate
from hexapla.routing.commands import (
    Call,
    Chunk,
    Command,
    End,
    Expired,
    Fact,
    Failed,
    Finish,
    Forward,
    Head,
    Note,
    Receive,
    Send,
    Sleep,
    Tried,
)
from hexapla.routing.exchange import Exchange, Outcome
from hexapla.routing.health import Health
from hexapla.routing.patience import Timers
from hexapla.routing.retry import RetryPolicy
from hexapla.translate.open import Translation
from hexapla.translate.peek import peek
from server.wire import CHAT, DIALECTS, MESSAGES, TERMINATORS, ask

TIMERS = Timers(first=20.0, idle=20.0, progress=60.0, total=300.0)
RETRY = RetryPolicy()
LEAVES = 0.03  # how often a client leaves at some step


def offered(protocol: str) -> Candidate:
    """An endpoint that speaks `protocol`, asked with a key."""
    name = f"u-{protocol}"
    return replace(
        candidate(name),
        endpoint=Endpoint(protocol=protocol, base_url=f"http://{name}.example/v1"),  # type: ignore[arg-type]
        target=Target(origin=Origin(protocol, name), model="m"),
        credential="key",
        timers=TIMERS,
        track=name,
    )


@dataclass
class Attempt:
    """One call of an endpoint: when, which fault it played, and what has been heard of it."""

    candidate: Candidate
    at: float
    fault: str
    script: Script
    place: int = 0


@dataclass
class Run:
    """One request's story."""

    protocol: str
    stream: bool
    began: float
    attempts: list[Attempt] = field(default_factory=list)
    notes: list[Tried] = field(default_factory=list)
    heard: bytes = b""
    finished: int = 0
    left: bool = False
    outcome: Outcome | None = None
    ended: float = 0.0
    exchange: Exchange | None = None

    @property
    def serving(self) -> Attempt | None:
        return self.attempts[-1] if self.attempts else None


class World:
    """Endpoints that fail in the ways of FAULTS."""

    def __init__(self, seed: int, gap: float = 3.0) -> None:
        self.gap = gap  # seconds between two requests, at the most
        self.chance = Random(seed)
        self.now = 1000.0
        self.offers = [offered(protocol) for protocol in DIALECTS]
        self.chance.shuffle(self.offers)
        self.health = Health()
        self.bench = Bench()
        self.retries = RetryBudget(lambda: self.now)
        self.sick = {offer.provider.id: self.chance.random() for offer in self.offers}  # how often each one fails

    def request(self) -> Run:
        """One client's request, from its beginning to its end."""
        self.now += self.chance.random() * self.gap
        chance = self.chance
        run = Run(chance.choice(DIALECTS), chance.random() < 0.7, self.now)
        peeked = peek(run.protocol, ask(run.protocol, "m", stream=run.stream))
        translation = Translation(peeked, Reply(id="gen-1", created=1, model="m", include_usage=True))
        self.retries.earn()

        def open_call(chosen: Candidate) -> Call:
            return Call(lane=translation.open(chosen.target, chosen.quirks), request=chosen)

        run.exchange = exchange = Exchange(
            self.bench.choose(self.offers, self.now),
            open_call,
            translation.tell,
            stream=run.stream,
            retry=RETRY,
            clock=lambda: self.now,
            chance=chance.random,
            admit=self._admit,
            may_retry=self.retries.spend,
        )
        self._drive(run, exchange)
        run.ended = self.now
        return run

    def _admit(self, chosen: Candidate, forced: bool) -> GatewayError | float:
        if forced or self.health.admit(chosen.track, self.now):
            self.health.began(chosen.track)
            return 0.0
        return UpstreamError(Kind.OVERLOADED, "left alone", retryable=False)

    def _drive(self, run: Run, exchange: Exchange) -> None:
        steps = exchange.run()
        fact: Fact = None
        leaves_at = self.chance.randrange(1, 12) if self.chance.random() < LEAVES else 0
        try:
            while True:
                command = steps.send(fact)
                leaves_at -= 1
                if leaves_at == 0:
                    run.left = True
                    steps.close()
                    if exchange.asking is not None:
                        self.health.left(exchange.asking.track)
                    return
                fact = self._fact(run, command)
        except StopIteration as stop:
            run.outcome = stop.value

    def _fact(self, run: Run, command: Command) -> Fact:
        if isinstance(command, Send):
            return self._send(run, command)
        if isinstance(command, Receive):
            return self._receive(run, command)
        if isinstance(command, Sleep):
            self.now += command.seconds
        elif isinstance(command, Forward | Finish):
            run.heard += command.data
            run.finished += isinstance(command, Finish)
        elif isinstance(command, Note):
            run.notes.append(command.tried)
            self.bench.heard(command.tried.candidate, command.tried.error, command.tried.ended)
            self.health.over(command.tried.candidate.track, command.tried.ended, command.tried.error)
        return None

    def _send(self, run: Run, command: Send) -> Fact:
        chosen = command.request
        assert isinstance(chosen, Candidate)
        again = [each for each in run.attempts if each.candidate is chosen and each.script.once]
        ill = not again and self.chance.random() < self.sick[chosen.provider.id]
        fault = self.chance.choice(list(FAULTS)) if ill else "F00 fine"
        script = FAULTS[fault](chosen.endpoint.protocol, run.stream, self.chance)
        run.attempts.append(Attempt(chosen, self.now, fault, script))
        if not self._passes(script.after, command.deadline):
            return Expired()
        return Failed(script.failure) if script.failure else Head(script.status, script.headers)

    def _receive(self, run: Run, command: Receive) -> Fact:
        attempt = run.attempts[-1]
        script = attempt.script
        if attempt.place < len(script.body):
            seconds, data = script.body[attempt.place]
            if not self._passes(seconds, command.deadline):
                return Expired()
            attempt.place += 1
            return Chunk(data)
        if script.end == "hang":
            self._passes(NEVER, command.deadline)
            return Expired()
        return End() if script.end == "end" else Failed(UpstreamError(script.breaks, "it broke off"))

    def _passes(self, seconds: float, deadline: float) -> bool:
        """Let time pass, up to a deadline at the most."""
        if self.now + seconds > deadline:
            self.now = deadline
            return False
        self.now += seconds
        return True


# --- what a client makes of what it heard, without anything of ours ---------------------------------------------------


def succeeded(protocol: str, stream: bool, heard: bytes) -> bool:
    """Whether a client takes what it heard for a whole answer."""
    if stream:
        return TERMINATORS[protocol] in heard
    return b'"error":{' not in heard and bool(heard)


def refused(protocol: str, heard: bytes) -> int:
    """How many error events a client of a stream finds."""
    if protocol == CHAT:
        return len(re.findall(rb'^data: \{"error":', heard, re.MULTILINE))
    if protocol == MESSAGES:
        return heard.count(b"event: error\n")
    return heard.count(b"event: response.failed\n") + heard.count(b"event: error\n")


def text(protocol: str, stream: bool, heard: bytes) -> str:
    """The text that a client puts together."""
    if not stream:
        return _whole_text(protocol, json.loads(heard))
    events = [json.loads(line) for line in re.findall(rb"^data: (\{.*)$", heard, re.MULTILINE)]
    return "".join(_DELTA[protocol](event) for event in events)


def _whole_text(protocol: str, body: dict[str, Any]) -> str:
    if protocol == CHAT:
        return str(body["choices"][0]["message"]["content"])
    parts = body["content"] if protocol == MESSAGES else body["output"][0]["content"]
    return "".join(part["text"] for part in parts)


def _chat_delta(event: dict[str, Any]) -> str:
    return "".join(choice["delta"].get("content") or "" for choice in event.get("choices", ()))


_DELTA = {
    CHAT: _chat_delta,
    MESSAGES: lambda event: event.get("delta", {}).get("text", "") if event["type"] == "content_block_delta" else "",
    "openai_responses": lambda event: event["delta"] if event["type"] == "response.output_text.delta" else "",
}
