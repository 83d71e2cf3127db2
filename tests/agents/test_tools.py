"""What each program is told: the arguments, variables and files that its vendor documents, and nothing that shows a key."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from hexapla.agents.document import parsed
from hexapla.agents.tool import FOLDER, Chosen, Door, Home
from hexapla.agents.tools import TOOLS
from hexapla.cli.parser import COMMANDS
from hexapla.protocols import PROTOCOLS

BIG = Chosen(name="deepseek/big", title="Big", context=120_000, max_output=8_000)
SMALL = Chosen(name="deepseek/small")
DOOR = Door(
    url="http://127.0.0.1:1/p/work",
    key="the-key",
    models={"default": BIG, "haiku": SMALL, "sonnet": BIG, "opus": BIG, "fable": BIG},
)
BARE = Door(url="http://127.0.0.1:1", key="the-key")
HOME = Home(path=Path("/home/me"), environment={})

tools = pytest.mark.parametrize("name", TOOLS)


def test_the_command_line_knows_every_program() -> None:
    """The table of the command line, which may not load this one, names the same."""
    choices = COMMANDS["run"][0].settings["choices"]
    assert choices == list(TOOLS)
    assert {tool.protocol for tool in TOOLS.values()} <= set(PROTOCOLS)


@tools
def test_a_key_stands_in_no_argument(name: str) -> None:
    """Any process may read another one's arguments; and a Door does not show it."""
    assert "the-key" not in " ".join(TOOLS[name].launch(DOOR).arguments)
    assert "the-key" not in repr(DOOR)
    for lasting in TOOLS[name].lasting(DOOR, HOME):
        shown = [value for place, value in lasting.values.items() if place != lasting.secret]
        assert "the-key" not in str(shown)


@tools
def test_without_a_choice_no_model_is_named(name: str) -> None:
    """The program asks for what it always asks for."""
    launch = TOOLS[name].launch(BARE)
    said = f"{launch.arguments} {launch.environment} {launch.files}"
    assert "deepseek" not in said and "model=" not in said and "MODEL'" not in said
    for lasting in TOOLS[name].lasting(BARE, HOME):
        document = parsed(lasting.format, "")
        for place, value in lasting.values.items():
            document.put(place, value)
        assert "deepseek" not in document.text


def test_claude_code() -> None:
    """Base URL without /v1, a bearer token, every slot; the settings of the run say the same, for they stand above the
    user's, which stand above the environment."""
    launch = TOOLS["claude"].launch(DOOR)
    said = {
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:1/p/work",
        "ANTHROPIC_AUTH_TOKEN": "the-key",
        "ANTHROPIC_MODEL": "deepseek/big",
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": "deepseek/small",
        "ANTHROPIC_DEFAULT_SONNET_MODEL": "deepseek/big",
        "ANTHROPIC_DEFAULT_OPUS_MODEL": "deepseek/big",
        "ANTHROPIC_DEFAULT_FABLE_MODEL": "deepseek/big",
        "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "120000",
        "CLAUDE_CODE_ATTRIBUTION_HEADER": "0",
    }
    assert launch.environment == said and "ANTHROPIC_API_KEY" in launch.unset
    assert launch.arguments == ("--settings", f"{FOLDER}/settings.json")
    env = json.loads(launch.files["settings.json"])["env"]
    assert said.items() <= env.items() and env["ANTHROPIC_API_KEY"] == ""


def test_codex() -> None:
    """Settings as TOML values, a provider of its own, the key by the name of its variable."""
    launch = TOOLS["codex"].launch(DOOR)
    assert set(launch.arguments[::2]) == {"-c"}
    said = tomllib.loads("\n".join(launch.arguments[1::2]))
    assert said == {
        "model": "deepseek/big",
        "model_context_window": 120_000,
        "model_provider": "hexapla",
        "model_providers": {
            "hexapla": {
                "name": "Hexapla",
                "base_url": "http://127.0.0.1:1/p/work/v1",
                "env_key": "HEXAPLA_KEY",
                "wire_api": "responses",
            }
        },
    }
    assert launch.environment == {"HEXAPLA_KEY": "the-key"}
    (lasting,) = TOOLS["codex"].lasting(DOOR, Home(path=Path("/h"), environment={"CODEX_HOME": "/c"}))
    document = parsed("toml", "")
    for place, value in lasting.values.items():
        document.put(place, value)
    assert lasting.file == Path("/c/config.toml") and tomllib.loads(document.text) == said


def test_gemini_cli() -> None:
    """Base URL without version, the model, and the login of a key in a mirrored folder."""
    launch = TOOLS["gemini"].launch(DOOR)
    assert launch.environment == {
        "GOOGLE_GEMINI_BASE_URL": "http://127.0.0.1:1/p/work",
        "GEMINI_API_KEY": "the-key",
        "GEMINI_MODEL": "deepseek/big",
    }
    assert launch.mirror is not None and launch.mirror.values == {
        ("security", "auth", "selectedType"): "gemini-api-key"
    }
    files = [str(lasting.file) for lasting in TOOLS["gemini"].lasting(DOOR, HOME)]
    assert files == ["/home/me/.gemini/settings.json", "/home/me/.gemini/.env"]


def test_opencode() -> None:
    """One variable; a model is `provider/name`, and a limit where it is known, else nothing is ever compacted."""
    launch = TOOLS["opencode"].launch(DOOR)
    said = json.loads(launch.environment["OPENCODE_CONFIG_CONTENT"])
    assert (said["model"], said["small_model"]) == ("hexapla/deepseek/big", "hexapla/deepseek/small")
    provider = said["provider"]["hexapla"]
    assert (provider["npm"], TOOLS["opencode"].protocol) == ("@ai-sdk/anthropic", "anthropic_messages")
    assert provider["options"] == {"baseURL": "http://127.0.0.1:1/p/work/v1", "apiKey": "{env:HEXAPLA_KEY}"}
    assert provider["models"] == {
        "deepseek/big": {"name": "Big", "limit": {"context": 120_000, "output": 8_000}},
        "deepseek/small": {"name": "deepseek/small"},
    }


def test_opencode_takes_the_file_that_is_there(tmp_path: Path) -> None:
    """With comments or without."""
    home = Home(path=tmp_path, environment={})
    assert TOOLS["opencode"].lasting(DOOR, home)[0].file == tmp_path / ".config/opencode/opencode.json"
    there = tmp_path / ".config/opencode/opencode.jsonc"
    there.parent.mkdir(parents=True)
    there.touch()
    assert TOOLS["opencode"].lasting(DOOR, home)[0].file == there


def test_aider() -> None:
    """Models behind `openai/`, and what is known of their limits."""
    launch = TOOLS["aider"].launch(DOOR)
    assert launch.arguments == (
        *("--openai-api-base", "http://127.0.0.1:1/p/work/v1"),
        *("--model", "openai/deepseek/big", "--weak-model", "openai/deepseek/small"),
        *("--model-metadata-file", f"{FOLDER}/models.json"),
    )
    assert json.loads(launch.files["models.json"])["openai/deepseek/big"]["max_input_tokens"] == 120_000
    assert launch.environment["OPENAI_API_KEY"] == "the-key"
