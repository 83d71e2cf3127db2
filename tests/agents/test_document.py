"""Other programs' files: ours goes in and out again, and the rest stays to the letter."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexapla.agents.document import Format, parsed
from hexapla.errors import ConfigError

JSONC = """\
// mine
{
    "theme": "dark", // at night
    "env": {
        "A": "1" /* one */
    },
    "list": [1, 2,],
    // the last
    "last": {},
}
"""

PUT = """\
// mine
{
    "theme": "light", // at night
    "env": {
        "A": "1", /* one */
        "B": "two"
    },
    "list": [1, 2,],
    // the last
    "last": {
        "x": {
            "y": 3
        }
    },
    "new": true,
}
"""

TOML = """\
# mine
model = "o3" # good

[tui]
notifications = true

[model_providers.other]
name = "Other"
"""

YAML = """\
# mine
model: sonnet  # good
read:
  - CONVENTIONS.md
dark-mode: true
"""

ENV = "# mine\nexport A='1'\nB=two # not three\n"


def test_json_keeps_comments_commas_and_indentation() -> None:
    """Replaced, added to a full object, to an empty one, to one that is not there yet."""
    document = parsed("json", JSONC)
    document.put(("theme",), "light")
    document.put(("env", "B"), "two")
    document.put(("last", "x", "y"), 3)
    document.put(("new",), True)
    assert document.text == PUT


@pytest.mark.parametrize("text", ["", "\n", "{}", '{"a": 1}', '{ "a": {"b": [1, {"c": "}"}]} }', '{"a":1,}', JSONC])
def test_json_is_json_after_an_edit(text: str) -> None:
    """Of any shape, the one-line ones among them; and back again."""
    document = parsed("json", text)
    before = parsed("json", text)
    document.put(("env", "X"), "y")
    assert document.get(("env", "X")) == "y"
    document.put(("a",), "z")
    for place in (("env", "X"), ("a",)):
        document.restore(place, before)
        assert document.get(place) == before.get(place)
    if "env" not in text:
        assert document.get(("env",)) is None


MEMBERS = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('ab{}[],:/"\\ \n', max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from("abcd"), MEMBERS, max_size=4),
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=3).map(tuple),
    st.sampled_from([None, 1, 4]),
)
def test_an_edit_changes_one_value(whole: dict[str, object], place: tuple[str, ...], indent: int | None) -> None:
    """Any object in any layout: the place holds the new value, and taking it back gives the old object."""
    text = json.dumps(whole, indent=indent)
    document, before = parsed("json", text), parsed("json", text)
    try:
        document.put(place, "new")
    except ConfigError:
        return  # something else stands on the way there
    wanted = json.loads(json.dumps(whole))
    inner = wanted
    for key in place[:-1]:
        inner = inner.setdefault(key, {})
    inner[place[-1]] = "new"
    assert json.loads(document.text) == wanted
    document.restore(place, before)
    assert json.loads(document.text) == whole


def test_toml_keeps_comments_and_order() -> None:
    """New keys of the top stand above the first table, where they belong."""
    document, before = parsed("toml", TOML), parsed("toml", TOML)
    document.put(("model",), "x/y")
    document.put(("model_provider",), "hexapla")
    document.put(("model_providers", "hexapla", "name"), "Hexapla")
    text = document.text
    assert 'model = "x/y" # good' in text and "# mine" in text
    assert text.index("model_provider ") < text.index("[tui]")
    assert "[model_providers.hexapla]" in text and 'name = "Other"' in text
    for place in (("model",), ("model_provider",), ("model_providers", "hexapla", "name")):
        document.restore(place, before)
    assert document.text == TOML


def test_lines_are_changed_in_place() -> None:
    """What is quoted, exported or commented on is read; what is new stands at the end."""
    yaml, env = parsed("yaml", YAML), parsed("env", ENV)
    assert (yaml.get(("model",)), yaml.get(("dark-mode",)), yaml.get(("weak",))) == ("sonnet", "true", None)
    assert (env.get(("A",)), env.get(("B",)), env.get(("C",))) == ("1", "two", None)
    yaml.put(("model",), "openai/a b")
    yaml.put(("weak-model",), "openai/c")
    env.put(("A",), "2")
    env.put(("C",), "http://x:1/y")
    assert yaml.text == YAML.replace("model: sonnet  # good", 'model: "openai/a b"  # good') + "weak-model: openai/c\n"
    assert env.text == "# mine\nA=2\nB=two # not three\nC=http://x:1/y\n"
    yaml.restore(("model",), parsed("yaml", YAML))
    yaml.restore(("weak-model",), parsed("yaml", YAML))
    assert yaml.text == YAML


MISTAKES: list[tuple[Format, str, int | None]] = [
    ("json", '{\n"a" 1}', 2),
    ("json", "[1]", 1),
    ("json", '{"a": nope}', 1),
    ("json", '{"a": 1} x', 1),
    ("toml", "a = ", None),
]


@pytest.mark.parametrize(("kind", "text", "line"), MISTAKES)
def test_what_is_not_understood_is_not_touched(kind: Format, text: str, line: int | None) -> None:
    """The file is named, with the line where that is known."""
    with pytest.raises(ConfigError) as caught:
        parsed(kind, text, "/home/me/settings")
    assert caught.value.file == "/home/me/settings" and caught.value.line == line


def test_what_stands_in_the_way_is_told() -> None:
    """A setting of several lines, a value where an object should be."""
    with pytest.raises(ConfigError, match="several lines"):
        parsed("yaml", YAML).put(("read",), "x")
    with pytest.raises(ConfigError, match="env is no object"):
        parsed("json", '{"env": 1}').put(("env", "A"), "x")
    with pytest.raises(ConfigError, match="model is no table"):
        parsed("toml", TOML).put(("model", "x"), "x")
