"""The places in which the comparison's own table does not work, each a test: here they work.

The numbers are those of the comparison's list (4.8).  10 and 17, where keys and logins are found, stand in tests/auth;
18 and 19, the slots and aliases of profiles, in tests/server/test_profiles.py.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from hexapla.config import Config
from hexapla.errors import ClientError, Kind
from hexapla.routing.patience import Timers
from hexapla.server.keys import KeyRing
from providers.clients import CHAT, MESSAGES, TOOLS, answered, ask, error_in, understood
from providers.facts import VENDORS
from providers.fake import GOOD_KEY, Fake
from providers.house import FALLBACK, QUICK, Heard, House
from providers.script import INPUT, OUTPUT, TEXT, THOUGHT

Ask = Callable[..., Heard]
DEEPSEEK, ANTHROPIC = "deepseek/deepseek-flash", "anthropic/claude-sonnet-4-5"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture
def asked(loop: asyncio.Runner, house: House, fakes: dict[str, Fake]) -> Ask:
    """Ask the gateway in the Messages dialect."""
    house.forgive()
    return lambda body, **more: loop.run(house.ask(MESSAGES, body, **more))


def with_standby(loop: asyncio.Runner, standby: House, model: str, scene: str) -> Heard:
    """A Messages client's answer from a gateway in which another model stands behind every vendor's."""
    standby.forgive()
    return loop.run(standby.ask(MESSAGES, ask(MESSAGES, model, scene)))


@pytest.mark.parametrize(("stream", "method"), [(False, "rawPredict"), (True, "streamRawPredict")])
def test_place_1_vertex(asked: Ask, fakes: dict[str, Fake], stream: bool, method: str) -> None:
    """Claude on Vertex AI: the model in the URL, a Bearer token, the version in the body."""
    model = VENDORS["vertex_anthropic"].rows[0].model
    answer = asked(ask(MESSAGES, f"vertex_anthropic/{model}", "plain", stream=stream))
    assert understood(MESSAGES, answer.body, stream=stream).text == TEXT
    visit = fakes["vertex_anthropic"].visits[-1]
    assert visit.path.endswith(f"/publishers/anthropic/models/{model}:{method}")
    assert visit.headers["authorization"] == f"Bearer {GOOD_KEY}" and "x-api-key" not in visit.headers
    assert visit.body["anthropic_version"] == "vertex-2023-10-16" and "model" not in visit.body


@pytest.mark.parametrize("failure", ["overload", "failure", "rate"])
def test_place_2_failures_of_the_same_dialect(loop: asyncio.Runner, standby: House, failure: str) -> None:
    """529, 500 and 429 of an Anthropic endpoint are failures: counted, and answered by the next model."""
    answer = with_standby(loop, standby, ANTHROPIC, f"refuse-{failure}")
    assert answer.status == 200 and answer.headers["x-hexapla-provider"] == "demo"
    first, second = standby.record(answer).attempts
    assert (first.provider, first.outcome != "ok", second.provider, second.outcome) == ("anthropic", True, "demo", "ok")


@pytest.mark.parametrize("failure", ["rate", "billing"])
def test_place_3_money_and_limits(loop: asyncio.Runner, standby: House, failure: str) -> None:
    """429 and 402 on a translated path are answered by the next model."""
    answer = with_standby(loop, standby, DEEPSEEK, f"refuse-{failure}")
    assert answer.status == 200 and answer.headers["x-hexapla-provider"] == "demo"


def test_place_4_a_backup_is_asked_as_itself(loop: asyncio.Runner, fakes: dict[str, Fake]) -> None:
    """The model that stands in hears its own name, in its own dialect, with its own login."""
    pair = {name: fakes[name] for name in ("deepseek", "vertex_anthropic")}
    backup = f"vertex_anthropic/{VENDORS['vertex_anthropic'].rows[0].model}"

    async def run() -> Heard:
        own = House(pair, f'{QUICK}[chains]\n"{DEEPSEEK}" = ["{backup}"]\n')
        fakes["deepseek"].bad_keys[GOOD_KEY] = "overload"
        answer = await own.ask(CHAT, ask(CHAT, DEEPSEEK, "plain"))
        await own.aclose()
        return answer

    answer = loop.run(run())
    assert understood(CHAT, answer.body, stream=False).text == TEXT
    visit = fakes["vertex_anthropic"].visits[-1]
    assert f"/{VENDORS['vertex_anthropic'].rows[0].model}:rawPredict" in visit.path
    assert visit.key == GOOD_KEY


def test_place_5_how_a_stream_ends(asked: Ask, fakes: dict[str, Fake]) -> None:
    """tool_use after calls, the true counts (asked for where that is needed), the name of the model that served."""
    body = ask(MESSAGES, "openai/gpt-4o", "calls", stream=True, tools=True)
    for model in ("cerebras/llama-3.3-70b", "dashscope/qwen-plus", "openai/gpt-4o"):
        said = understood(MESSAGES, asked(body | {"model": model}).body, stream=True)
        assert said.stop == "tool_use"
        assert (said.usage["input"], said.usage["output"]) == (INPUT, OUTPUT)
        assert said.model == model.partition("/")[2]
    assert fakes["dashscope"].visits[-1].body["stream"]
    assert fakes["cerebras"].visits[-1].body["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("model", [DEEPSEEK, ANTHROPIC, "openai/gpt-4o", "gemini/gemini-2.5-flash"])
def test_place_6_characters_in_pieces(asked: Ask, model: str) -> None:
    """A stream that comes byte by byte loses no umlaut, no Chinese and no emoji."""
    answer = asked(ask(MESSAGES, model, "drip", stream=True))
    assert understood(MESSAGES, answer.body, stream=True).text == TEXT


def test_place_7_interleaved_calls(asked: Ask, fakes: dict[str, Fake]) -> None:
    """Two calls whose pieces alternate are told apart, and so are their results."""
    body = ask(MESSAGES, DEEPSEEK, "calls", stream=True, tools=True)
    for model in ("openrouter/openai/gpt-4o", "vllm/meta-llama/Llama-3.1-8B-Instruct", DEEPSEEK):
        body = body | {"model": model}
        said = understood(MESSAGES, asked(body).body, stream=True)
        assert [json.loads(call.arguments)["city"] for call in said.calls] == ["Zürich", "東京"]
        again = understood(MESSAGES, asked(answered(MESSAGES, body, said, ["21°", "18°"])).body, stream=True)
        assert again.text == "The tools said: 21° | 18°"


def everything(model: str) -> dict[str, Any]:
    """A Messages request with all that is usually lost."""
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    linked = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    result = [{"type": "text", "text": "no such city"}, image]
    call = {"type": "tool_use", "id": "toolu_01", "name": "get_weather", "input": {"city": "X", "days": 1}}
    marked = {"type": "text", "text": "scene=plain", "cache_control": {"type": "ephemeral"}}
    return {
        "model": model,
        "max_tokens": 100,
        "stop_sequences": ["END"],
        "top_k": 5,
        "metadata": {"user_id": "u-1"},
        "tools": [TOOLS[MESSAGES]],
        "messages": [
            {"role": "user", "content": [marked, linked]},
            {"role": "assistant", "content": [call]},
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "toolu_01", "is_error": True, "content": result}],
            },
        ],
    }


def test_place_8_nothing_is_dropped(asked: Ask, fakes: dict[str, Fake]) -> None:
    """What can be said in another dialect is said there, and what cannot is named."""
    answer = asked(everything("openrouter/openai/gpt-4o"), headers={"anthropic-beta": "context-1m-2025-08-07"})
    assert answer.status == 200
    asked_in_messages = fakes["openrouter"].visits[-1]
    assert asked_in_messages.headers["anthropic-beta"] == "context-1m-2025-08-07"
    assert asked_in_messages.body == everything("openai/gpt-4o")

    answer = asked(everything("qwen_subscription/qwen3-coder-plus"))
    sent = fakes["qwen_subscription"].visits[-1].body
    user, assistant, tool, moved = sent["messages"]
    assert sent["stop"] == ["END"] and sent["top_k"] == 5
    assert user["content"][0]["cache_control"] == {"type": "ephemeral"}
    assert user["content"][1]["image_url"] == {"url": "https://example.com/a.png"}
    assert assistant["tool_calls"][0]["id"] == tool["tool_call_id"]
    assert tool["content"] == "Error: no such city"
    assert moved["content"][-1]["image_url"] == {"url": f"data:image/png;base64,{PIXEL}"}
    assert "metadata" in answer.headers["x-hexapla-losses"] or "user" in answer.headers["x-hexapla-losses"]


def test_place_8_thought_is_kept(asked: Ask, fakes: dict[str, Fake]) -> None:
    """reasoning_content reaches a Messages client as a thinking block and goes back as what it was."""
    think = {"thinking": {"type": "enabled", "budget_tokens": 2048}}
    body = ask(MESSAGES, "", "think-calls", tools=True, **think)
    for model, vendor in (("groq/openai/gpt-oss-120b", "groq"), ("volcano_ark/doubao-seed-1-6-250615", "volcano_ark")):
        body = body | {"model": model}
        said = understood(MESSAGES, asked(body).body, stream=False)
        assert said.thought == THOUGHT
        assert asked(answered(MESSAGES, body, said, ["21°"])).status == 200
        field = VENDORS[vendor].doors[0].wire.reasoning
        assert fakes[vendor].visits[-1].body["messages"][1][field] == THOUGHT


@pytest.mark.parametrize("model", ["groq/openai/gpt-oss-120b", "cerebras/gpt-oss-120b"])
def test_place_8_thought_under_another_name(
    loop: asyncio.Runner, house: House, fakes: dict[str, Fake], model: str
) -> None:
    """LiteLLM and the AI SDK read `reasoning` and bring back `reasoning_content`, LiteLLM with a field of its own."""
    house.forgive()
    body = ask(CHAT, model, "think-calls", tools=True, reasoning_effort="high")
    said = understood(CHAT, loop.run(house.ask(CHAT, body)).body, stream=False)
    (turn,) = said.turn
    assert turn.pop("reasoning") == THOUGHT
    turn |= {"reasoning_content": THOUGHT, "provider_specific_fields": {"reasoning": THOUGHT}}
    answer = loop.run(house.ask(CHAT, answered(CHAT, body, said, ["21°"])))
    assert answer.status == 200, answer.body
    sent = fakes[model.partition("/")[0]].visits[-1].body["messages"][1]
    assert sent["reasoning"] == THOUGHT and sent.keys() <= {"role", "content", "tool_calls", "reasoning"}


@pytest.mark.parametrize(
    "model", ["mistral/mistral-large-latest", "groq/llama-3.3-70b-versatile", "cerebras/llama-3.3-70b"]
)
def test_place_8_thought_for_who_takes_none(
    loop: asyncio.Runner, house: House, fakes: dict[str, Fake], model: str
) -> None:
    """crush, Qwen Code and others bring a turn's thought to whatever model comes next, and these call it forbidden."""
    house.forgive()
    body = ask(CHAT, model, "plain")
    brought = {"reasoning_content": THOUGHT, "reasoning": THOUGHT, "provider_specific_fields": {"x": 1}}
    turn = {"role": "assistant", "content": "Yes.", "reasoning_details": [{"type": "reasoning.text", "text": THOUGHT}]}
    messages = [*body["messages"], turn | brought, *body["messages"]]
    answer = loop.run(house.ask(CHAT, body | {"messages": messages, "provider": {"require_parameters": True}}))
    assert answer.status == 200, answer.body
    sent = fakes[model.partition("/")[0]].visits[-1].body["messages"][1]
    assert sent == {"role": "assistant", "content": "Yes."}


