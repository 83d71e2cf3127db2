"""The Bedrock row with the program that it is meant for: LiteLLM's own proxy, in front of a Bedrock that we play.

Installed aside from the Python registry (tools/aside.py); a skip, said loudly, where it cannot be had.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.programs import programs
from providers.bedrock import MODEL, Bedrock
from providers.clients import CHAT, DIALECTS, MESSAGES, THINKING, answered, ask, error_of, understood
from providers.facts import VENDORS
from providers.fake import GOOD_KEY, Fake
from providers.house import QUICK, House
from providers.script import CITIES, TEXT, THOUGHT

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.e2e, pytest.mark.xdist_group("litellm")]

KEY = "sk-of-the-proxy"
STARTS_WITHIN = 90.0
NAME = "bedrock_litellm/claude-sonnet-4"


@pytest.fixture(scope="module")
def bedrock(loop: asyncio.Runner) -> Iterator[Bedrock]:
    made = Bedrock()
    loop.run(made.start())
    yield made
    made.close()


@pytest.fixture(scope="module")
def proxy(bedrock: Bedrock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a LiteLLM proxy that knows one model."""
    program = programs("litellm") / "litellm"
    folder = tmp_path_factory.mktemp("litellm")
    params = {
        "model": f"bedrock/{MODEL}",
        "api_key": GOOD_KEY,
        "aws_region_name": "us-east-1",
        "aws_bedrock_runtime_endpoint": bedrock.url,
    }
    settings = {
        "model_list": [{"model_name": "claude-sonnet-4", "litellm_params": params}],
        "general_settings": {"master_key": KEY},
        "litellm_settings": {"num_retries": 0, "telemetry": False},
    }
    (folder / "config.yaml").write_text(json.dumps(settings), encoding="utf-8")  # JSON is YAML
    port = _free_port()
    command = [str(program), "--config", str(folder / "config.yaml"), "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url, process, folder / "log")
        yield url
    finally:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/health/liveliness", timeout=2).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.25)  # it says nothing when it is ready
    raise RuntimeError(f"the proxy did not start: {log.read_text(errors='replace')[-2000:]}")


@pytest.fixture(scope="module")
def before_proxy(loop: asyncio.Runner, proxy: str) -> Iterator[House]:
    """A gateway whose built-in Bedrock row is at the proxy."""
    fake = Fake(VENDORS["bedrock_litellm"])
    fake.url = proxy

    async def opened() -> House:
        return House({"bedrock_litellm": fake}, QUICK, keys=(KEY,))

    made = loop.run(opened())
    yield made
    loop.run(made.aclose())


every_dialect = pytest.mark.parametrize("dialect", DIALECTS)
both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@every_dialect
@both_ways
def test_words(loop: asyncio.Runner, before_proxy: House, dialect: str, stream: bool) -> None:
    """Text arrives exactly, and so do the counts."""
    answer = loop.run(before_proxy.ask(dialect, ask(dialect, NAME, "plain", stream=stream)))
    assert answer.status == 200, answer.body
    said = understood(dialect, answer.body, stream=stream)
    assert said.text == TEXT
    assert (said.usage["input"], said.usage["output"]) == (1000, 70)


@every_dialect
@both_ways
def test_calls_and_their_results(loop: asyncio.Runner, before_proxy: House, dialect: str, stream: bool) -> None:
    """Two calls, and what the tools said of each."""
    body = ask(dialect, NAME, "calls", stream=stream, tools=True)
    said = understood(dialect, loop.run(before_proxy.ask(dialect, body)).body, stream=stream)
    assert [json.loads(call.arguments)["city"] for call in said.calls] == list(CITIES)
    answer = loop.run(before_proxy.ask(dialect, answered(dialect, body, said, ["21°", "18°"])))
    assert answer.status == 200, answer.body
    assert understood(dialect, answer.body, stream=stream).text == "The tools said: 21° | 18°"


@pytest.mark.parametrize("dialect", [CHAT, MESSAGES])
@both_ways
def test_thought(loop: asyncio.Runner, before_proxy: House, dialect: str, stream: bool) -> None:
    """Claude's thought arrives apart from its words."""
    body = ask(dialect, NAME, "think", stream=stream, **THINKING[dialect])
    answer = loop.run(before_proxy.ask(dialect, body))
    assert answer.status == 200, answer.body

    said = understood(dialect, answer.body, stream=stream)
    assert (said.text, said.thought) == (TEXT, THOUGHT)


@every_dialect
def test_a_limit_is_told(loop: asyncio.Runner, before_proxy: House, dialect: str) -> None:
    """Bedrock's throttling passes the proxy and is a rate limit here."""
    before_proxy.forgive()
    answer = loop.run(before_proxy.ask(dialect, ask(dialect, NAME, "refuse-rate")))
    assert answer.status == 429 and error_of(dialect, answer.body)
    assert before_proxy.record(answer).attempts[-1].outcome == "rate_limit"
    before_proxy.forgive()


def test_each_client_is_asked_in_its_own_way(loop: asyncio.Runner, bedrock: Bedrock, before_proxy: House) -> None:
    """The proxy was asked for Messages in Messages, which Bedrock's InvokeModel takes as it is."""
    bedrock.asked.clear()
    for dialect in (CHAT, MESSAGES):
        for stream in (False, True):
            loop.run(before_proxy.ask(dialect, ask(dialect, NAME, "plain", stream=stream)))
    assert set(bedrock.asked) == {"converse", "converse-stream", "invoke", "invoke-with-response-stream"}
