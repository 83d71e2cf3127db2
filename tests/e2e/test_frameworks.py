"""What programs are built on, at every door: OpenAI's and Anthropic's SDKs for JavaScript, Vercel's AI SDK, Pydantic AI,
OpenAI's Agents SDK, LangChain, LiteLLM; and opencode."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from e2e.agents import Agent
from e2e.conftest import THINKS
from e2e.doors import PROVIDERS, configuration, provider
from e2e.programs import programs
from e2e.test_run import SECRET, hexapla_run
from fakes.running import Fake

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.network]

HERE = Path(__file__).parent


def complaints(command: list[str]) -> tuple[int, dict[str, str]]:
    """How many verdicts the command told, and those that are not "ok"."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return len(told), {name: said for name, said in told.items() if said != "ok"}


@pytest.mark.parametrize(("name", "count"), [("ai_sdk", 96), ("sdks", 80)])
def test_javascript(name: str, count: int, gateway_url: str) -> None:
    """Four packages of the AI SDK, and OpenAI's and Anthropic's own, each with every dialect behind the gateway."""
    packages = programs(name).parent
    node = shutil.which("node")
    assert node, "npm is there, so node is"
    assert complaints([node, str(HERE / f"{name}.mjs"), str(packages), gateway_url, *PROVIDERS]) == (count, {})


def test_frameworks(gateway_url: str) -> None:
    """-P: `agents` is a package there, not the file beside the script."""
    python = programs("frameworks") / "python"
    assert complaints([str(python), "-P", str(HERE / "frameworks.py"), gateway_url, *PROVIDERS]) == (28, {})


def test_litellm(gateway_url: str) -> None:
    """Over Chat and Messages; what it forgets of a thought is remembered for it."""
    python = programs("litellm") / "python"
    assert complaints([str(python), str(HERE / "litellm_sdk.py"), gateway_url, *PROVIDERS]) == (64, {})


@pytest.mark.parametrize("name", ["f_chat", "f_gemini", "f_resp"])
def test_opencode_brings_thought_back(name: str, fake: Fake, tmp_path: Path) -> None:
    """Started with nothing but a profile: it reads a file, and the thought before that goes up with what it read, also
    where it asks for none and the model thinks all the same."""
    agent = Agent(programs("opencode"), tmp_path)
    agent.work.mkdir()
    (agent.work / "note.txt").write_text(SECRET + "\n", encoding="utf-8")
    profile = f'[server]\nport = 9\n[profiles.work]\nprovider = "{name}"\nmodel = "think-tool"\nhaiku = "plain"\n'
    config = configuration(profile + provider(name, PROVIDERS[name], fake.url) + THINKS, tmp_path)
    done = hexapla_run(agent, config, "opencode", f"Read {agent.work}/note.txt and tell me what it says.")
    assert done.returncode == 0 and SECRET in done.stdout, done.stdout + done.stderr
    refused = [(asked.path, asked.status, asked.error) for asked in fake.asked() if asked.status != 200]
    assert not refused
