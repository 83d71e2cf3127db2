"""Foreign texts: forgiven where their own programs forgive, refused with a line where they do not."""

from __future__ import annotations

import builtins
from typing import Any

import pytest

from hexapla.errors import ConfigError
from hexapla.importers.load import load, whose


def test_json_with_comments_and_final_commas() -> None:
    """What JSON5 allows and people write; strings that look like comments stay as they are."""
    text = '// one\n{"a": "x // y, ]", /* two\n lines */ "b": [1, 2, // three\n ],\n "c": {"d": "\\"/*",},}\n'
    assert load(text, "config.json") == {"a": "x // y, ]", "b": [1, 2], "c": {"d": '"/*'}}


@pytest.mark.parametrize(
    ("text", "file", "line"),
    [
        ('{\n"a": 1\n"b": 2}', "config.json", 3),
        ("a = 1\nb = = 2", "claudex.toml", 2),
        ("a: 1\nb: [1, 2\nc: 3", "config.yaml", 3),
        ("- a\n- b", "config.yaml", 1),
        ("[1]", "config.json", 1),
        ("just words", "config.yml", 1),
    ],
)
def test_mistakes_have_a_line(text: str, file: str, line: int) -> None:
    with pytest.raises(ConfigError) as caught:
        load(text, file)
    assert (caught.value.file, caught.value.line) == (file, line)


def test_deep_nesting_is_refused() -> None:
    for file in ("config.json", "config.yaml"):
        with pytest.raises(ConfigError, match="nested too deep"):
            load('{"a":' * 100_000, file)


def test_yaml_runs_nothing() -> None:
    with pytest.raises(ConfigError):
        load("a: !!python/object/apply:os.system ['true']", "config.yaml")


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *more: Any) -> Any:
        if name == "yaml":
            raise ImportError(name)
        return real(name, *more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=r"pip install hexapla\[yaml\]"):
        load("a: 1", "config.yaml")


@pytest.mark.parametrize(
    ("data", "program"),
    [
        ({"model_list": []}, "litellm"),
        ({"general_settings": {}}, "litellm"),
        ({"Providers": []}, "ccr"),
        ({"profiles": []}, "claudex"),
        ({"model_aliases": {}}, "claudex"),
    ],
)
def test_whose_it_is(data: dict[str, Any], program: str) -> None:
    assert whose(data, "file") == program


def test_nobodys() -> None:
    with pytest.raises(ConfigError, match="--from"):
        whose({"server": {}}, "hexapla.toml")
