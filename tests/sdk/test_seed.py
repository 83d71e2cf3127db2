"""A wrapper that people write around OpenRouter, as calls of the library: scenarios, fallback, retries, keys, tool loops.

The upstream is a raw server, so that every request that leaves can be looked at.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import hexapla
from hexapla.config import SCENARIOS
from hexapla.errors import ConfigError, GatewayError, Kind
from hexapla.ledger import Ledger
from server.running import SHORT, providers
from server.upstream import Upstream, Visit
from server.wire import CHAT, MESSAGES, OK, answer, refusal, whole


@pytest.fixture(scope="module")
def _upstream() -> Iterator[Upstream]:
    with Upstream().running() as upstream:
        yield upstream


@pytest.fixture
def upstream(_upstream: Upstream) -> Upstream:
    _upstream.visits.clear()
    return _upstream


@pytest.fixture
def place(upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration, which is the working directory."""
    text = '[ledger]\npath = "ledger.db"\n[retry]\nbase = 0.01\n' + providers(upstream.url)
    (tmp_path / "hexapla.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def client(place: Path) -> Iterator[hexapla.Client]:
    with hexapla.Client() as opened:
        yield opened


async def answers(visit: Visit) -> None:
    await visit.write(whole(visit.protocol))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenarios(scenario: str, upstream: Upstream, place: Path) -> None:
    """Each is a model of OpenRouter's, asked with the key that stands in `.env`."""
    (place / ".env").write_text("OPENROUTER_API_KEY=sk-or-from-dotenv\n# a comment\n")
    (place / "hexapla.toml").write_text(
        '[ledger]\npath = ":memory:"\n'
        f'[[providers.openrouter.endpoints]]\nprotocol = "{CHAT}"\nbase_url = "{upstream.url}/v1"\n'
    )
    upstream.play(answers, SCENARIOS[scenario].removeprefix("openrouter/"))
    with hexapla.Client(model="nobody/nothing") as client:
        assert client.chat("用一句话解释什么是 API", model=scenario) == "Hello."
    assert upstream.visits[0].headers["authorization"] == "Bearer sk-or-from-dotenv"


def test_parameters_travel(upstream: Upstream, client: hexapla.Client) -> None:
    """System prompt, temperature and limits arrive as they were given; Chinese stays Chinese."""
    model = f"u_chat/{upstream.play(answers)}"
    assert (
        client.chat("什么是 Transformer?", model=model, system="你是助手", temperature=0.7, max_tokens=4096) == "Hello."
    )
    asked = upstream.visits[0].asked
    assert asked["messages"] == [
        {"role": "system", "content": "你是助手"},
        {"role": "user", "content": "什么是 Transformer?"},
    ]
    assert (asked["temperature"], asked["max_tokens"]) == (0.7, 4096)


def test_videos_and_conversations_travel(upstream: Upstream, client: hexapla.Client) -> None:
    """A prompt may be a whole conversation, with whatever parts Chat knows."""
    said = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": [{"type": "video_url", "video_url": {"url": "https://example.com/video.mp4"}}]},
    ]
    client.chat(said, model=f"u_chat/{upstream.play(answers)}")
    assert upstream.visits[0].asked["messages"] == said


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_passing_failures_are_retried(status: int, upstream: Upstream, client: hexapla.Client) -> None:
    """One failure is not seen."""

    async def once(visit: Visit) -> None:
        failed = len(upstream.visits) == 1
        await visit.write(refusal(visit.protocol, status) if failed else whole(visit.protocol))

    assert client.chat("Hello!", model=f"u_chat/{upstream.play(once)}") == "Hello."
    assert len(upstream.visits) == 2


@pytest.mark.parametrize("status", [402, 403, 404, 429, 502, 503])
def test_fallback_models(status: int, upstream: Upstream, client: hexapla.Client) -> None:
    """Money, moderation, limits and outages all lead to the next model."""

    async def refuses(visit: Visit) -> None:
        await visit.write(refusal(visit.protocol, status, "retry-after: 3600"))

    good, bad = upstream.play(answers), upstream.play(refuses)
    said = client.chat("Hello", model=f"u_chat/{bad}", fallback_models=["nobody/nothing", f"u_msgs/{good}"])
    assert said == "Hello." and said.provider == "u_msgs"


def test_lasting_failures_are_errors(upstream: Upstream, client: hexapla.Client) -> None:
    """What no retry helps is raised with kind, status and hint."""

    async def refuses(visit: Visit) -> None:
        await visit.write(refusal(visit.protocol, 429, "retry-after: 3600"))

    with pytest.raises(GatewayError) as caught:
        client.chat("Hello", model=f"u_chat/{upstream.play(refuses)}")
    assert (caught.value.kind, caught.value.status, caught.value.retry_after) == (Kind.RATE_LIMIT, 429, 3600)


