"""A mistake in a file is told with file, line, key and the name that was probably meant."""

from __future__ import annotations

import pytest

from hexapla.catalog.load import load_model_file, load_provider, sourced
from hexapla.catalog.locate import line_of
from hexapla.errors import ConfigError

GOOD = """\
id = "acme"
name = "Acme"
auth = { kind = "api_key", env = ["ACME_KEY", "OTHER_KEY"] }

[[endpoints]]
protocol = "openai_chat"
base_url = "https://acme.test/v1"

[endpoints.quirks]
strip = ["seed"]
target = { sampling = false }

[[endpoints.quirks.when]]
model = "m*"
clamp = { temperature = [0, 1] }

[[endpoints]]
protocol = "anthropic_messages"
base_url = "https://acme.test"
"""

MISTAKES = [
    # what is replaced by what, the line, the key, what was meant, a part of the message
    ("name =", "nmae =", 2, "nmae", "name", "no key 'nmae'"),
    ("kind =", "knid =", 3, "auth.knid", "kind", "no key 'knid'"),
    ('"api_key"', '"apikey"', 3, "auth.kind", "api_key", "one of api_key, none"),
    ('["ACME_KEY", "OTHER_KEY"]', "7", 3, "auth.env", "", "auth.env"),
    ('"openai_chat"', '"openai"', 6, "endpoints[0].protocol", "openai_chat", "cannot be 'openai'"),
    ('base_url = "https://acme.test/v1"', "", 5, "endpoints[0]", "", "missing required field `base_url`"),
    ('base_url = "https://acme.test"', "base_url = 1", 19, "endpoints[1].base_url", "", "Expected `str`, got `int`"),
    ("strip =", "stripp =", 10, "endpoints[0].quirks.stripp", "strip", "no key 'stripp'"),
    ('["seed"]', '"seed"', 10, "endpoints[0].quirks.strip", "", "Expected `array`"),
    ("sampling", "samplng", 11, "endpoints[0].quirks.target.samplng", "sampling", "no target fact 'samplng'"),
    ("{ sampling = false }", "{ model = 'x' }", 11, "endpoints[0].quirks.target.model", "", "no target fact 'model'"),
    ("sampling = false", "sampling = 0", 11, "endpoints[0].quirks.target.sampling", "", "Expected `bool`"),
    ("sampling = false", "tool_id_pattern = '('", 11, "endpoints[0].quirks.target.tool_id_pattern", "", "no regular"),
    ("sampling = false", "reasoning_style = 'x'", 11, "endpoints[0].quirks.target.reasoning_style", "", "'x'"),
    ("[0, 1]", "[1, 0]", 15, "endpoints[0].quirks.when[0].clamp.temperature", "", "above 1 and below 0"),
    ("model =", "modle =", 14, "endpoints[0].quirks.when[0].modle", "model", "no key 'modle'"),
    (
        'strip = ["seed"]',
        'error_codes = { 7 = "ratelimit" }',
        10,
        "endpoints[0].quirks.error_codes.7",
        "rate_limit",
        "kind",
    ),
    ('name = "Acme"', 'region = "cn"\nregions = { us = "https://us" }', 2, "region", "", "knows no region 'cn'"),
    ('id = "acme"', "", 1, "id", "", "needs an id"),
    ('name = "Acme"', 'id = "again"', 2, "id", "", "second time"),
    ('name = "Acme"', "name = ", 2, "", "", "not valid TOML"),
]


def test_the_good_file_is_good() -> None:
    """What the mistakes are made in loads."""
    assert load_provider(GOOD, "acme.toml").endpoints[0].quirks.when[0].model == "m*"


@pytest.mark.parametrize(("old", "new", "line", "key", "meant", "says"), MISTAKES, ids=[case[5] for case in MISTAKES])
def test_a_mistake_is_placed(old: str, new: str, line: int, key: str, meant: str, says: str) -> None:
    """File, line, key, suggestion and reason, for every way to be wrong."""
    assert old in GOOD
    with pytest.raises(ConfigError) as caught:
        load_provider(GOOD.replace(old, new, 1), "acme.toml")
    error = caught.value
    assert (error.file, error.line, error.key, error.did_you_mean) == ("acme.toml", line, key, meant)
    assert says in error.message
    assert str(error).startswith(f"acme.toml:{line}: ")


MODELS = """\
sources = ["https://acme.test (2026-01-01): all of it"]

[[models.acme]]
id = "one"
price = { input = 1, tiers = [{ above = 10, input = 2 }] }

[[models.acme]]
id = "two"
target = { adaptive_only = true }
sources = ["https://acme.test/two (2026-01-01): this"]
"""


def test_models_take_the_sources_of_their_file() -> None:
    """A model without sources of its own has those of the file."""
    one, two = sourced(load_model_file(MODELS, "m.toml"))["acme"]
    assert one.sources == ("https://acme.test (2026-01-01): all of it",)
    assert two.sources == ("https://acme.test/two (2026-01-01): this",)


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "says"),
    [
        ('"two"', '"one"', 8, "models.acme[1].id", "second time"),
        ('id = "two"', 'name = "two"', 7, "models.acme[1]", "needs an id"),
        ("adaptive_only", "adaptive", 9, "models.acme[1].target.adaptive", "no target fact"),
        ("above", "abvoe", 5, "models.acme[0].price.tiers[0].abvoe", "no key 'abvoe'"),
        ('id = "one"', 'id = "one"\nkind = "chatt"', 5, "models.acme[0].kind", "one of chat"),
    ],
)
def test_a_mistake_in_a_model_is_placed(old: str, new: str, line: int, key: str, says: str) -> None:
    """Also inside lists of inline tables."""
    with pytest.raises(ConfigError) as caught:
        load_model_file(MODELS.replace(old, new, 1), "m.toml")
    assert (caught.value.line, caught.value.key) == (line, key)
    assert says in caught.value.message


TEXT = '''\
# a comment with key = value
top = """
server = "not a table
[not.a.table]
"""
a.b = 1
[server]
"quoted key" = 2
inline = { x = 1, y = { z = 2 } }
many = [
  { name = "one" },
  { nmae = "two" },
]
[[list]]
k = 1
[list.inner]
k = 2
[[list]]
k = 3
[list.inner]
k = 4
'''


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("top",), 2),
        (("a", "b"), 6),
        (("a",), 6),
        (("server",), 7),
        (("server", "quoted key"), 8),
        (("server", "inline", "y", "z"), 9),
        (("server", "many", 1, "nmae"), 12),
        (("server", "unknown"), 7),
        (("list", 0, "k"), 15),
        (("list", 0, "inner", "k"), 17),
        (("list", 1), 18),
        (("list", 1, "inner", "k"), 21),
        (("nowhere",), None),
        ((), None),
    ],
)
def test_lines(place: tuple[str | int, ...], line: int | None) -> None:
    """Tables, dotted and quoted keys, lists of tables, inline tables and text over several lines."""
    assert line_of(TEXT, place) == line
