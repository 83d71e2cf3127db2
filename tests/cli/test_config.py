"""`hexapla config`: what is wrong, what is in force, and no secret anywhere."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from hexapla.cli.main import main

SECRETS = ("sk-in-the-file-0001", "client-key-0002", "from-the-environment-0003", "proxy-password-0004", "h-0005")

FULL = """\
keys = ["client-key-0002"]
aliases = { mine = "own/llama" }
[providers.own]
auth = { key = "sk-in-the-file-0001", keys = ["${SECOND_KEY}"] }
[[providers.own.endpoints]]
protocol = "openai_chat"
base_url = "http://box:9/v1?code=${SECOND_KEY}"
proxy = "http://user:proxy-password-0004@proxy:3128"
headers = { X-Auth-Token = "h-0005", X-Title = "mine" }
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEXAPLA_LANG", "en")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("HEXAPLA_CONFIG", raising=False)
    (tmp_path / ".env").write_text("SECOND_KEY=from-the-environment-0003\n")
    return tmp_path


@pytest.mark.parametrize("how", [[], ["--json"]], ids=["toml", "json"])
def test_show_masks_every_secret(place: Path, how: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """All settings in force, defaults included, can be read back; secrets are masked by key and by value."""
    (place / "hexapla.toml").write_text(FULL)
    assert main(["config", "show", *how]) == 0
    said = capsys.readouterr().out
    assert not [secret for secret in SECRETS if secret in said]
    shown = json.loads(said) if how else tomllib.loads(said)
    assert shown["server"]["port"] == 6336 and shown["aliases"] == {"mine": "own/llama"}
    (endpoint,) = shown["providers"]["own"]["endpoints"]
    assert endpoint["base_url"] == "http://box:9/v1?code=***" and endpoint["proxy"] == "http://***@proxy:3128"
    assert endpoint["headers"] == {"X-Auth-Token": "***", "X-Title": "mine"}
    assert shown["providers"]["own"]["auth"]["key"] == "***"


def test_check_says_right(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "hexapla.toml").write_text(FULL)
    assert main(["config", "check"]) == 0
    assert "hexapla.toml: right." in capsys.readouterr().out


def test_check_tells_a_mistake_with_its_line(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that does not load is exit code 2."""
    (place / "hexapla.toml").write_text("\n[sever]\nport = 1\n")
    assert main(["config", "check"]) == 2
    said = capsys.readouterr().err
    assert "hexapla.toml:2: There is no key 'sever' here. Did you mean 'server'?" in said


def test_check_tells_names_that_mean_nothing(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An alias or a chain to an unknown model would fail its first request: exit code 1."""
    text = 'aliases = { a = "antropic/claude-opus-4.6" }\nchains = { "demo/echo" = ["nobody-knows"] }\n'
    text += '[profiles.p]\nprovider = "demo"\nmodel = "echo"\nbackups = ["q", "lost-one"]\n'
    text += '[profiles.q]\nprovider = "claude_subscription"\n'
    (place / "hexapla.toml").write_text(text)
    assert main(["config", "check"]) == 1
    said = capsys.readouterr().err
    assert "aliases.a: The model 'antropic/claude-opus-4.6' is not known. Nearest: " in said
    assert "chains.demo/echo: The model 'nobody-knows'" in said
    assert main(["config", "check", "--json"]) == 1
    assert set(json.loads(capsys.readouterr().out)["unknown"]) == {"aliases.a", "chains.demo/echo", "profiles.p"}


def test_path_names_what_was_read(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "path"]) == 0
    assert "no configuration file" in capsys.readouterr().out
    (place / "hexapla.toml").write_text(FULL)
    assert main(["config", "path"]) == 0
    assert capsys.readouterr().out.split() == [str(place / "hexapla.toml"), str(place / ".env")]
    assert main(["config", "path", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["file"] == str(place / "hexapla.toml")