def test_streams_that_break_are_errors(upstream: Upstream, client: hexapla.Client) -> None:
    """Pieces that came are given out, then the error is raised: half an answer is never taken for a whole one."""

    async def breaks(visit: Visit) -> None:
        said = b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":"Hel"}}]}\n\n'
        await visit.write(OK + b"content-type: text/event-stream\r\n\r\n" + said)
        visit.writer.close()

    pieces: list[str] = []
    stream = client.chat_stream("Hello", model=f"u_chat/{upstream.play(breaks)}")
    with pytest.raises(GatewayError, match="before the answer was complete"):
        pieces.extend(stream)
    assert pieces == ["Hel"] and stream.answer is None


def weather(city: str) -> str:
    """Tell the weather."""
    return f"22 degrees in {city}"


def test_tool_loops_send_thought_back(upstream: Upstream, client: hexapla.Client) -> None:
    """A thinking model gets its thought back with its signature, before the call that it led to."""

    async def thinks(visit: Visit) -> None:
        if len(upstream.visits) == 2:
            await visit.write(whole(MESSAGES, "It is 22 degrees."))
            return
        content = [
            {"type": "thinking", "thinking": "I should look.", "signature": "c2lnbmVk"},
            {"type": "redacted_thinking", "data": "aGlkZGVu"},
            {"type": "text", "text": "Looking."},
            {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "北京"}},
        ]
        said = json.loads(whole(MESSAGES).partition(b"\r\n\r\n")[2]) | {"content": content, "stop_reason": "tool_use"}
        await visit.write(answer(200, json.dumps(said).encode()))

    model = f"u_msgs/{upstream.play(thinks)}"
    assert client.chat_with_tools("北京今天天气怎么样?", [weather], model=model) == "It is 22 degrees."
    turn, results = upstream.visits[1].asked["messages"][1:]
    kinds = [part["type"] for part in turn["content"]]
    assert kinds == ["thinking", "redacted_thinking", "text", "tool_use"]
    assert turn["content"][0]["signature"] == "c2lnbmVk" and turn["content"][1]["data"] == "aGlkZGVu"
    assert "22 degrees in 北京" in json.dumps(results, ensure_ascii=False)


@pytest.mark.parametrize("provider", [CHAT, MESSAGES])
def test_tool_loops_have_a_limit(provider: str, upstream: Upstream, client: hexapla.Client) -> None:
    """A model that calls for ever is asked so often, and no more; several calls of a turn are all answered."""

    async def calls(visit: Visit) -> None:
        ids = ["c1", "c2"]
        said = json.loads(whole(visit.protocol).partition(b"\r\n\r\n")[2])
        if visit.protocol == CHAT:
            made = [
                {"id": one, "type": "function", "function": {"name": "weather", "arguments": '{"city": "x"}'}}
                for one in ids
            ]
            said["choices"][0] |= {"message": {"role": "assistant", "content": None, "tool_calls": made}}
            said["choices"][0]["finish_reason"] = "tool_calls"
        else:
            made = [{"type": "tool_use", "id": one, "name": "weather", "input": {"city": "x"}} for one in ids]
            said |= {"content": made, "stop_reason": "tool_use"}
        await visit.write(answer(200, json.dumps(said).encode()))

    with pytest.raises(GatewayError, match="after 3 rounds"):
        client.chat_with_tools("x", [weather], model=f"{SHORT[provider]}/{upstream.play(calls)}", max_iterations=3)
    assert len(upstream.visits) == 3
    assert json.dumps(upstream.visits[2].asked).count("22 degrees in x") == 4


UNCLOSED = """
import hexapla
client = hexapla.Client(model="demo/slow")
print(client.chat("Hello", model="demo/echo"))
for piece in client.chat_stream("one two three"):
    print(piece)
    break
"""


def test_scripts_that_close_nothing_end(place: Path) -> None:
    """A script that never closes its client ends when it is over, and everything that it asked is on record."""
    env = {name: value for name, value in os.environ.items() if "HEXAPLA" not in name}
    done = subprocess.run(
        [sys.executable, "-c", UNCLOSED], check=False, cwd=place, env=env, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0 and done.stderr == "" and "You said: Hello" in done.stdout
    ledger = Ledger.open(place / "ledger.db")
    try:
        assert ledger.health.interrupted == ledger.health.recovered == 0
        assert len(ledger.recent()) == 2
    finally:
        ledger.close()


def test_a_wrong_configuration_leaves_nothing_running(place: Path) -> None:
    """The mistake is raised, and no thread keeps the program alive."""
    with pytest.raises(ConfigError, match="does not exist"):
        hexapla.Client("missing.toml")


def test_closing_ends_what_runs(place: Path) -> None:
    """A stream that nobody reads is ended with its client, and closing twice is no mistake."""
    client = hexapla.Client(model="demo/slow")
    stream = client.chat_stream("one two three four five six")
    iterator = iter(stream)
    next(iterator)
    gateway = client._client._gateway
    client.close()
    assert gateway.running == 0
    client.close()