def test_place_9_tokens_are_counted(asked: Ask) -> None:
    """Claude Code's meter works with any vendor; an estimate is called one."""
    answer = asked(ask(MESSAGES, DEEPSEEK, "plain"), path="/v1/messages/count_tokens")
    assert answer.status == 200
    counted = json.loads(answer.body)
    assert counted["input_tokens"] > 0 and counted["estimated"] is True


@pytest.mark.parametrize("name", ["天气预报" * 20, "погода_в_городе" * 8, "naïve " * 20])
def test_place_11_names_of_tools_in_any_script(asked: Ask, fakes: dict[str, Fake], name: str) -> None:
    """A long name with letters beyond ASCII is shortened for the vendor and restored for the client."""
    body = ask(MESSAGES, "together/meta-llama/Llama-3.3-70B-Instruct-Turbo", "plain")
    body["tools"] = [TOOLS[MESSAGES] | {"name": name}]
    body["tool_choice"] = {"type": "tool", "name": name}
    assert asked(body).status == 200
    sent = fakes["together"].visits[-1].body
    short = sent["tools"][0]["function"]["name"]
    assert len(short) <= 64 and short.isascii()
    assert sent["tool_choice"]["function"]["name"] == short


def test_place_12_tokens_and_money_are_booked(asked: Ask, house: House) -> None:
    """The ledger has the true counts and what they cost."""
    record = house.record(asked(ask(MESSAGES, ANTHROPIC, "plain", stream=True)))
    assert (record.usage.input, record.usage.output) == (INPUT, OUTPUT)
    assert record.cost is not None and record.cost.nanos > 0 and not record.estimated


