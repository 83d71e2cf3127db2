"""Ten thousand schedules of faults, and what must hold in every one of them.

HEXAPLA_SEED=N plays one world again.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest
from faults import FAULTS
from simulator import RETRY, TIMERS, Run, World, refused, succeeded, text

from hexapla.errors import Kind
from server.wire import CHAT

WORLDS = 500
REQUESTS = 20
SEEDS = [int(os.environ["HEXAPLA_SEED"])] if "HEXAPLA_SEED" in os.environ else list(range(WORLDS))


def check(run: Run, world: World) -> None:
    """The promises of one request."""
    if run.left:
        assert len(run.notes) >= len(run.attempts) - 1
        return
    assert run.outcome is not None
    _check_attempts(run)
    if run.outcome.error is None:
        _check_success(run)
    else:
        _check_failure(run)


def _check_attempts(run: Run) -> None:
    """Every attempt is noted, none comes too late or too often."""
    assert [note.candidate.provider.id for note in run.notes] == [each.candidate.provider.id for each in run.attempts]
    assert all(each.at < run.began + TIMERS.total for each in run.attempts)
    assert run.ended <= run.began + TIMERS.total + 1
    often = Counter(each.candidate.provider.id for each in run.attempts)
    assert all(count <= 1 + RETRY.retries for count in often.values())


def _check_success(run: Run) -> None:
    """Only a whole answer is one: the client has its terminator once, all of its text, and its usage is known."""
    serving = run.serving
    assert serving is not None
    assert serving.script.good, f"{serving.fault} passed for a success"
    assert run.finished == 1
    assert succeeded(run.protocol, run.stream, run.heard)
    assert text(run.protocol, run.stream, run.heard) == serving.script.text
    if run.stream:
        assert refused(run.protocol, run.heard) == 0
        assert run.heard.count(b"data: [DONE]") <= 1
    assert run.outcome is not None
    assert run.outcome.lane is not None
    usage = run.outcome.lane.summary.usage
    streamed = not serving.script.body[0][1].startswith(b"{")
    known = serving.script.counted and (
        serving.candidate.endpoint.protocol != CHAT or not streamed
    )  # the fake's Chat streams have no usage
    assert not known or (usage is not None and usage.input == 3)


def _check_failure(run: Run) -> None:
    """The client hears of it, once: as an HTTP error when it has heard nothing, else as its dialect's own event."""
    assert run.outcome is not None
    assert run.outcome.error is not None
    if not run.outcome.started:
        assert run.heard == b""
        assert run.finished == 0
        return
    assert run.finished == 1
    assert not succeeded(run.protocol, run.stream, run.heard)
    assert refused(run.protocol, run.heard) == 1


@pytest.mark.slow
def test_no_schedule_breaks_a_promise() -> None:
    """Exactly one terminal event, no false success, no attempt beyond budget or deadline, all attempts recorded."""
    played: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    for seed in SEEDS:
        world = World(seed)
        for number in range(REQUESTS):
            run = world.request()
            played.update(each.fault for each in run.attempts)
            ends[_end(run)] += 1
            try:
                check(run, world)
            except AssertionError as broken:
                raise AssertionError(f"seed {seed}, request {number}: {_story(run)}") from broken
    if len(SEEDS) > 1:
        assert set(played) == set(FAULTS), "every fault was played"
        assert ends["ok"] > 1000
        assert ends["left"] > 50


def _end(run: Run) -> str:
    if run.left:
        return "left"
    assert run.outcome is not None
    return "ok" if run.outcome.error is None else run.outcome.error.kind


def _story(run: Run) -> str:
    tried = ", ".join(f"{each.candidate.provider.id} {each.fault}" for each in run.attempts)
    return f"{run.protocol} {'stream' if run.stream else 'whole'}; {tried}; {_end(run)}; heard {run.heard[-300:]!r}"


def test_a_benched_key_is_not_asked() -> None:
    """A key that was refused sits out in every later request of its world, until its term is over."""
    refusals = 0
    for seed in range(80):
        world = World(seed)
        until: dict[str, float] = {}
        for _ in range(REQUESTS):
            run = world.request()
            spared = [each for each in run.attempts if until.get(each.candidate.provider.id, 0.0) > run.began]
            assert not spared or all(term > run.began for term in _terms(until, world)), seed
            for note in run.notes:
                if note.error is not None and note.error.kind is Kind.UPSTREAM_AUTH:
                    until[note.candidate.provider.id] = note.ended + 299
                    refusals += 1
                elif note.error is None:
                    until.pop(note.candidate.provider.id, None)
    assert refusals > 10


def _terms(until: dict[str, float], world: World) -> list[float]:
    """When each endpoint of the world may be asked again: only when all sit out may one of them be asked."""
    return [world.bench.until(offer, world.now) for offer in world.offers]


def test_an_outage_of_everything_is_not_amplified() -> None:
    """When every endpoint is down, a request costs hardly more than one call, and its answer comes at once."""
    world = World(1, gap=0.2)
    for name in world.sick:
        world.sick[name] = 2.0
    original = dict(FAULTS)
    try:
        for name in FAULTS:
            FAULTS[name] = original["F28 broken"]
        runs = [world.request() for _ in range(300)]
    finally:
        FAULTS.update(original)
    later = runs[20:]
    assert sum(len(run.attempts) for run in later) / len(later) <= 1.2


def test_a_recovered_endpoint_serves_again_within_five_seconds() -> None:
    """The breaker lets a probe through soon, and the first success opens the door."""
    world = World(2)
    world.chance.seed(5)
    primary = world.offers[0]
    for offer in world.offers:
        world.sick[offer.provider.id] = 0.0
    original = dict(FAULTS)
    try:
        for name in FAULTS:
            FAULTS[name] = original["F28 broken"]
        world.sick[primary.provider.id] = 2.0
        for _ in range(40):
            world.request()
    finally:
        FAULTS.update(original)
    assert not world.health.admit(primary.track, world.now) or world.health.left(primary.track) is None
    world.sick[primary.provider.id] = 0.0
    healed = world.now
    while world.now < healed + 5:
        run = world.request()
        if run.serving is not None and run.serving.candidate.provider.id == primary.provider.id:
            break
    assert world.now < healed + 5
