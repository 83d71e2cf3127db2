"""`hexapla doctor` as a person and as a script meet it: words, JSON, exit codes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from hexapla.cli.main import main

DEAD = """\
[providers.dead]
auth = { key = "sk-doctor-0123456789" }
[[providers.dead.endpoints]]
protocol = "openai_chat"
base_url = "http://127.0.0.1:9/v1"
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without anybody's keys."""
    monkeypatch.chdir(tmp_path)
    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("HEXAPLA_LANG", "en")

    for name in tuple(os.environ):
        if name.endswith(("_KEY", "_TOKEN")) or name in ("HEXAPLA_CONFIG", "HTTPS_PROXY", "https_proxy"):
            monkeypatch.delenv(name)
    return tmp_path


def test_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    """The built-in provider passes without a network: exit code 0."""
    assert main(["doctor", "demo"]) == 0
    said = capsys.readouterr().out
    assert "Everything is well." in said and "demo · stream: first words after" in said


def test_a_failure_has_a_cause_and_a_remedy(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1; no key on the screen."""
    (place / "hexapla.toml").write_text(DEAD)
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "✗ dead · TLS: 127.0.0.1:9 cannot be reached" in said and "  → Check that the server runs" in said
    assert "0123456789" not in said


def test_chinese(place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEXAPLA_LANG", "zh")
    assert main(["doctor", "openai"]) == 1
    said = capsys.readouterr().out
    assert "没有找到密钥" in said and "供应商" in said


def test_json_says_everything(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "hexapla.toml").write_text(DEAD)
    assert main(["doctor", "--json", "dead", "demo"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["ok"] is False and {each["provider"] for each in said["providers"]} == {"dead", "demo"}
    dead = next(each["findings"] for each in said["providers"] if each["provider"] == "dead")
    (tls,) = (finding for finding in dead if finding["check"] == "tls")
    assert tls["verdict"] == "fail" and tls["code"] == "tls.refused" and tls["cause"] and tls["remedy"]


def test_offline_sends_nothing(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A provider that is not there passes: its configuration is right."""
    (place / "hexapla.toml").write_text(DEAD)
    assert main(["doctor", "--offline", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    verdicts = {finding["check"]: finding["verdict"] for finding in said["providers"][0]["findings"]}
    assert verdicts["key"] == "ok" and verdicts["dns"] == verdicts["call"] == "skip"


def test_exit_codes_for_nobody_and_for_mistakes(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 3
    assert "Nobody to examine" in capsys.readouterr().out
    assert main(["doctor", "--json"]) == 3
    assert json.loads(capsys.readouterr().out) == {"ok": False, "providers": []}
    assert main(["doctor", "opnai"]) == 2
    (place / "hexapla.toml").write_text("[provders]")
    assert main(["doctor"]) == 2
    assert "Did you mean 'providers'?" in capsys.readouterr().err
