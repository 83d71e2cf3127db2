"""LLMock, which nobody here wrote, judges the gateway as a client: waiting, backing off, giving up, noticing cuts."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from e2e.doors import configuration, free_port, gateway, provider, wait_for
from e2e.programs import programs

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.network]

PROVIDERS = {
    "k_chat": ("openai_chat", ""),
    "k_resp": ("openai_responses", ""),
    "k_msgs": ("anthropic_messages", "/anthropic"),
}
MODELS = {"k_chat": "gpt-4o", "k_resp": "gpt-4o", "k_msgs": "claude-sonnet-4-5"}


@pytest.fixture(scope="module")
def judge() -> Iterator[str]:
    """The URL of a running LLMock."""
    port = free_port()
    command = [str(programs("llmock") / "llmock"), "serve", "--port", str(port), "--log-level", "critical"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{url}/_llmock/verdict")
        yield url
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="module")
def judged(judge: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway in front of it."""
    texts = [provider(name, protocol, judge + prefix) for name, (protocol, prefix) in PROVIDERS.items()]
    with gateway(configuration("".join(texts), tmp_path_factory.mktemp("judged"))) as url:
        yield url


def call(url: str, path: str, body: Any = None) -> Any:
    """Ask LLMock's own interface."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}/_llmock/{path}", data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def ask(url: str, model: str) -> list[str]:
    """Stream an answer, and once more when it breaks off, as a careful program does; what each try came to."""
    tried: list[str] = []
    messages: Any = [{"role": "user", "content": "Say something long, please"}]
    with openai.OpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0) as client:
        while tried in ([], ["broken"]):
            try:
                chunks = list(client.chat.completions.create(model=model, messages=messages, stream=True))
                tried.append("".join(chunk.choices[0].delta.content or "" for chunk in chunks))
            except (openai.APIError, json.JSONDecodeError) as error:  # the latter: an unreadable event
                tried.append("refused" if getattr(error, "status_code", None) == 400 else "broken")
    return tried


FAULTS = {
    "429": {"type": "fail", "status": 429, "retry_after": 1, "times": 1},
    "503": {"type": "fail", "status": 503, "times": 1},
    "503 twice": {"type": "fail", "status": 503, "times": 2},
    "400": {"type": "fail", "status": 400, "times": 1},
    "truncate": {"type": "stream_fault", "kind": "truncate", "after_chunks": 2},
    "disconnect": {"type": "stream_fault", "kind": "disconnect", "after_chunks": 2},
    "malformed": {"type": "stream_fault", "kind": "malformed", "after_chunks": 6},
}

TOLD = {"malformed": ("malformed_chunk_ignored",)}
"""Faults that LLMock holds for unnoticed unless the connection is closed at once; here the client must have noticed."""


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("fault", FAULTS)
def test_verdict_is_clean(name: str, fault: str, judge: str, judged: str) -> None:
    """LLMock finds nothing to blame, not even a warning."""
    call(judge, "reset", {})
    call(judge, "scenario", {"behaviors": [FAULTS[fault]]})
    tried = ask(judged, f"{name}/{MODELS[name]}")
    verdict = call(judge, "verdict")
    assert verdict["faults_injected"] >= 1
    assert [found for found in verdict["findings"] if found["code"] not in TOLD.get(fault, ())] == []
    assert tried[-1] not in ("", "broken")
    assert fault not in TOLD or tried[0] == "broken"
