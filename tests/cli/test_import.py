"""`hexapla import` as a person meets it: a file in, a file out, a report, and no key on the screen."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from hexapla.cli.main import main

CLAUDEX = """\
hyperlinks = "auto"
[[profiles]]
name = "work"
provider_type = "OpenAICompatible"
base_url = "https://api.deepseek.com"
api_key = "sk-very-secret-0001"
default_model = "deepseek-chat"
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEXAPLA_LANG", "en")
    (tmp_path / "claudex.toml").write_text(CLAUDEX)
    return tmp_path


def test_the_result_is_printed_and_the_report_stands_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output is a hexapla.toml; the key moves to a variable, which is named."""
    assert main(["import", "claudex.toml"]) == 0
    said = capsys.readouterr()
    assert tomllib.loads(said.out)["profiles"]["work"] == {"provider": "deepseek", "model": "deepseek-chat"}
    assert "set $DEEPSEEK_API_KEY" in said.err and "hyperlinks: is not needed here" in said.err
    assert "2 carried over, 0 in another way, 1 left out, 1 for you to do." in said.err
    assert "very-secret" not in said.out + said.err


def test_in_chinese(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEXAPLA_LANG", "zh")
    assert main(["import", "claudex.toml"]) == 0
    said = capsys.readouterr().err
    assert "此处不需要" in said and "项需要你处理" in said


def test_a_file_is_written_once(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is there stays there; a file with keys is its owner's alone."""
    assert main(["import", "claudex.toml", "--write", "hexapla.toml", "--keep-secrets"]) == 0
    written = place / "hexapla.toml"
    assert 'key = "sk-very-secret-0001"' in written.read_text() and written.stat().st_mode & 0o777 == 0o600
    assert main(["import", "claudex.toml", "--write", "hexapla.toml"]) == 2
    said = capsys.readouterr()
    assert "exists already" in said.err and "very-secret" not in said.out + said.err
    assert main(["import", "claudex.toml", "--write", "no/such/folder/x.toml"]) == 2
    assert main(["config", "check"]) == 0


def test_keys_are_never_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "claudex.toml", "--keep-secrets"]) == 2
    said = capsys.readouterr()
    assert "--keep-secrets needs --write" in said.err and not said.out


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "claudex.toml", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["counts"] == {"carried": 2, "changed": 0, "left": 1, "you": 1} and said["variables"] == [
        "DEEPSEEK_API_KEY"
    ]
    assert tomllib.loads(said["toml"])["profiles"] and all(note["said"] for note in said["notes"])


@pytest.mark.parametrize(
    ("file", "text", "why"),
    [
        ("none.json", None, "cannot be read"),
        ("other.toml", "[server]\nport = 1", "--from"),
        ("broken.json", "{", "broken.json:1: This is not valid JSON"),
    ],
)
def test_mistakes(place: Path, file: str, text: str | None, why: str, capsys: pytest.CaptureFixture[str]) -> None:
    if text is not None:
        (place / file).write_text(text)
    assert main(["import", file]) == 2
    assert why in capsys.readouterr().err


def test_whose_it_is_can_be_said(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "x.yaml").write_text("profiles: []\nmodel_list: []\n")
    assert main(["import", "x.yaml", "--from", "claudex"]) == 0
    assert "Imported from Claudex" in capsys.readouterr().out
