"""Who searches, and how an endpoint that can is asked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hexapla.catalog.quirks import merge
from hexapla.catalog.schema import Search
from hexapla.config import builtin_providers
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest, ServerTool, Tool, ToolChoice
from hexapla.plugins.asked import Wish
from hexapla.plugins.native import asking, way, without_search
from hexapla.wire.rawjson import dump

TOOL = Search(tool={"type": "web_search"}, include="filters.allowed_domains")
ALONE = Search(tool={"googleSearch": {}}, alone=True)
EITHER = Search(tool={"type": "s"}, include="a", exclude="b", either=True)
RUMOUR = Search(tool={"type": "s"}, status="third-party")
ONE, BOTH = ("a.org",), {"include": ("a.org",), "exclude": ("b.org",)}


@pytest.mark.parametrize(
    ("wish", "search", "alone", "configured"),
    [
        # what happens without and with a service of the gateway's own
        (Wish(), None, "", "found"),
        (Wish(), TOOL, "native", "native"),
        (Wish(engine="native"), None, "", ""),
        (Wish(engine="native"), TOOL, "native", "native"),
        (Wish(engine="exa"), TOOL, "", "found"),
        (Wish(include=ONE), TOOL, "native", "native"),
        (Wish(exclude=ONE), TOOL, "native", "found"),
        (Wish(engine="native", exclude=ONE), TOOL, "native", "native"),
        (Wish(**BOTH), EITHER, "native", "found"),
        (Wish(beside=True), ALONE, "", "found"),
        (Wish(beside=True), TOOL, "native", "native"),
        (Wish(must=False, tool=True, foreign=True, beside=True), TOOL, "native", "native"),
        (Wish(must=False, tool=True, foreign=True, beside=True), None, "", ""),
        (Wish(must=False, tool=True, foreign=True, beside=True), RUMOUR, "", ""),
        (Wish(must=False, tool=True, foreign=True), None, "", "found"),
        (Wish(tool=True, foreign=True), None, "", "found"),
        (Wish(must=False), None, "", "found"),
    ],
)
def test_who_searches(wish: Wish, search: Search | None, alone: str, configured: str) -> None:
    assert way(wish, search, configured=False) == alone
    assert way(wish, search, configured=True) == configured


PROVIDERS = builtin_providers()
FULL = Wish(include=ONE, uses=3, size="low", place={"country": "CN"})
HERE = {"type": "approximate", "country": "CN"}
ASKED: list[tuple[str, str, str, dict[str, Any], set[str]]] = [
    # provider, protocol, model; what its body gets; what it cannot be told
    (
        "openai",
        "openai_responses",
        "gpt-5.2",
        {
            "type": "web_search",
            "filters": {"allowed_domains": ["a.org"]},
            "search_context_size": "low",
            "user_location": HERE,
        },
        {"uses"},
    ),
    (
        "openai",
        "openai_chat",
        "gpt-4o-search-preview",
        {"web_search_options": {"search_context_size": "low"}},
        {"include", "uses", "place"},
    ),
    (
        "anthropic",
        "anthropic_messages",
        "claude-sonnet-4-5",
        {
            "type": "web_search_20250305",
            "name": "web_search",
            "allowed_domains": ["a.org"],
            "max_uses": 3,
            "user_location": HERE,
        },
        {"size"},
    ),
    ("gemini", "gemini_generate", "gemini-3-flash", {"googleSearch": {}}, {"include", "uses", "size", "place"}),
    (
        "xai",
        "openai_responses",
        "grok-4.5",
        {"type": "web_search", "filters": {"allowed_domains": ["a.org"]}},
        {"uses", "size", "place"},
    ),
    (
        "perplexity",
        "openai_responses",
        "sonar",
        {
            "type": "web_search",
            "filters": {"search_domain_filter": ["a.org"]},
            "search_context_size": "low",
            "user_location": HERE,
        },
        {"uses"},
    ),
    (
        "perplexity",
        "openai_chat",
        "sonar-pro",
        {"search_domain_filter": ["a.org"], "web_search_options": {"search_context_size": "low"}},
        {"uses", "place"},
    ),
    (
        "dashscope",
        "openai_chat",
        "qwen3-max",
        {"enable_search": True, "search_options": {"forced_search": True}},
        {"include", "uses", "size", "place"},
    ),
    (
        "bigmodel",
        "openai_chat",
        "glm-4.6",
        {"type": "web_search", "web_search": {"enable": True, "search_engine": "search_std", "search_result": True}},
        {"include", "uses", "size", "place"},
    ),
    (
        "openrouter",
        "anthropic_messages",
        "z-ai/glm-4.6",
        {
            "type": "openrouter:web_search",
            "parameters": {
                "allowed_domains": ["a.org"],
                "max_uses": 3,
                "search_context_size": "low",
                "user_location": HERE,
            },
        },
        set(),
    ),
]


def search_of(provider: str, protocol: str, model: str) -> Search | None:
    endpoint = next(each for each in PROVIDERS[provider].endpoints if each.protocol == protocol)
    return merge(endpoint.quirks, model).search


@pytest.mark.parametrize(
    ("provider", "protocol", "model", "body", "lost"), ASKED, ids=lambda v: v if isinstance(v, str) else ""
)
def test_how_a_vendor_is_asked(provider: str, protocol: str, model: str, body: dict[str, Any], lost: set[str]) -> None:
    """Its own tool, or its own fields; what it cannot be told is a loss."""
    search = search_of(provider, protocol, model)
    assert search is not None
    losses = LossLog()
    request, fields = asking(GenerateRequest(protocol="openai_chat", model="m"), FULL, search, protocol, losses)
    said = [
        json.loads(bytes(tool.data))
        for tool in request.tools
        if isinstance(tool, ServerTool) and tool.origin == protocol
    ]
    assert (said or [json.loads(json.dumps(fields))]) == [json.loads(json.dumps(body))]
    assert {loss.field.removeprefix("search.") for loss in losses.losses} == lost


@pytest.mark.parametrize(
    ("provider", "protocol", "model"),
    [
        ("openai", "openai_responses", "gpt-4o"),
        ("openai", "openai_chat", "gpt-5.2"),
        ("xai", "openai_chat", "grok-4.5"),
        ("dashscope", "openai_chat", "qwen-coder-plus"),
        ("moonshot", "openai_chat", "kimi-k2"),
        ("deepseek", "openai_chat", "deepseek-chat"),
    ],
)
def test_who_has_none(provider: str, protocol: str, model: str) -> None:
    assert search_of(provider, protocol, model) is None


def test_tools_that_search_leave_with_what_chose_them() -> None:
    hosted = ServerTool(origin="anthropic_messages", type="web_search_20250305", name="web_search", data=dump({}))
    own = Tool(name="f")
    named, other = ToolChoice(mode="named", name="web_search"), ToolChoice(mode="named", name="f")
    request = GenerateRequest(protocol="anthropic_messages", model="m", tools=(hosted, own), tool_choice=named)
    assert (without_search(request).tools, without_search(request).tool_choice) == ((own,), None)
    request = GenerateRequest(protocol="anthropic_messages", model="m", tools=(hosted, own), tool_choice=other)
    assert without_search(request).tool_choice == other
    plain = GenerateRequest(protocol="anthropic_messages", model="m", tools=(own,))
    assert without_search(plain) is plain