def test_place_12_the_port_is_guarded() -> None:
    """With a key configured nobody is served without it."""
    ring = KeyRing(Config(keys=("team-key",)).key_names())
    with pytest.raises(ClientError) as refused:
        ring.name([])
    assert refused.value.kind is Kind.CLIENT_AUTH
    assert ring.name([(b"x-api-key", b"team-key")])


def test_place_13_long_streams(loop: asyncio.Runner, house: House, fakes: dict[str, Fake]) -> None:
    """No default ends a stream that makes progress within five minutes, and one that breaks off says so."""
    assert Timers().total > 300 and Timers().total > Timers().progress >= 300
    house.forgive()
    answer = loop.run(house.ask(MESSAGES, ask(MESSAGES, DEEPSEEK, "cut", stream=True)))
    assert error_in(MESSAGES, answer.body)


def test_place_14_long_histories(asked: Ask, fakes: dict[str, Fake]) -> None:
    """A history of blocks, however long, is sent whole: nothing is summed up, so nothing is lost in a summary."""
    history: list[dict[str, Any]] = []
    for turn in range(150):
        blocks = [{"type": "text", "text": f"What was said in turn {turn}, in several words."}]
        history += [{"role": "user", "content": blocks}, {"role": "assistant", "content": blocks}]
    body = ask(MESSAGES, "groq/openai/gpt-oss-120b", "plain")
    assert asked(body | {"messages": [*history, *body["messages"]]}).status == 200
    sent = json.dumps(fakes["groq"].visits[-1].body)
    assert all(sent.count(f"What was said in turn {turn},") == 2 for turn in range(150))


