"""`hexapla models`, `providers` and `catalog`: filters, orders, two languages, any width, and a newer table."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

import hexapla.cli.console
from hexapla.catalog.merge.write import write
from hexapla.catalog.schema import Model, Price
from hexapla.catalog.table import Row, Source, Table
from hexapla.cli.amounts import rates, tokens
from hexapla.cli.main import main
from hexapla.cli.words import Say
from hexapla.config import user_table

ANSI = re.compile(r"\x1b\[[0-9;]*m")
KEYS = {"OPENAI_API_KEY": "k", "SILICONFLOW_API_KEY": "k", "DASHSCOPE_API_KEY": "k"}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nobody's configuration, some keys, English."""
    monkeypatch.chdir(tmp_path)
    for name, value in {**KEYS, "XDG_DATA_HOME": str(tmp_path / "data"), "XDG_CONFIG_HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HEXAPLA_LANG", "en")
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(arguments) == code
    return capsys.readouterr().out


def models(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(said(capsys, "models", "--json", *arguments))
    return found


@pytest.mark.parametrize(
    ("arguments", "fits"),
    [
        (["gpt-4o", "-p", "openai"], lambda m: m["provider"] == "openai" and "gpt-4o" in m["name"]),
        (["-p", "硅基流动", "-p", "openai"], lambda m: m["provider"] in ("siliconflow", "openai")),
        (["-k", "image", "-k", "speech"], lambda m: m["kind"] in ("image", "speech")),
        (["-c", "tools", "-c", "vision"], lambda m: {"tools", "vision"} <= set(m["capabilities"])),
        (["--context", "1000000"], lambda m: m["context"] >= 1_000_000),
        (["--max-price", "0.5"], lambda m: m.get("free") or m["price"]["input"] <= 0.5),
        (["--currency", "cny"], lambda m: m["price"]["currency"] == "CNY"),
        (["--free"], lambda m: m["free"]),
        (["--currency", "cny", "--max-price", "2"], lambda m: m["price"]["input"] <= 2),
    ],
)
def test_filters(arguments: list[str], fits: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Each keeps some and leaves out the others; a provider goes by any of its names."""
    found = models(capsys, *arguments)
    assert found and [model["name"] for model in found if not fits(model)] == []


def test_orders(capsys: pytest.CaptureFixture[str]) -> None:
    """By name, cheapest first, longest context first, newest first."""
    by_name = [model["name"] for model in models(capsys, "-p", "openai")]
    assert by_name == sorted(by_name)
    cheap = [m["price"]["input"] for m in models(capsys, "-p", "openai", "--sort", "price") if m.get("price")]
    told = [price for price in cheap if price is not None]
    assert told == sorted(told)
    long = [m.get("context") or 0 for m in models(capsys, "-p", "openai", "--sort", "context")]
    assert long == sorted(long, reverse=True)
    new = [m["released"] for m in models(capsys, "-p", "openai", "--sort", "newest") if m.get("released")]
    assert new == sorted(new, reverse=True)


def test_models_without_a_key_are_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    """The list shows what can be used; the rest is counted, and shown on request; so is what is no longer sold."""
    assert "gpt-4o" in said(capsys, "models", "gpt-4o", "-p", "openai")
    assert "--all" in said(capsys, "models", "llama", "-p", "groq")
    assert {model["provider"] for model in models(capsys, "-a", "llama", "-p", "groq")} == {"groq"}
    assert "openai/o1-mini" not in {model["name"] for model in models(capsys, "-p", "openai")}
    assert "openai/o1-mini" in {model["name"] for model in models(capsys, "-p", "openai", "--old")}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("models", "--can", "tools", "--can", "fly"), "No model can fly; abilities are: audio, "),
        (("models", "-p", "OpenAI", "-p", "opnai"), "no provider opnai. Nearest: openai"),
        (("models", "-p", "qqqq"), "no provider qqqq. `hexapla providers`"),
        (("catalog", "--check"), "--check: only for `hexapla catalog update`"),
        (("catalog", "status", "--large", "--from", "x"), "--from, --large: only for"),
    ],
)
def test_what_nobody_has_is_told(arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A list with nothing in it would look like an answer."""
    assert main(arguments) == 2
    assert words in capsys.readouterr().err


def test_a_long_table_looks_as_a_short_one(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """However it is laid out: for a pipe, or because rich would need a second for it."""
    words = ("models", "-p", "siliconflow", "v3")
    piped = said(capsys, *words).splitlines()
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "300"}.items():
        monkeypatch.setenv(name, value)
    shown = [line.rstrip() for line in ANSI.sub("", said(capsys, *words)).splitlines()]
    assert len(piped) > 3 and piped == shown
    monkeypatch.setattr(hexapla.cli.console, "MANY", 1)
    assert [line.rstrip() for line in ANSI.sub("", said(capsys, *words)).splitlines()] == shown


@pytest.mark.parametrize(("width", "language"), [(80, "en"), (80, "zh"), (140, "en"), (140, "zh")])
def test_tables_fit_the_terminal(
    width: int, language: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No line is wider than the terminal, nothing that is sent is cut off, and both languages have their words."""
    monkeypatch.setenv("HEXAPLA_LANG", language)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    text, providers = (
        ANSI.sub("", said(capsys, *words)) for words in (("models", "-p", "siliconflow", "v3"), ("providers",))
    )
    assert max(cell_len(line) for line in (text + providers).splitlines()) <= width
    assert "siliconflow/deepseek-ai/DeepSeek-V3.1" in text.replace("\n", " ")
    assert "¥2" in text and ("名称" if language == "zh" else "name") in text
    assert "SILICONFLOW_API_KEY" in providers
    assert ("硅基流动" in providers) == (language == "zh" and width == 140)


def test_providers(capsys: pytest.CaptureFixture[str]) -> None:
    """By name, by protocol, by whether they can be asked."""
    everyone = json.loads(said(capsys, "providers", "--json"))
    assert {"id", "name_zh", "protocols", "login", "usable", "models", "regions"} <= everyone[0].keys()
    ready = json.loads(said(capsys, "providers", "--json", "--ready"))
    assert {"openai", "siliconflow", "dashscope"} <= {each["id"] for each in ready} and all(e["usable"] for e in ready)
    messages = json.loads(said(capsys, "providers", "--json", "--protocol", "anthropic_messages"))
    assert all("anthropic_messages" in each["protocols"] for each in messages) and len(messages) < len(everyone)
    assert [each["id"] for each in json.loads(said(capsys, "providers", "--json", "硅基"))] == ["siliconflow"]
    said(capsys, "providers", "nobody")


@pytest.mark.parametrize(
    ("count", "text"), [(None, ""), (0, "0"), (512, "512"), (8192, "8.19K"), (131_072, "131K"), (1_048_576, "1.05M")]
)
def test_tokens_are_read_at_a_glance(count: int | None, text: str) -> None:
    """Three digits are enough."""
    assert tokens(count) == text


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (Model(price=Price(input=2.5, output=10)), ("$2.5", "$10")),
        (Model(price=Price(currency="CNY", input=2)), ("¥2", "")),
        (Model(price=Price(currency="CNY", image=0.3)), ("¥0.3 an image", "")),
        (Model(price=Price(second=0.0001)), ("$0.0001 a second", "")),
        (Model(price=Price(characters=15)), ("$15/1M letters", "")),
        (Model(price=Price(page=0.001)), ("$0.001 a page", "")),
        (Model(free=True), ("free", "")),
        (Model(), ("", "")),
    ],
)
def test_prices_are_read_at_a_glance(model: Model, expected: tuple[str, str]) -> None:
    """In their own currency and unit."""
    assert rates(model, Say("en")) == expected


# --- catalog ----------------------------------------------------------------------------------------------------------


def wheel(folder: Path, **prices: float) -> Path:
    """A package as LiteLLM publishes it, with these models."""
    entry = {"litellm_provider": "openai", "mode": "chat", "max_input_tokens": 10}
    table = {name: {**entry, "input_cost_per_token": price} for name, price in prices.items()}
    file = folder / "litellm-9.9.9-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as package:
        package.writestr("litellm/model_prices_and_context_window_backup.json", json.dumps(table))
    return file


def test_a_newer_table(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What changes is shown first, then written where every process of the user finds it."""
    package = str(wheel(place, **{"brand-new": 1e-6}))
    checked = json.loads(said(capsys, "catalog", "update", "--check", "--json", "--from", package))
    assert checked["added"] == ["openai/brand-new"]
    assert len(checked["removed"]) > 1000, "what only this source told, and tells no more"
    own = user_table({"XDG_DATA_HOME": str(place / "data")})
    assert not own.exists()
    text = said(capsys, "catalog", "update", "--from", package)
    assert "+ openai/brand-new" in text and "- … " in text and own.is_file()
    assert models(capsys, "brand-new")[0]["price"]["input"] == 1
    assert models(capsys, "-p", "openai", "gpt-4o")
    status = json.loads(said(capsys, "catalog", "--json"))
    assert status["own"] == str(own)
    assert {"litellm": "9.9.9"}.items() <= {each["name"]: each["version"] for each in status["sources"]}.items()
    assert "Nothing is new" in said(capsys, "catalog", "update", "--from", package)


def test_a_finished_table_is_taken_as_it_is(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file of ours, made elsewhere."""
    rows = [Row("openai", Model(id="only", context=5), {"litellm": "context"})]
    file = place / "models.table"
    file.write_bytes(write(rows, [Source("litellm", "https://x.test", "1", "9999-01-01")], "9999-01-01"))
    said(capsys, "catalog", "update", "--from", str(file))
    own = user_table({"XDG_DATA_HOME": str(place / "data")})
    assert own.read_bytes() == file.read_bytes() and len(Table(own.read_bytes())) == 1


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("missing.whl", None, "cannot be read"),
        ("nothing.json", "{}", "none of the tables"),
        ("strange-1.0-py3-none-any.whl", "x", "No table of models is known"),
        ("litellm-1.0-py3-none-any.whl", "x", "does not hold"),
        ("snapshot.json", "{}", "format of model-prices"),
        ("model_prices_and_context_window.json", "[1]", "format of litellm"),
        ("data.py", "import genai_prices\nproviders = 1", "format of genai-prices"),
    ],
)
def test_other_files_are_refused(
    name: str, content: str | None, words: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the file's name and the reason; the present table stays."""
    if content is not None:
        (place / name).write_text(content)
    assert main(["catalog", "update", "--from", str(place / name)]) == 2
    assert words in capsys.readouterr().err
    assert not user_table({"XDG_DATA_HOME": str(place / "data")}).exists()
