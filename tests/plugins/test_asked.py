"""What a request asks of the gateway, in every way in which it can be said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hexapla.errors import ProtocolError
from hexapla.plugins.asked import Plugins, Wish, read
from hexapla.translate.peek import peek
from hexapla.wire.rawjson import split

PLACE = {"type": "approximate", "country": "CN", "city": "Xian"}
ONE = {"country": "CN", "city": "Xian"}
FUNCTION = {"type": "function", "function": {"name": "f"}}


def asked(**fields: Any) -> Plugins | None:
    return read(split(json.dumps(fields).encode()))


def wish(**fields: Any) -> Wish | None:
    found = asked(**fields)
    assert found is not None
    return found.search


def plugin(**fields: Any) -> dict[str, Any]:
    return {"plugins": [{"id": "web", **fields}]}


@pytest.mark.parametrize(
    ("fields", "wished"),
    [
        (plugin(), Wish()),
        (plugin(engine="exa", max_results=3), Wish(engine="exa", results=3)),
        (plugin(engine="auto", max_results=99), Wish(results=25)),
        (plugin(engine=None, search_prompt="Look:"), Wish(prompt="Look:")),
        (plugin(include_domains=["a.org"], exclude_domains=["b.org"]), Wish(include=("a.org",), exclude=("b.org",))),
        (plugin(max_uses=2, user_location=PLACE), Wish(uses=2, place=ONE)),
        (plugin() | {"tools": [FUNCTION]}, Wish(beside=True)),
        (plugin() | {"web_search_options": {"search_context_size": "high"}}, Wish(size="high")),
        (
            {"web_search_options": {"user_location": {"type": "approximate", "approximate": PLACE}}},
            Wish(place=ONE, must=False),
        ),
        ({"tools": [{"type": "openrouter:web_search"}]}, Wish(tool=True)),
        (
            {
                "tools": [
                    FUNCTION,
                    {"type": "openrouter:web_search", "parameters": {"engine": "native", "allowed_domains": ["a.org"]}},
                ]
            },
            Wish(engine="native", include=("a.org",), tool=True, beside=True),
        ),
        (
            {
                "tools": [
                    {"type": "web_search_20250305", "name": "web_search", "max_uses": 8, "blocked_domains": ["b.org"]}
                ]
            },
            Wish(uses=8, exclude=("b.org",), must=False, tool=True, foreign=True),
        ),
        (
            {
                "tools": [{"type": "web_search_20250305", "name": "web_search"}],
                "tool_choice": {"type": "tool", "name": "web_search"},
            },
            Wish(tool=True, foreign=True),
        ),
        (
            {
                "tools": [
                    {"type": "web_search", "filters": {"allowed_domains": ["a.org"]}, "search_context_size": "low"}
                ]
            },
            Wish(include=("a.org",), size="low", must=False, tool=True, foreign=True),
        ),
        ({"tools": [{"googleSearch": {}}]}, Wish(must=False, tool=True, foreign=True)),
        (
            {"tools": [{"google_search": {"excludeDomains": ["b.org"]}}]},
            Wish(exclude=("b.org",), must=False, tool=True, foreign=True),
        ),
    ],
)
def test_a_search(fields: dict[str, Any], wished: Wish) -> None:
    assert wish(**fields) == wished


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"plugins": []},
        {"plugins": None},
        {"transforms": []},
        {"plugins": [{"id": "web", "enabled": False}]},
        {"plugins": [{"id": "auto-router", "cost_tier": "low"}]},
        {"tools": [{"type": "function", "function": {"name": "web_search"}}]},
        {"tools": [{"type": "function", "name": "f", "description": "like web_search"}]},
    ],
)
def test_nothing(fields: dict[str, Any]) -> None:
    """An empty list, what is switched off, a router's own plugin, and a client's function of the same name."""
    assert asked(**fields) is None


def test_the_others() -> None:
    listed = [{"id": "response-healing"}, {"id": "file-parser", "pdf": {"engine": "native"}}, {"id": "fusion"}]
    assert asked(plugins=listed) == Plugins(heals=True, pdf="native", unknown=("fusion",))
    assert asked(transforms=["middle-out", "outside-in"]) == Plugins(compresses=True, unknown=("outside-in",))
    assert asked(plugins=[{"id": "context-compression"}, {"id": "file-parser"}]) == Plugins(compresses=True, pdf="auto")


@pytest.mark.parametrize("plugins", ["web", {"id": "web"}, [{"engine": "exa"}], [{"id": "web", "max_results": "many"}]])
def test_what_is_no_list_of_plugins(plugins: Any) -> None:
    with pytest.raises(ProtocolError, match="plugins must be a list of objects with an id") as caught:
        asked(plugins=plugins)
    assert caught.value.path == "$.plugins"


def test_a_plain_request_is_not_looked_into() -> None:
    """Its fields alone tell; tools are read only where their bytes speak of a search."""
    body = {"model": "m", "messages": [], "tools": [FUNCTION]}
    assert peek("openai_chat", json.dumps(body).encode()).plugins is None
    body["tools"] = [{"type": "web_search_preview"}]
    assert peek("openai_chat", json.dumps(body).encode()).plugins is not None
