"""A deterministic world for exchanges: scripted endpoints, virtual time, seeded chance, no I/O.

A world has three endpoints, each of its own protocol, a clock, and what the engine knows of its traffic (bench, breakers,
limits); a number of requests go through it one after the other, some of them hedged, some of them continued.  Everything
that happens is drawn from one seed, so a failing seed can be played again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from faults import FAULTS
from msgspec.structs import replace
from playbook import candidate
from scripted import NEVER, SAYS, TEXT, Script

from hexapla.catalog.schema import Endpoint, Rate
from hexapla.config import RoutingConfig
from hexapla.engine.traffic import Planned, Traffic, place_of
from hexapla.errors import UpstreamError
from hexapla.ir.content import Origin
from hexapla.ir.target import Target
from hexapla.protocols.base import Reply
from hexapla.routing.budget import RetryBudget
from hexapla.routing.candidate import Candidate
from hexapla.routing.commands import (
    Adopt,
    Call,
    Chunk,
    Command,
    Drop,
    End,
    Expired,
    Fact,
    Failed,
    Finish,
    Forward,
    Head,
    Note,
    Of,
    Race,
    Receive,
    Send,
    Single,
    Sleep,
    Start,
    Tried,
)
from hexapla.routing.exchange import Exchange, Hedge, Outcome
from hexapla.routing.memory import Memory
from hexapla.routing.patience import Timers
from hexapla.routing.retry import RetryPolicy
from hexapla.translate.continuation import GO_ON
from hexapla.translate.open import Translation
from hexapla.translate.peek import peek
from hexapla.translate.resume import Telling
from server.wire import CHAT, DIALECTS, MESSAGES, TERMINATORS, ask

TIMERS = Timers(first=20.0, idle=20.0, progress=60.0, total=300.0)
RETRY = RetryPolicy()
HEDGES = 0.4  # how many hedges a request earns: many, to see many
LATE = 0.12  # seconds after which the first content is late; a sound endpoint needs about as long
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
    expected: str = TEXT  # the text that its client should have, when it is over


@dataclass
class Run:
    """One request's story.

    lines   the attempts whose answers are being heard: by their number in a race, None for the one outside of it
    racing  when each waiting command of a race has its fact
    alone   everybody's key sat out when it began
    server  who told the client something last;  servers: how many attempts did
    """

    protocol: str
    stream: bool
    began: float
    alone: bool = False
    hedges: bool = False
    resumes: bool = False
    attempts: list[Attempt] = field(default_factory=list)
    lines: dict[int | None, Attempt] = field(default_factory=dict)
    racing: dict[int, tuple[float, Single]] = field(default_factory=dict)
    notes: list[Tried] = field(default_factory=list)
    server: Attempt | None = None
    servers: int = 0
    heard: bytes = b""
    finished: int = 0
    left: bool = False
    outcome: Outcome | None = None
    spoke: float = 0.0  # when the client first heard content
    ended: float = 0.0


class World:
    """Endpoints that fail in the ways of FAULTS.  Unless it is `plain`, there are limits, hedges and continuations."""

    def __init__(self, seed: int, gap: float = 3.0, *, plain: bool = False) -> None:
        self.plain = plain
        self.hedging = 0.0 if plain else 0.3  # how many requests may be hedged
        self.late: Callable[[Candidate], float | None] = lambda candidate: LATE
        self.gap = gap  # seconds between two requests, at the most
        self.chance = Random(seed)
        self.pours = Random(seed)  # whether the driver passes chunks on itself, which must make no difference
        self.now = 1000.0
        self.offers = [offered(protocol) for protocol in DIALECTS]
        self.chance.shuffle(self.offers)
        self.traffic = Traffic(RoutingConfig(), lambda: self.now, lambda: self.now)
        self.health, self.bench = self.traffic.health, self.traffic.bench
        self.retries = RetryBudget(lambda: self.now)
        self.hedges = RetryBudget(lambda: self.now, share=HEDGES, floor=0.0, saved=0.0)
        self.memory = Memory()
        self.hedged = 0
        self.asked: list[tuple[str, float]] = []  # who was called when
        self.sick = {offer.provider.id: self.chance.random() for offer in self.offers}  # how often each one fails
        self.limit = 0 if plain else self.chance.choice([0, 0, 3, 10])  # requests a minute, of every key
        for offer in self.offers if self.limit else ():
            self.traffic.limits.state(place_of(offer), Rate(rpm=self.limit))

    def request(self) -> Run:
        """One client's request, from its beginning to its end."""
        self.now += self.chance.random() * self.gap
        chance = self.chance
        run = Run(chance.choice(DIALECTS), chance.random() < 0.7, self.now)
        run.alone = all(self.bench.until(offer, self.now) > self.now for offer in self.offers)
        run.hedges = chance.random() < self.hedging
        if not self.plain:
            run.resumes = chance.random() < 0.5
        peeked = peek(run.protocol, ask(run.protocol, "m", stream=run.stream))
        reply = Reply(id="gen-1", created=1, model="m", include_usage=True)
        translation = Translation(peeked, reply, telling=Telling(marks=True) if run.resumes else None)
        self.retries.requests += 1
        self.hedges.requests += 1

        def open_call(chosen: Candidate) -> Call:
            lane = translation.open(chosen.target, chosen.quirks)
            return Call(lane=lane, request=(chosen, lane.body))

        plan = Planned(candidates=self.bench.choose(self.offers, self.now))
        exchange = Exchange(
            plan.candidates,
            open_call,
            translation.tell,
            stream=run.stream,
            retry=RETRY,
            clock=lambda: self.now,
            chance=chance.random,
            admit=lambda candidate, forced: self.traffic.admit(candidate, plan.load, forced=forced),
            may_retry=self.retries.spend,
            hedge=Hedge(after=self.late, may=self._may_hedge) if run.hedges else None,
            memory=self.memory,
        )
        self._drive(run, exchange, plan)
        run.ended = self.now
        return run

    def _may_hedge(self) -> bool:
        may = self.hedges.spend()
        self.hedged += may
        return may

    def _drive(self, run: Run, exchange: Exchange, plan: Planned) -> None:
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
                    for asked in exchange.asking:
                        self.traffic.left(asked)
                    return
                fact = self._fact(run, command, plan)
        except StopIteration as stop:
            run.outcome = stop.value

    def _fact(self, run: Run, command: Command, plan: Planned) -> Fact:
        if isinstance(command, Receive) and command.pour is not None and self.pours.random() < 0.5:
            return self._poured(run, command, command.pour)
        if isinstance(command, Send | Receive | Sleep):
            self.now, fact = self._due(run, None, command)
            return fact
        if isinstance(command, Race):
            return self._race(run, command)
        if isinstance(command, Start):
            run.servers += 1
            run.spoke = run.spoke or self.now
            run.server = run.lines[None]
        elif isinstance(command, Forward | Finish):
            run.heard += command.data
            run.finished += isinstance(command, Finish)
        elif isinstance(command, Adopt):
            run.lines[None] = run.lines.pop(command.number)
            assert not run.racing, "the loser still runs"
        elif isinstance(command, Drop):
            run.lines.pop(command.number, None)
            if command.number is not None:
                run.racing.pop(command.number, None)
        elif isinstance(command, Note):
            run.notes.append(command.tried)
            self.traffic.heard(command.tried, plan)
        return None

    def _poured(self, run: Run, command: Receive, pour: Callable[[bytes], bytes | None]) -> Fact:
        """What a driver hands over that passes chunks on itself."""
        while True:
            self.now, fact = self._due(run, None, command)
            out = pour(fact.data) if isinstance(fact, Chunk) else None
            if out is None:
                return fact
            run.heard += out
            assert command.again is not None
            command = Receive(command.again(), command.beat, pour, command.again)

    def _race(self, run: Run, command: Race) -> Fact:
        """The fact that comes first."""
        for number, wait in command.waits.items():
            if number not in run.racing:
                assert isinstance(wait, Send | Receive | Sleep)
                run.racing[number] = self._due(run, number, wait)
        first = min(command.waits, key=lambda number: run.racing[number][0])
        if run.racing[first][0] > command.until:
            self.now = max(self.now, command.until)
            return Expired()
        when, fact = run.racing.pop(first)
        self.now = max(self.now, when)
        return Of(first, fact)

    def _due(self, run: Run, number: int | None, command: Send | Receive | Sleep) -> tuple[float, Single]:
        """When the command has its fact, and which."""
        if isinstance(command, Sleep):
            return self.now + command.seconds, None
        seconds, fact = self._sent(run, number, command) if isinstance(command, Send) else self._next(run.lines[number])
        if self.now + seconds > command.deadline:
            return max(self.now, command.deadline), Expired()
        return self.now + seconds, fact

    def _sent(self, run: Run, number: int | None, command: Send) -> tuple[float, Single]:
        assert isinstance(command.request, tuple)
        chosen, body = command.request
        again = [each for each in run.attempts if each.candidate is chosen and each.script.once]
        ill = not again and self.chance.random() < self.sick[chosen.provider.id]
        fault = self.chance.choice(list(FAULTS)) if ill else "F00 fine"
        heard = text(run.protocol, True, run.heard) if run.servers else ""
        told, rest = remainder(body, heard)
        repeated = self.chance.choice([0, 0, 5, 9]) if GO_ON[:20].encode() in body and len(told) >= 10 else 0
        token = SAYS.set(told[len(told) - repeated :] + rest)
        script = FAULTS[fault](chosen.endpoint.protocol, run.stream, self.chance)
        SAYS.reset(token)
        expected = told + rest if script.text == TEXT else heard + script.text
        run.lines[number] = Attempt(chosen, self.now, fault, script, expected=expected)
        run.attempts.append(run.lines[number])
        self.asked.append((chosen.provider.id, self.now))
        return script.after, Failed(script.failure) if script.failure else Head(script.status, script.headers)

    def _next(self, attempt: Attempt) -> tuple[float, Single]:
        script = attempt.script
        if attempt.place < len(script.body):
            seconds, data = script.body[attempt.place]
            attempt.place += 1  # a piece that comes too late is never asked for again
            return seconds, Chunk(data)
        if script.end == "hang":
            return NEVER, End()
        return 0.0, End() if script.end == "end" else Failed(UpstreamError(script.breaks, "it broke off"))


def remainder(body: bytes, heard: str) -> tuple[str, str]:
    """What was said of an answer according to a request, and what a model says after it."""
    asked = json.loads(body)
    all_turns = asked.get("messages") or asked["input"]
    turns = [turn for turn in all_turns if isinstance(turn, dict) and turn.get("role") == "assistant"]
    if not turns:
        return "", TEXT
    content = turns[-1]["content"]
    told = content if isinstance(content, str) else "".join(part["text"] for part in content)
    assert told == heard.rstrip(), "what was said is passed on"
    return told, TEXT[len(told) :] if TEXT.startswith(told) else " And so on."


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


def used(protocol: str, heard: bytes) -> int:
    """The output tokens that a client of a stream is told of."""
    events = [json.loads(line) for line in re.findall(rb"^data: (\{.*)$", heard, re.MULTILINE)]
    usages = [event.get("usage") or (event.get("response") or {}).get("usage") for event in events]
    last = [usage for usage in usages if usage][-1]
    return int(last["completion_tokens" if protocol == CHAT else "output_tokens"])
