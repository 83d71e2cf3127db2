"""A real model behind a real server that nobody here wrote: llama.cpp with SmolLM2, in all its three dialects."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from openai import OpenAI

from e2e.agents import ClaudeCode
from e2e.doors import Door, configuration, gateway, printed_url, provider
from e2e.programs import programs
from e2e.talks import TALKS, Talk

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.network,
    pytest.mark.xdist_group("local-model"),
    pytest.mark.timeout(400),
]

SERVER = Path(__file__).with_name("llama_server.py")
PROVIDERS = {"l_chat": "openai_chat", "l_resp": "openai_responses", "l_msgs": "anthropic_messages"}
QUESTION = "What is the capital of France?"

talks = pytest.mark.parametrize("talk", TALKS, ids=lambda talk: talk.dialect)
ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@pytest.fixture(scope="session")
def llama() -> Iterator[str]:
    """The URL of a llama.cpp server."""
    command = [str(programs("llama") / "python"), str(SERVER), "0"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            yield printed_url(process)
        finally:
            process.kill()
            process.communicate()


@pytest.fixture(scope="session")
def before_llama(llama: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway whose providers are the server's dialects."""
    providers = "".join(provider(name, protocol, llama) for name, protocol in PROVIDERS.items())
    with gateway(configuration(providers, tmp_path_factory.mktemp("before_llama"))) as url:
        yield url


@pytest.fixture(params=PROVIDERS)
def local(request: pytest.FixtureRequest, before_llama: str) -> Door:
    """The gateway's doors to the real model."""
    return Door(request.param, before_llama)


@talks
@ways
def test_real_model_answers(talk: type[Talk], stream: bool, local: Door) -> None:
    """A question in any dialect is answered by the model through any other, with its usage and in two turns."""
    if stream and talk.dialect == "responses" and local.name == "l_resp":
        pytest.skip(
            "llama.cpp's Responses events lack the indexes that openai-python's helper needs; the bytes are its own"
        )
    conversation = talk(local.url, local.model("smollm2"), stream, system="You are a helpful assistant.")
    said = conversation.say(QUESTION)
    assert "Paris" in said.text
    assert said.stop == "stop"
    asked, _, answered = said.usage
    assert asked > 10
    assert answered > 3
    assert conversation.say("And of Italy?").usage[0] > asked


def test_claude_code_talks_to_the_real_model(local: Door, clients: Path, tmp_path: Path) -> None:
    """Claude Code, without its tools and long prompt, shows what the model said (little sense: it is small)."""
    agent = ClaudeCode(clients, tmp_path)
    agent.work.mkdir()
    system = "You are a helpful assistant."
    done = agent.ask(local, "smollm2", QUESTION, "--tools", "", "--system-prompt", system, "--output-format", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["result"].strip()
    assert told["usage"]["output_tokens"] > 3


def test_a_server_is_found_by_knocking(llama: str, tmp_path: Path) -> None:
    """Nothing is configured: a server that stands where vLLM is looked for is listed, and answers by its bare name."""
    (tmp_path / ".env").write_text(f"HOSTED_VLLM_API_BASE={llama}\n", encoding="utf-8")
    with gateway(configuration("", tmp_path)) as url:
        client = OpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0)
        deadline = time.monotonic() + 15
        served: list[str] = []
        while not served and time.monotonic() < deadline:
            served = [model.id for model in client.models.list() if model.owned_by == "vllm"]
        assert served
        bare = served[0].removeprefix("vllm/")
        said = client.chat.completions.create(
            model=bare, messages=[{"role": "user", "content": QUESTION}], max_tokens=20
        )
        assert said.choices[0].message.content
