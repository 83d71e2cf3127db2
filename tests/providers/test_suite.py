"""Every provider, asked in every client dialect."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from hexapla.errors import STATUS, Kind
from hexapla.ledger import Generation
from providers.clients import (
    CHAT,
    DIALECTS,
    EVERYTHING,
    MESSAGES,
    RESPONSES,
    THINKING,
    Said,
    answered,
    ask,
    error_in,
    error_of,
    numbers,
    understood,
)
from providers.facts import KINDS, ROWS, VENDORS, Door, Refusal
from providers.fake import GOOD_KEY, Fake, Visit
from providers.house import QUICK, Heard, House
from providers.script import CACHED, CITIES, INPUT, OUTPUT, REASONING, TEXT, THOUGHT, TOOL

STOPS = {
    CHAT: {"stop": "stop", "tool": "tool_calls", "length": "length"},
    RESPONSES: {"stop": "stop", "tool": "tool_calls", "length": "max_output_tokens"},
    MESSAGES: {"stop": "end_turn", "tool": "tool_use", "length": "max_tokens"},
}

every_row = pytest.mark.parametrize("name", ROWS)
with_tools = pytest.mark.parametrize("name", [name for name, (_, row) in ROWS.items() if row.tools != "no"])
thinking = pytest.mark.parametrize("name", [name for name, (_, row) in ROWS.items() if row.thinker])
thinking_with_tools = pytest.mark.parametrize(
    "name", [name for name, (_, row) in ROWS.items() if row.thinker and row.tools != "no"]
)
every_dialect = pytest.mark.parametrize("dialect", DIALECTS)
both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


class Talk:
    """One client of one dialect, speaking with one vendor through a gateway."""

    def __init__(self, loop: asyncio.Runner, house: House, name: str, dialect: str) -> None:
        provider, self.row = ROWS[name]
        self.fake = house.fakes[provider]
        self.vendor = self.fake.vendor
        self.dialect = dialect
        self._loop = loop
        self._house = house
        house.forgive()

    def body(self, scene: str, *, thinks: bool = False, **more: Any) -> dict[str, Any]:
        model = self.row.thinker if thinks else self.row.model
        more = (THINKING[self.dialect] if thinks else {}) | more
        return ask(self.dialect, f"{self.vendor.provider}/{model}", scene, **more)

    def send(self, body: dict[str, Any], **more: Any) -> Heard:
        return self._loop.run(self._house.ask(self.dialect, body, **more))

    def hear(self, body: dict[str, Any], stop: str = "stop") -> Said:
        """A successful answer that ends for the reason `stop`, as the client understands it."""
        answer = self.send(body)
        assert answer.status == 200, f"{answer.body.decode()} {self.last.judged} {json.dumps(self.last.body)}"
        said = understood(self.dialect, answer.body, stream=body["stream"])
        own = {} if answer.headers["x-hexapla-lane"] == "hub" else self.door.wire.stops
        assert said.stop == own.get(stop, STOPS[self.dialect][stop])  # what passes as received keeps its words
        return said

    def record(self, answer: Heard) -> Generation:
        """What the ledger says of an answer."""
        return self._house.record(answer)

    @property
    def last(self) -> Visit:
        """The last request that the vendor heard."""
        return self.fake.visits[-1]

    @property
    def door(self) -> Door:
        """The endpoint that answered last."""
        assert self.last.door is not None, self.last.path
        return self.last.door


@pytest.fixture
def talk(loop: asyncio.Runner, house: House, fakes: dict[str, Fake], name: str, dialect: str) -> Talk:
    return Talk(loop, house, name, dialect)


@every_row
@every_dialect
@both_ways
def test_words(talk: Talk, dialect: str, stream: bool) -> None:
    """Text, reason, model and counts arrive exactly."""
    said = talk.hear(talk.body("plain", stream=stream))
    assert said.text == TEXT
    assert said.model == talk.row.model
    assert not said.calls


@every_row
def test_events_are_numbered(loop: asyncio.Runner, house: House, fakes: dict[str, Fake], name: str) -> None:
    """The events of a Responses stream are counted from 0."""
    talk = Talk(loop, house, name, RESPONSES)
    found = numbers(talk.send(talk.body("plain", stream=True)).body)
    assert found == list(range(len(found)))


@every_row
@every_dialect
@both_ways
def test_counts(talk: Talk, dialect: str, stream: bool) -> None:
    """Tokens in and out, cached ones and thought, in the client's own arithmetic."""
    answer = talk.send(talk.body("plain", stream=stream))
    said = understood(dialect, answer.body, stream=stream)
    wire = talk.door.wire
    thought = 0 if talk.door.protocol == MESSAGES or "reasoning" in wire.unsaid else REASONING
    cached = 0 if "cached" in wire.unsaid else CACHED
    usage = talk.record(answer).usage
    assert (usage.input, usage.output, usage.cached or 0, usage.reasoning or 0) == (INPUT, OUTPUT, cached, thought)
    if answer.headers["x-hexapla-lane"] == "hub" or not wire.counts:
        shown = 0 if dialect == MESSAGES else thought  # Messages does not count thought apart
        assert said.usage == {"input": INPUT, "output": OUTPUT, "cached": cached, "reasoning": shown}