def test_place_15_one_probe(loop: asyncio.Runner, fakes: dict[str, Fake]) -> None:
    """An endpoint that was left alone is asked by exactly one request, however many come at once; others go elsewhere."""
    breaker = "[routing.breaker]\nrow = 2\nfirst = 0.05\nmost = 0.05\n"

    async def run() -> int:
        own = House({"deepseek": fakes["deepseek"]}, f'{QUICK}{breaker}[chains]\n"{DEEPSEEK}" = ["{FALLBACK}"]\n')
        for _ in range(2):
            await own.ask(CHAT, ask(CHAT, DEEPSEEK, "refuse-failure"))
        fakes["deepseek"].visits.clear()
        fakes["deepseek"].arrived.clear()
        await asyncio.sleep(0.06)
        stalled = [asyncio.create_task(own.ask(CHAT, ask(CHAT, DEEPSEEK, "wait"))) for _ in range(5)]
        await asyncio.wait_for(fakes["deepseek"].arrived.wait(), 5)
        served, _ = await asyncio.wait(stalled, timeout=5, return_when=asyncio.FIRST_COMPLETED)
        assert {task.result().headers["x-hexapla-provider"] for task in served} == {"demo"}
        seen = len(fakes["deepseek"].visits)
        for task in stalled:
            task.cancel()
        await asyncio.gather(*stalled, return_exceptions=True)
        await own.aclose()
        return seen

    assert loop.run(run()) == 1


def test_place_16_bedrock(asked: Ask, fakes: dict[str, Fake]) -> None:
    """Bedrock's Claude through a LiteLLM proxy is asked in its own dialect, so that thought and marks stay."""
    body = ask(
        MESSAGES, "bedrock_litellm/claude-sonnet-4", "think", thinking={"type": "enabled", "budget_tokens": 1024}
    )
    said = understood(MESSAGES, asked(body).body, stream=False)
    assert said.thought == THOUGHT
    assert fakes["bedrock_litellm"].visits[-1].path == "/v1/messages"
