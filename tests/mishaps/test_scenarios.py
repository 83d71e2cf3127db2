"""The sixteen scenarios of Failover Bench, the public crash test of LLM gateways, with its own criteria.

Told again from its catalogue (github.com/failoverbench/failoverbench, scenarios/catalogue.yaml and METHODOLOGY.md, v0.1,
2026-09): what the provider does, what is required, what is advised, and how a verdict follows.  "pass" is a whole answer
with every criterion kept; "partial", "safe" and "fail" are what they are there.  Its minutes are twentieths here, the
hint of S01 excepted; S15 in full length stands in routing/test_simulation.py.

The gateway runs with its defaults but for `resume` (S08, S09, S10, S14: a stream that broke off is continued) and
`past_filters = false` (S13: a content filter's refusal is the answer).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import openai
import pytest

from mishaps.plays import reset
from server.running import Gateway, gateway
from server.upstream import Script, Upstream, Visit
from server.wire import LAST, STREAM, answer, chunk

pytestmark = pytest.mark.xdist_group("mishaps")

SPEED = 20.0
TEXT = (
    "A gateway earns trust slowly, one broken stream at a time: it waits when it is told to wait, it asks elsewhere when "
    "nobody answers, it never calls half a sentence an answer, and when all doors are shut it says so plainly, at once, in "
    "words that a program understands, so that whoever asked can decide."
)
WORDS = tuple(TEXT.split())

SETTINGS = """
[timeouts]
first = 1.0
idle = 1.0
[retry]
past_filters = false
[routing]
resume = true
[routing.breaker]
first = 0.05
most = 0.2
"""


def event(model: str, *, usage: bool = False, **choice: Any) -> bytes:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1790000000, "model": model}
    counts = {"prompt_tokens": 21, "completion_tokens": 60, "total_tokens": 81}
    body = head | ({"choices": [], "usage": counts} if usage else {"choices": [{"index": 0} | choice]})
    return b"data: " + json.dumps(body).encode() + b"\n\n"


async def says(visit: Visit, words: tuple[str, ...] = WORDS, lead: str = "", done: bool = True) -> None:
    """A stream of words with its end."""
    await begins(visit, words, lead)
    end = event(visit.model, delta={}, finish_reason="stop") + event(visit.model, usage=True)
    await visit.write(chunk(end + (b"data: [DONE]\n\n" if done else b"")) + LAST)


async def begins(visit: Visit, words: tuple[str, ...], lead: str = "") -> None:
    """A stream of words, without an end."""
    await visit.write(
        STREAM + chunk(event(visit.model, delta={"role": "assistant", "content": ""}, finish_reason=None))
    )
    for number, word in enumerate(words):
        text = f" {word}" if number else lead + word
        await visit.write(chunk(event(visit.model, delta={"content": text}, finish_reason=None)))
        await asyncio.sleep(0.001)


async def healthy(visit: Visit) -> None:
    """Answers; a turn that is begun for it, it completes."""
    last = visit.asked["messages"][-1]
    begun = last["content"].rstrip() if last["role"] == "assistant" else ""
    if begun and TEXT.startswith(begun):
        await says(visit, tuple(TEXT[len(begun) :].split()), " ")
    else:
        await says(visit)


async def no_prefill(visit: Visit) -> None:
    """Refuses a turn that is begun for it."""
    if visit.asked["messages"][-1]["role"] == "assistant":
        await visit.write(refused(400, "invalid_prefill", "This model does not support assistant message prefill."))
    else:
        await says(visit)


def refused(status: int, code: str, message: str, *headers: str) -> bytes:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return answer(status, json.dumps({"error": error}).encode(), *headers)


def refuses(status: int, code: str, message: str, *headers: str, times: int = 1000) -> Script:
    async def script(visit: Visit) -> None:
        if visit.turn < times:
            await visit.write(refused(status, code, message, *headers))
        else:
            await healthy(visit)

    return script


async def reset_once(visit: Visit) -> None:
    if visit.turn:
        await healthy(visit)
    else:
        reset(visit)


async def slow_first(visit: Visit) -> None:
    await visit.write(STREAM)
    await asyncio.sleep(3)
    await says(visit)


async def cut(visit: Visit) -> None:
    await begins(visit, WORDS[:40])
    visit.writer.close()


async def stalls(visit: Visit) -> None:
    await begins(visit, WORDS[:20])
    await visit.until_gone()


async def malformed(visit: Visit) -> None:
    await begins(visit, WORDS[:10])
    await visit.write(chunk(b'data: {"id": "chatcmpl-1", "choices": [{"delta": {"content": \n\n'))
    for word in WORDS[10:]:
        await visit.write(chunk(event(visit.model, delta={"content": f" {word}"}, finish_reason=None)))
    await visit.write(chunk(event(visit.model, delta={}, finish_reason="stop") + b"data: [DONE]\n\n") + LAST)


async def without_done(visit: Visit) -> None:
    await says(visit, done=False)


@dataclass
class Call:
    """One call: what its client got, and when who was asked."""

    text: str = ""
    error: Exception | None = None
    model: str = ""
    usage: Any = None
    seconds: float = 0.0
    primary: list[Visit] = field(default_factory=list)
    fallback: list[Visit] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        return self.error is None and self.text == TEXT

    @property
    def gap(self) -> float:
        return self.primary[1].came - self.primary[0].came if len(self.primary) > 1 else 0.0

    def within(self, seconds: float) -> int:
        return sum(visit.came - self.primary[0].came < seconds for visit in self.primary)


Check = Callable[[Call], bool]


def asked(least: int = 0, most: int = 1000) -> Check:
    return lambda call: least <= len(call.primary) <= most


def quick(seconds: float) -> Check:
    return lambda call: call.seconds <= seconds


@dataclass(frozen=True)
class Scenario:
    """required: without them it is "fail";  advised: without them "partial";  rescue: whether an answer is the ideal."""

    name: str
    script: Script
    required: tuple[Check, ...] = ()
    advised: tuple[Check, ...] = ()
    fallback: Script = healthy
    rescue: bool = True
    most: float = 8.0  # seconds until it counts as a hang


BUSY_503 = refuses(503, "overloaded", "The engine is currently overloaded. Please try again later.")
SCENARIOS = (
    Scenario(
        "S01 429 with Retry-After",
        refuses(429, "rate_limit_exceeded", "Please retry after 2 seconds.", "retry-after: 2", times=1),
        (lambda call: call.within(1.5) <= 2,),
        (asked(least=2), lambda call: call.gap >= 1.8),
    ),
    Scenario(
        "S02 429 for good",
        refuses(429, "rate_limit_exceeded", "Rate limit reached."),
        (asked(most=6), lambda call: call.within(3) <= 4),
    ),
    Scenario("S03 500 once", refuses(500, "server_error", "An error.", times=1), (), (asked(least=2),)),
    Scenario("S04 503 for good", BUSY_503, (asked(most=6),)),
    Scenario("S05 reset before the head", reset_once),
    Scenario("S06 no response", Visit.until_gone, (quick(100 / SPEED),), (asked(most=1),)),
    Scenario("S07 slow first token", slow_first, (), (quick(2.5),)),
    Scenario("S08 stream cut", cut),
    Scenario("S09 stream stalls", stalls, (quick(5.0),)),
    Scenario("S10 malformed chunk", malformed, (), (lambda call: call.complete,)),
    Scenario("S11 no [DONE]", without_done, (quick(8.0),), (lambda call: call.usage is not None,)),
    Scenario(
        "S12 context length",
        refuses(400, "context_length_exceeded", "This model's maximum context length is 8192 tokens."),
        (asked(1, 1),),
    ),
    Scenario(
        "S13 content filter",
        refuses(400, "content_policy_violation", "Your request was rejected as a result of our safety system."),
        (asked(1, 1), lambda call: "safety system" in str(call.error)),
        rescue=False,
    ),
    Scenario(
        "S14 fallback rejects prefill",
        cut,
        (lambda call: call.error is None or "prefill" not in str(call.error),),
        fallback=no_prefill,
    ),
    Scenario(
        "S16 accounting",
        BUSY_503,
        (asked(most=6), lambda call: not call.fallback or "well" in call.model),
        (lambda call: call.usage is not None,),
    ),
)


class Bench:
    """A gateway with a provider for every scenario, and one that is well."""

    def __init__(self, upstream: Upstream, running: Gateway) -> None:
        self.upstream = upstream
        self.running = running
        self.sdk = openai.OpenAI(base_url=f"{running.url}/v1", api_key="any", max_retries=0, timeout=10)

    def call(self, model: str, then: str = "") -> Call:
        """One streamed request."""
        self.upstream.visits.clear()
        call, began = Call(), time.monotonic()
        messages: Any = [{"role": "user", "content": "Explain in exactly sixty words why a gateway earns trust."}]
        more: Any = {"extra_body": {"models": [model, then]}} if then else {}
        usage: Any = {"include_usage": True}
        try:
            for part in self.sdk.chat.completions.create(
                model=model, messages=messages, stream=True, stream_options=usage, **more
            ):
                call.text += "".join(choice.delta.content or "" for choice in part.choices)
                call.model, call.usage = part.model, part.usage or call.usage
        except openai.OpenAIError as error:
            call.error = error
        call.seconds = time.monotonic() - began
        call.primary = [visit for visit in self.upstream.visits if visit.model == model.partition("/")[2]]
        call.fallback = [visit for visit in self.upstream.visits if visit.model == then.partition("/")[2]]
        return call


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Upstream().running() as upstream:
        names = [scenario.name[:3].lower() for scenario in SCENARIOS] + ["s15", "well"]
        text = "".join(
            f'[providers.{name}]\nauth = {{ kind = "api_key", key = "k" }}\n[[providers.{name}.endpoints]]\n'
            f'protocol = "openai_chat"\nbase_url = "{upstream.url}/v1"\n'
            for name in names
        )
        with gateway(tmp_path_factory.mktemp("bench"), SETTINGS + text) as running:
            yield Bench(upstream, running)


def verdict(scenario: Scenario, call: Call) -> str:
    """As the methodology has it."""
    if call.seconds > scenario.most:
        return "fail: a hang"
    if call.error is None and not call.complete and scenario.rescue:
        return f"fail: {call.text!r} passed for an answer"
    if not all(check(call) for check in scenario.required):
        return "fail: a criterion"
    if scenario.rescue and call.error is not None:
        return f"safe: {call.error}"
    if not scenario.rescue and call.error is None:
        return "partial: the refusal was passed by"
    return "pass" if all(check(call) for check in scenario.advised) else "partial"


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name.replace(" ", "-"))
def test_scenario(scenario: Scenario, bench: Bench) -> None:
    """Passes, and the gateway serves a healthy request after it."""
    name = scenario.name[:3].lower()
    bench.upstream.play(scenario.script, f"{name}-primary")
    bench.upstream.play(scenario.fallback, f"{name}-well")
    call = bench.call(f"{name}/{name}-primary", f"well/{name}-well")
    assert verdict(scenario, call) == "pass", (call, len(call.primary), len(call.fallback))
    bench.upstream.play(healthy, "ok")
    assert bench.call("well/ok").complete


def test_s15_the_primary_flaps(bench: Bench) -> None:
    """An outage of "60 s", a request every "4 s": each is answered, the primary is spared meanwhile and serves again
    soon after."""
    outage, gap = 60 / SPEED, 4 / SPEED
    began = time.monotonic()

    async def flaps(visit: Visit) -> None:
        await (BUSY_503 if time.monotonic() - began < outage else healthy)(visit)

    bench.upstream.play(flaps, "s15-primary")
    bench.upstream.play(healthy, "s15-well")
    calls = []
    for number in range(20):
        time.sleep(max(0.0, began + number * gap - time.monotonic()))
        calls.append(bench.call("s15/s15-primary", "well/s15-well"))
    assert all(call.complete for call in calls)
    during = [visit for call in calls for visit in call.primary if visit.came - began < outage]
    assert len(during) <= 20, len(during)  # asked once more by a few of 15; in full length they are twelve in all
    back = [visit.came - began - outage for call in calls for visit in call.primary if visit.came - began >= outage]
    assert back and back[0] <= 30 / SPEED
    assert "primary" in calls[-1].model