@with_tools
@every_dialect
@both_ways
def test_parallel_calls(talk: Talk, dialect: str, stream: bool) -> None:
    """Two calls, interleaved where the vendor can, arrive apart and whole; their results are told apart again."""
    body = talk.body("calls", stream=stream, tools=True)
    said = talk.hear(body, "tool")
    assert [call.name for call in said.calls] == [TOOL, TOOL]
    assert [json.loads(call.arguments) for call in said.calls] == [{"city": city, "days": 2} for city in CITIES]
    assert len({call.id for call in said.calls}) == 2
    again = talk.hear(answered(dialect, body, said, ["21°", "18°"]))
    assert again.text == "The tools said: 21° | 18°"
    assert talk.last.heard.calls == _ids(talk.door)


def _ids(door: Door) -> list[str]:
    """The ids that the vendor gave."""
    return ["0", "1"] if door.protocol == "gemini_generate" else list(door.wire.ids)


@thinking
@every_dialect
@both_ways
def test_thought(talk: Talk, dialect: str, stream: bool) -> None:
    """Readable thought arrives apart from the text."""
    said = talk.hear(talk.body("think", stream=stream, thinks=True))
    assert said.text == TEXT
    assert said.thought == (THOUGHT if _shows_thought(talk.door) else "")


def _shows_thought(door: Door) -> bool:
    return door.wire.reasoning not in ("", "signed_call")


@thinking_with_tools
@every_dialect
@both_ways
def test_thought_returns(talk: Talk, dialect: str, stream: bool) -> None:
    """A tool's result goes back with the thought that asked for it, in the form in which it came."""
    body = talk.body("think-calls", stream=stream, thinks=True, tools=True)
    said = talk.hear(body, "tool")
    assert len(said.calls) == 1
    again = talk.hear(answered(dialect, body, said, ["21°"]))
    assert again.text == "The tools said: 21°"
    if talk.door.wire.replay:
        assert talk.last.heard.thoughts == [THOUGHT]


MODELS = [(name, thinks) for name, (_, row) in ROWS.items() for thinks in (False, True) if row.thinker or not thinks]


@pytest.mark.parametrize(("name", "thinks"), MODELS)
@every_dialect
def test_every_parameter(talk: Talk, dialect: str, thinks: bool) -> None:
    """Whatever a program sets, the vendor is told nothing that it refuses."""
    body = talk.body("plain", thinks=thinks, stream=True, tools=talk.row.tools != "no")
    assert talk.hear(EVERYTHING[dialect] | body).text == TEXT


@every_row
@every_dialect
def test_length(talk: Talk, dialect: str) -> None:
    """An answer that was cut off says so."""
    assert TEXT.startswith(talk.hear(talk.body("length"), "length").text)


