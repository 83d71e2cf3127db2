"""claude-code-router: the old file with its routes, and the form of version 3."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hexapla.importers.ccr import convert
from importers.importing import Imported, imported


def ccr(data: dict[str, Any] | str, *, keep: bool = False) -> Imported:
    text = data if isinstance(data, str) else json.dumps(data)
    return imported(text, "config.json", convert, keep=keep)


def provider(name: str, url: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "api_base_url": url, "api_key": "a-secret-key", "models": ["m"], **more}


VERSION_2 = """\
// what its documentation shows, with a comment and a comma too many
{
  "APIKEY": "client-secret", /* for clients */
  "HOST": "0.0.0.0", "PORT": 4567, "API_TIMEOUT_MS": "600000", "LOG": true, "NON_INTERACTIVE_MODE": false,
  "CUSTOM_ROUTER_PATH": "$HOME/custom.js", "StatusLine": {"enabled": true},
  "Providers": [
    {"name": "openrouter", "api_base_url": "https://openrouter.ai/api/v1/chat/completions", "api_key": "$OR_KEY",
     "models": ["google/gemini-2.5-pro-preview"], "transformer": {"use": [["openrouter", {"title": "x"}]]}},
    {"name": "deepseek", "api_base_url": "https://api.deepseek.com/chat/completions", "api_key": "sk-literal // no comment",
     "models": ["deepseek-chat", "deepseek-reasoner"],
     "transformer": {"use": ["deepseek"], "deepseek-chat": {"use": ["tooluse"]}}},
    {"name": "ollama", "api_base_url": "http://localhost:11434/v1/chat/completions", "api_key": "ollama",
     "models": ["qwen2.5-coder:latest"]},
    {"name": "gemini", "api_base_url": "https://generativelanguage.googleapis.com/v1beta/models/", "api_key": "g-secret",
     "models": ["gemini-2.5-flash"], "transformer": {"use": ["gemini"]}},
    {"name": "volcengine", "api_base_url": "https://ark.cn-beijing.volces.com/api/v3/chat/completions",
     "api_key": "${ARK_API_KEY}", "models": ["deepseek-v3"], "transformer": {"use": ["deepseek"]}},
    {"name": "Model Scope", "api_base_url": "https://api-inference.modelscope.cn/v1/chat/completions", "api_key": "",
     "models": ["Qwen/Qwen3"], "transformer": {"use": [["maxtoken", {"max_tokens": 65536}], "enhancetool", "mine"]}},
  ],
  "Router": {
    "default": "deepseek,deepseek-chat", "background": "ollama,qwen2.5-coder:latest",
    "think": "deepseek,deepseek-reasoner", "longContext": "openrouter,google/gemini-2.5-pro-preview",
    "longContextThreshold": 60000, "webSearch": "gemini,gemini-2.5-flash",
  },
  "fallback": {"default": ["Model Scope,Qwen/Qwen3", "gone,x"], "think": ["openrouter,x"]},
}
"""


def test_version_2() -> None:
    """Providers become built-in ones, routes a profile, the key of the gateway a client key."""
    found = ccr(VERSION_2)
    made = found.config.profiles["ccr"]
    assert made.models() == {
        "default": "deepseek/deepseek-chat",
        "haiku": "ollama/qwen2.5-coder:latest",
        "opus": "deepseek/deepseek-reasoner",
    }
    assert made.backups == ("model-scope/Qwen/Qwen3", "openrouter/google/gemini-2.5-pro-preview")
    assert found.draft.safe.secrets == {
        "DEEPSEEK_API_KEY": "sk-literal // no comment",
        "GEMINI_API_KEY": "g-secret",
        "HEXAPLA_KEY": "client-secret",
    }
    assert found.draft.safe.variables == {*found.draft.safe.secrets, "OR_KEY"} | {"ARK_API_KEY"}
    assert found.provider("openrouter").auth.env == "OR_KEY"
    assert "https://api-inference.modelscope.cn/v1" in found.serves("model-scope/Qwen/Qwen3")
    assert (found.config.server.host, found.config.server.port) == ("0.0.0.0", 4567)
    assert found.config.timeouts.total == 600 and found.config.key_names()
    assert found.kinds("changed") == {"Router.think": "thinking", "Router.longContext": "longest"}
    assert found.kinds("left") == {
        "Providers[1].transformer.deepseek-chat": "needless",
        "Providers[5].transformer maxtoken 65536": "default",
        "Providers[5].transformer mine": "script",
        "Router.longContextThreshold": "scenario",
        "Router.webSearch": "scenario",
        "fallback.think": "scenario",
        "LOG": "needless",
        "NON_INTERACTIVE_MODE": "needless",
        "CUSTOM_ROUTER_PATH": "script",
        "StatusLine": "needless",
    }
    assert found.codes("fallback") == {"no-model"}


def test_the_other_spelling_of_version_2() -> None:
    """`baseUrl`, `apiKey` and `Router.routes`, as its server documentation has them."""
    data = {
        "Providers": [
            {"name": "openai", "baseUrl": "https://api.openai.com/v1", "apiKey": "$OPENAI_API_KEY", "models": []}
        ],
        "Router": {"default": "openai,gpt-4o", "routes": {"background": "openai,gpt-4o-mini"}},
    }
    found = ccr(data)
    assert found.config.profiles["ccr"].models() == {"default": "openai/gpt-4o", "haiku": "openai/gpt-4o-mini"}
    assert not found.config.providers, "the built-in provider finds its usual variable by itself"


@pytest.mark.parametrize(
    ("more", "protocol"),
    [
        ({}, "openai_chat"),
        ({"transformer": {"use": ["Anthropic"]}}, "anthropic_messages"),
        ({"transformer": {"use": ["gemini"]}}, "gemini_generate"),
        ({"type": "openai_responses"}, "openai_responses"),
        ({"type": "openai"}, "openai_responses"),
        ({"type": "anthropic_messages", "transformer": {"use": ["gemini"]}}, "anthropic_messages"),
        ({"capabilities": [{"type": "openai_images"}, {"type": "gemini_generate_content"}]}, "gemini_generate"),
    ],
)
def test_protocols(more: dict[str, Any], protocol: str) -> None:
    found = ccr({"Providers": [provider("mine", "https://mine.example/v1", **more)]})
    assert found.provider("mine").endpoints[0].protocol == protocol


def test_version_3() -> None:
    """Typed providers with pools of keys, a chain for failures, keys of clients and profiles of agents."""
    data = {
        "Providers": [
            provider(
                "Mine API",
                "https://mine.example/v1",
                id="mine-id",
                type="openai_chat_completions",
                credentials=[
                    {"api_key": "second-secret", "priority": 2, "weight": 3, "name": "b"},
                    {"api_key": "first-secret", "priority": 1, "name": "a", "limits": {"rpm": 60}},
                    {"api_key": "off-secret", "enabled": False},
                ],
                extraHeaders={"X-Plain": "yes", "X-Api-Key": "header-secret"},
                extraBody={"store": False},
                modelDescriptions={"m": "for everything"},
            ),
            provider("Off", "https://off.example/v1", enabled=False),
        ],
        "Router": {
            "builtInRules": {"codex": {"enabled": True}},
            "rules": [{"id": "r1", "name": "Long ones", "type": "condition", "target": "Mine API/m"}],
            "fallback": {"mode": "model-chain", "models": ["Mine API/n"], "retryCount": 3},
        },
        "APIKEYS": [{"id": "k", "name": "laptop", "key": "client-secret", "createdAt": "2026", "limits": {"rpm": 1}}],
        "APIKEY": "client-secret",
        "profile": {
            "profiles": [
                {"agent": "claude-code", "id": "p1", "name": "My Claude", "enabled": True, "model": "Mine API/m",
                 "smallFastModel": "mine-id/s", "opusModel": "Mine API,o", "env": {"FOO": "bar", "A_TOKEN": "env-secret"}},
                {"agent": "codex", "id": "p2", "name": "off", "enabled": False, "model": "Mine API/m"},
                {"agent": "codex", "id": "p3", "name": "lost", "enabled": True, "model": "Nobody/m"},
            ]
        },
        "toolHub": {"enabled": True},
        "theme": "dark",
    }  # fmt: skip
    found = ccr({"config": data})
    auth = found.provider("mine-api").auth
    assert [(key.env, key.weight) for key in auth.keys if not isinstance(key, str)] == [
        ("MINE_API_API_KEY", 0),
        ("MINE_API_API_KEY_2", 3),
    ]
    (endpoint,) = found.provider("mine-api").endpoints
    assert endpoint.headers["X-Plain"] == "yes" and "header-secret" not in found.text
    assert endpoint.quirks.set == {"store": False}
    made = found.config.profiles["my-claude"]
    assert made.models() == {"default": "mine-api/m", "haiku": "mine-api/s", "opus": "mine-api/o"}
    assert made.environment["FOO"] == "bar" and "env-secret" not in found.text
    assert found.config.retry.retries == 3 and len(found.config.keys) == 1
    assert set(found.draft.safe.secrets.values()) == {
        "first-secret", "second-secret", "header-secret", "client-secret", "env-secret",
    }  # fmt: skip
    assert found.kinds("left") == {
        "Providers[0].modelDescriptions": "needless",
        "Providers[1] Off": "disabled",
        "Router.rules[0] Long ones": "rule",
        "Router.builtInRules": "needless",
        "profile.profiles[1] off": "disabled",
        "profile.profiles[2]": "empty",
        "APIKEYS[0].limits": "limit",
        "toolHub": "service",
        "theme": "needless",
    }


def test_a_proxy_holds_for_every_provider() -> None:
    """Its password becomes a reference; built-in providers keep their quirks."""
    data = {
        "PROXY_URL": "http://me:proxy-secret@127.0.0.1:7890",
        "Providers": [provider("deepseek", "https://api.deepseek.com/chat/completions")],
        "Router": {"default": "deepseek,deepseek-chat"},
    }
    found = ccr(data)
    assert "proxy-secret" not in found.text
    own = found.provider("my-deepseek")
    assert {each.proxy for each in own.endpoints} == {"value-of-PROXY_URL"}
    assert [each.quirks for each in own.endpoints] == [each.quirks for each in found.provider("deepseek").endpoints]
    assert found.config.profiles["ccr"].model == "my-deepseek/deepseek-chat"


def test_an_address_with_a_key_in_it() -> None:
    found = ccr({"Providers": [provider("mine", "https://mine.example/v1?api_key=query-secret")]})
    assert "query-secret" not in found.text and found.draft.safe.secrets["MINE_URL"].endswith("query-secret")
    found = ccr({"Providers": [provider("mine", "$MY_BASE/v1")]})
    assert found.provider("mine").endpoints[0].base_url == "value-of-MY_BASE/v1"


@pytest.mark.parametrize(
    "data",
    [
        {"Providers": {"name": "x"}},
        {"Providers": [None, 1, {"name": "x"}, {"api_base_url": "http://h"}]},
        {"Router": []},
        {"Router": {"default": 5, "rules": [1]}},
        {"Providers": [provider("x", "http://h:1/v1", transformer=["a"], credentials=[1, {}])]},
        {"APIKEYS": [1, {"key": 3}], "PORT": "many", "API_TIMEOUT_MS": -1},
    ],
)
def test_wrong_types_break_nothing(data: dict[str, Any]) -> None:
    ccr(data)
