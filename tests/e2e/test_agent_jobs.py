"""What agents do beside reading text: pictures and documents as results, tools that are loaded later, patches, schemas, and
a stream that breaks off.  One run each, by the dialects that have to be translated."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from e2e.agents import ClaudeCode, Codex
from e2e.doors import PROVIDERS, Door, configuration, gateway, provider
from fakes.running import Fake
from fakes.scripts import GREETING, PATCH
from fakes.search import KEY, PAGES, Service

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.network]

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PDF = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/MediaBox[0 0 9 9]/Parent 2 0 R>>endobj
trailer<</Root 1 0 R>>
%%EOF
"""
FILES = {"a.png": base64.b64decode(PNG), "a.pdf": PDF}
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}

by = pytest.mark.parametrize
A = TypeVar("A", ClaudeCode, Codex)


@pytest.fixture
def at(fake: Fake, gateway_url: str) -> Callable[[str], Door]:
    """The gateway's door to one upstream."""
    return lambda name: Door(name, gateway_url)


@pytest.fixture
def claude(clients: Path, tmp_path: Path) -> ClaudeCode:
    return furnished(ClaudeCode(clients, tmp_path))


@pytest.fixture
def codex(clients: Path, tmp_path: Path) -> Codex:
    return furnished(Codex(clients, tmp_path))


def furnished(agent: A) -> A:
    """The agent with a picture and a document in its folder."""
    agent.work.mkdir()
    for name, data in FILES.items():
        (agent.work / name).write_bytes(data)
    return agent


def sent(fake: Fake) -> str:
    """The last request, after the upstream, which is strict, had nothing to refuse."""
    refused = [(asked.path, asked.status, asked.error) for asked in fake.asked() if asked.status != 200]
    assert not refused
    return json.dumps(fake.last().body, ensure_ascii=False)


@by("file", FILES)
@by("name", ["f_chat", "f_resp", "f_gemini"])
def test_claude_code_reads_a_file_that_is_no_text(
    claude: ClaudeCode, name: str, file: str, at: Callable[[str], Door], fake: Fake
) -> None:
    """A picture inside a tool's result, a document beside one: their bytes reach the upstream."""
    claude.read_file(at(name), "tool", f"Read {claude.work}/{file} and tell me what it shows.")
    assert base64.b64encode(FILES[file]).decode() in sent(fake)


def test_claude_code_loads_a_tool(claude: ClaudeCode, at: Callable[[str], Door], fake: Fake) -> None:
    """A search's result names the tool in a block that no other dialect has: words say it."""
    done = claude.ask(at("f_chat"), "search", "Look for a tool.")
    assert "Tool loaded: WebFetch" in done.stdout, done.stdout + done.stderr
    sent(fake)


def test_claude_code_searches_the_web(claude: ClaudeCode, fake: Fake, tmp_path: Path) -> None:
    """With a model that has never heard of Anthropic's search: the gateway's stands in, and its links arrive."""
    folder = tmp_path / "gateway"
    folder.mkdir()
    with Service().running() as service:
        search = f'[search]\nkind = "exa"\nkey = "{KEY}"\nurl = "{service.url}"\n'
        with gateway(configuration(provider("f_chat", "openai_chat", fake.url) + search, folder)) as url:
            asked = "Search the web for herons."
            done = claude.ask(Door("f_chat", url), "online", asked, "--allowedTools", "WebSearch")
    assert f'"url":"{PAGES[0][0]}"' in done.stdout, done.stdout + done.stderr
    assert len(service.asked) == 1
    sent(fake)


def test_claude_code_goes_on_after_a_broken_stream(claude: ClaudeCode, at: Callable[[str], Door], fake: Fake) -> None:
    """It notices that the stream broke off, asks once more without one, and gets the whole answer."""
    done = claude.ask(at("f_chat"), "once-cut", "Hello")
    assert GREETING in done.stdout, done.stdout + done.stderr
    assert [bool(asked.body.get("stream")) for asked in fake.asked()] == [True, False]


@by("name", ["f_chat", "f_msgs"])
def test_codex_looks_at_a_picture(codex: Codex, name: str, at: Callable[[str], Door], fake: Fake) -> None:
    codex.read_file(at(name), "tool", f"Look at {codex.work}/a.png and tell me what it shows.")
    assert PNG in sent(fake)


@by("name", ["f_chat", "f_msgs"])
def test_codex_answers_by_a_schema(codex: Codex, name: str, at: Callable[[str], Door], fake: Fake) -> None:
    file = codex.home / "schema.json"
    file.write_text(json.dumps(SCHEMA), encoding="utf-8")
    done = codex.ask(at(name), "structured", "Where?", "--output-schema", str(file))
    assert json.loads(done.stdout) == {"city": "Zürich"}, done.stdout + done.stderr
    sent(fake)


@by("name", ["f_chat", "f_msgs"])
def test_codex_patches_a_file(codex: Codex, name: str, fake: Fake, tmp_path: Path) -> None:
    """Its freeform tool, which it offers to models that it knows, goes as a function, and the call comes back freeform."""
    text = f'[aliases]\n"gpt-5.5" = "{name}/patch"\n' + provider(name, PROVIDERS[name], fake.url)
    with gateway(configuration(text, tmp_path)) as url:
        done = codex.call(url, "gpt-5.5", "Make a file.", "-s", "danger-full-access")
    made = codex.work / "made.txt"
    assert made.exists(), done.stdout + done.stderr
    assert made.read_text(encoding="utf-8") in PATCH.replace("\n+", "\n") and "鹭" in made.read_text(encoding="utf-8")
    assert "made.txt" in sent(fake)


def test_codex_falls_back_from_a_websocket_at_once(codex: Codex, at: Callable[[str], Door], fake: Fake) -> None:
    """426 makes it take HTTP; any other refusal would cost it seven handshakes."""
    begun = time.monotonic()
    done = codex.ask(at("f_chat"), "plain", "Hello", "-c", "model_providers.door.supports_websockets=true")
    assert GREETING in done.stdout, done.stdout + done.stderr
    assert time.monotonic() - begun < 60 and len(fake.asked()) == 1