FAILURES = [(name, failure) for name, (provider, _) in ROWS.items() for failure in VENDORS[provider].refusals]


@pytest.mark.parametrize(("name", "failure"), FAILURES)
@every_dialect
@both_ways
def test_failures(talk: Talk, dialect: str, stream: bool, failure: str) -> None:
    """The vendor's complaint is understood, and told in the client's dialect with its own words and its hint."""
    answer = talk.send(talk.body(f"refuse-{failure}", stream=stream))
    told = talk.fake.refusal(talk.door, failure)
    assert not talk.last.judged
    assert talk.record(answer).attempts[-1].outcome == (told.kind or KINDS[failure])
    assert answer.status == _shown_status(talk, told, failure)
    assert answer.headers["x-should-retry"] == "false"
    error = error_of(dialect, answer.body)
    assert error["message"]
    wait = answer.headers.get("retry-after")
    assert wait == (None if told.wait is None else str(told.wait).removesuffix(".0"))


def _shown_status(talk: Talk, told: Refusal, failure: str) -> int:
    """The vendor's own status, but where it hid the failure in a 200, where a token was renewed in vain, and where the
    client's dialect has a word of its own."""
    kind = Kind(told.kind or KINDS[failure])
    renewed = failure == "auth" and talk.vendor.exchange is not None
    status = STATUS[kind] if renewed or told.status < 400 else told.status
    status = 503 if status in (498, 529) else status
    return 529 if talk.dialect == MESSAGES and status == 503 else status


@every_row
@every_dialect
@pytest.mark.parametrize("scene", ["broken", "cut"])
def test_a_stream_that_fails(talk: Talk, dialect: str, scene: str) -> None:
    """A failure in the middle, said or not, is the dialect's own error event and never a success."""
    answer = talk.send(talk.body(scene, stream=True))
    assert answer.status == 200
    assert error_in(dialect, answer.body)
    assert talk.record(answer).outcome != "ok"


@pytest.mark.parametrize(("name", "failure"), FAILURES)
def test_falling_back(loop: asyncio.Runner, standby: House, fakes: dict[str, Fake], name: str, failure: str) -> None:
    """Another model stands in, whatever the first one failed with: what one refuses, another may take."""
    talk = Talk(loop, standby, name, CHAT)
    answer = talk.send(talk.body(f"refuse-{failure}"))
    assert answer.status == 200
    assert answer.headers["x-hexapla-provider"] == "demo"


@every_row
@every_dialect
def test_leaving(talk: Talk, dialect: str, loop: asyncio.Runner) -> None:
    """A client that leaves in the middle frees the vendor at once."""
    talk.send(talk.body("stall", stream=True), leave_after="Grüß".encode())
    loop.run(asyncio.wait_for(talk.last.gone.wait(), 5))


BENCHES = ("auth", "billing", "rate", "permission")
KEYED = [(n, f) for n, f in FAILURES if f in BENCHES and n in VENDORS and VENDORS[n].doors[0].key]


@pytest.mark.parametrize(("name", "failure"), KEYED)
@every_dialect
def test_a_refused_key(loop: asyncio.Runner, fakes: dict[str, Fake], name: str, failure: str, dialect: str) -> None:
    """The next key serves the same request, and the first one is not asked again."""

    async def run() -> list[str]:
        own = House({name: fakes[name]}, QUICK, keys=("key-that-is-bad", GOOD_KEY))
        fakes[name].bad_keys["key-that-is-bad"] = failure
        body = ask(dialect, f"{name}/{VENDORS[name].rows[0].model}", "plain")
        for _ in range(2):
            answer = await own.ask(dialect, body)
            assert understood(dialect, answer.body, stream=False).text == TEXT
        await own.aclose()
        return [visit.key for visit in fakes[name].visits]

    assert loop.run(run()) == ["key-that-is-bad", GOOD_KEY, GOOD_KEY]
