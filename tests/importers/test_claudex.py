"""Claudex: the rows of its documented examples, and what people make of them."""

from __future__ import annotations

import pytest

from hexapla.importers.claudex import convert
from importers.importing import Imported, imported


def claudex(text: str, *, keep: bool = False) -> Imported:
    return imported(text, "claudex.toml", convert, keep=keep)


def profile(
    name: str, url: str, model: str, more: str = "", kind: str = "OpenAICompatible", key: str = "a-secret"
) -> str:
    return (
        f'[[profiles]]\nname = "{name}"\nprovider_type = "{kind}"\nbase_url = "{url}"\napi_key = "{key}"\n'
        f'default_model = "{model}"\n{more}\n'
    )


ROWS = [
    ("anthropic", "DirectAnthropic", "https://api.anthropic.com", "anthropic", "ANTHROPIC_API_KEY"),
    ("minimax", "DirectAnthropic", "https://api.minimax.io/anthropic", "minimax", "MINIMAX_API_KEY"),
    ("minimax cn", "DirectAnthropic", "https://api.minimaxi.com/anthropic", "minimax", "MINIMAX_API_KEY"),
    ("openrouter", "OpenAICompatible", "https://openrouter.ai/api/v1", "openrouter", "OPENROUTER_API_KEY"),
    ("grok", "OpenAICompatible", "https://api.x.ai/v1", "xai", "XAI_API_KEY"),
    ("chatgpt", "OpenAIResponses", "https://api.openai.com/v1", "openai", "OPENAI_API_KEY"),
    ("deepseek", "OpenAICompatible", "https://api.deepseek.com", "deepseek", "DEEPSEEK_API_KEY"),
    ("deepseek v1", "OpenAICompatible", "https://api.deepseek.com/v1/", "deepseek", "DEEPSEEK_API_KEY"),
    ("kimi", "OpenAICompatible", "https://api.moonshot.ai/v1", "moonshot", "MOONSHOT_API_KEY"),
    ("kimi cn", "OpenAICompatible", "https://api.moonshot.cn/v1", "moonshot", "MOONSHOT_API_KEY"),
    ("glm", "OpenAICompatible", "https://api.z.ai/api/paas/v4", "zai", "ZAI_API_KEY"),
    ("groq", "OpenAICompatible", "https://api.groq.com/openai/v1", "groq", "GROQ_API_KEY"),
    ("together", "OpenAICompatible", "https://api.together.xyz/v1", "together", "TOGETHER_API_KEY"),
    ("perplexity", "OpenAICompatible", "https://api.perplexity.ai", "perplexity", "PERPLEXITY_API_KEY"),
    ("glm coding", "OpenAICompatible", "https://api.z.ai/api/coding/paas/v4", "glm-coding", "GLM_CODING_API_KEY"),
    ("local", "OpenAICompatible", "http://localhost:8000/v1", "local", "LOCAL_API_KEY"),
    ("openai", "OpenAICompatible", "https://my-own.example/v1", "my-openai", "OPENAI_API_KEY"),
]


@pytest.mark.parametrize(("name", "kind", "url", "provider", "variable"), ROWS, ids=[row[0] for row in ROWS])
def test_rows(name: str, kind: str, url: str, provider: str, variable: str) -> None:
    """A known address is the built-in provider, any other one's own; the key moves to the usual variable."""
    found = claudex(profile(name, url, "some-model", kind=kind))
    made = next(iter(found.config.profiles.values()))
    assert (made.provider, made.model) == (provider, "some-model")
    assert found.draft.safe.secrets == {variable: "a-secret"} and "a-secret" not in found.text
    assert found.draft.safe.variables == {variable}
    host = url.partition("://")[2].partition("/")[0].replace("localhost", "localhost").replace("xyz", "ai")
    assert any(host in endpoint.base_url for endpoint in found.provider(provider).endpoints)


def test_local_servers_need_no_key() -> None:
    """What stands there only because Claudex insists on a key is no secret."""
    text = profile("local-qwen", "http://localhost:11434/v1", "qwen2.5:72b", key="")
    text += profile("lm-studio", "http://localhost:1234/v1", "local-model", key="lm-studio")
    text += profile("llama", "http://10.0.0.5:9000/v1", "llama", key="none")
    found = claudex(text)
    assert [each.provider for each in found.config.profiles.values()] == ["ollama", "lmstudio", "llama"]
    assert not found.draft.safe.secrets and found.provider("llama").auth.kind == "none"


def test_everything_of_a_profile() -> None:
    """Slots, backups, headers, query, cap, stripping and environment; secrets among them become references."""
    more = """backup_providers = ["second", "gone"]
max_tokens = 16384
strip_params = "temperature, top_p"
[profiles.models]
haiku = "fast"
opus = "strong"
[profiles.custom_headers]
X-Title = "mine"
Authorization = "Bearer header-secret"
[profiles.extra_env]
SOME_VAR = "value"
MY_TOKEN = "environment-secret"
COPILOT_AUTH = "1"
[profiles.query_params]
tier = "gold"
"""
    text = profile("first", "https://first.example/v1", "main", more) + profile(
        "second", "https://second.example/v1", "m"
    )
    found = claudex(text)
    made = found.config.profiles["first"]
    assert (made.haiku, made.sonnet, made.opus) == ("fast", "", "strong")
    assert made.backups == ("second",) and found.codes("profiles[0].backup_providers") == {"no-profile"}
    assert made.max_tokens == 16384 and made.strip_params == ("temperature", "top_p")
    assert made.query == {"tier": "gold"} and set(made.environment) == {"SOME_VAR", "MY_TOKEN"}
    assert made.headers["X-Title"] == "mine" and made.headers["Authorization"].startswith("Bearer value-of-")
    assert not [secret for secret in ("header-secret", "environment-secret", "a-secret") if secret in found.text]
    assert set(found.draft.safe.secrets.values()) == {"header-secret", "environment-secret", "a-secret"}


@pytest.mark.parametrize(
    ("said", "made"), [('"auto"', "auto"), ('"none"', "none"), ('"false"', "none"), ('["a"]', ("a",))]
)
def test_strip_params(said: str, made: str | tuple[str, ...]) -> None:
    found = claudex(profile("p", "https://p.example/v1", "m", f"strip_params = {said}"))
    assert found.config.profiles["p"].strip_params == made


def test_two_keys_of_one_vendor_stay_apart() -> None:
    """Work and private: the second is a provider of its own, with all that is built in for that address."""
    url = "https://api.deepseek.com"
    found = claudex(
        profile("work", url, "deepseek-chat") + profile("private", url, "deepseek-chat", key="another-secret")
    )
    first, second = found.config.profiles.values()
    assert (first.provider, second.provider) == ("deepseek", "private")
    own, built = found.provider("private"), found.provider("deepseek")
    assert [each.quirks for each in own.endpoints] == [each.quirks for each in built.endpoints]
    assert own.auth.env == "PRIVATE_API_KEY"
    assert found.draft.safe.secrets == {"DEEPSEEK_API_KEY": "a-secret", "PRIVATE_API_KEY": "another-secret"}


def test_the_same_key_twice_is_one_provider() -> None:
    url = "https://somewhere.example/v1"
    found = claudex(profile("one", url, "a") + profile("two", url, "b"))
    assert len(found.draft.safe.secrets) == 1


def test_azure() -> None:
    """The deployment stands in the address, the version in the query, the key in a header of Azure's own."""
    base = "https://res.openai.azure.com/openai/deployments/prod"
    found = claudex(
        profile("azure-openai", base, "gpt-4o", '[profiles.query_params]\napi-version = "2024-12-01-preview"')
    )
    provider = found.provider("azure-openai")
    (endpoint,) = provider.endpoints
    assert endpoint.base_url == base and endpoint.path == "/chat/completions"
    assert endpoint.query == {"api-version": "2024-12-01-preview"} and provider.auth.header == "api-key"
    assert not found.config.profiles["azure-openai"].query


def test_vertex() -> None:
    """The built-in provider asks for the right path; project and region are told, the hour-long token is not kept."""
    base = "https://us-east5-aiplatform.googleapis.com/v1/projects/my-project/locations/us-east5/publishers/anthropic/models"
    found = claudex(profile("vertex", base, "claude-sonnet-4@20250514", kind="DirectAnthropic"))
    assert found.config.profiles["vertex"].provider == "vertex_anthropic" and not found.draft.safe.secrets
    assert found.codes("profiles[0]") >= {"place", "provider"}


@pytest.mark.parametrize(
    ("kind", "provider", "code"),
    [
        ("claude", "claude_subscription", "own-login"),
        ("openai", "chatgpt_codex", "login"),
        ("google", "gemini_subscription", "own-login"),
        ("kimi", "kimi_code", "login"),
        ("github", "github_copilot", "login"),
        ("gitlab", "gitlab_duo", "login"),
        ("qwen", "qwen_subscription", "ended"),
    ],
)
def test_logins(kind: str, provider: str, code: str) -> None:
    """Subscriptions are the built-in logins, and what to run is told."""
    found = claudex(profile("sub", "https://x.example", "m", f'auth_type = "oauth"\noauth_provider = "{kind}"', key=""))
    assert found.config.profiles["sub"].provider == provider and code in found.codes("profiles[0]")


def test_a_keyring_entry() -> None:
    text = profile("p", "https://p.example/v1", "m", 'api_key_keyring = "entry"', key="")
    assert claudex(text).provider("p").auth.keyring == "claudex/entry"


def test_what_is_not_carried_is_told() -> None:
    """Off, incomplete, twice, unknown, or done in another way: each has its reason."""
    text = """proxy_port = 13456
proxy_host = "0.0.0.0"
hyperlinks = "auto"
novelty = 1
[model_aliases]
ds = "deepseek-chat"
lost = "nobody-knows-this"
[router]
enabled = true
[context.rag]
enabled = true
"""
    text += profile("off", "https://off.example/v1", "m", "enabled = false")
    text += '[[profiles]]\nname = "half"\n' + profile("ds", "https://api.deepseek.com", "deepseek-chat", "shiny = true")
    text += profile("ds", "https://else.example/v1", "m")
    found = claudex(text)
    assert list(found.config.profiles) == ["ds"] and found.config.aliases == {"ds": "deepseek/deepseek-chat"}
    assert found.kinds("left") == {
        "profiles[0] off": "disabled",
        "profiles[1]": "empty",
        "profiles[2].shiny": "unknown",
        "profiles[3]": "twice",
        "router": "router",
        "context": "context",
        "hyperlinks": "needless",
        "novelty": "unknown",
    }
    assert found.codes("model_aliases.lost") == {"no-model"}
    assert found.config.server.host == "0.0.0.0" and "host-keys" in found.codes("proxy_host")
    assert found.config.server.port == 6336


def test_secrets_are_kept_on_demand() -> None:
    found = claudex(profile("p", "https://p.example/v1", "m"), keep=True)
    assert (
        found.provider("p").auth.key == "a-secret" and not found.draft.safe.secrets and not found.draft.safe.variables
    )


def test_yaml_says_the_same() -> None:
    """Claudex takes both; the YAML form of a profile makes the same file."""
    toml = claudex(profile("p", "https://p.example/v1", "m", '[profiles.models]\nhaiku = "h"'))
    yaml = """profiles:
  - name: p
    provider_type: OpenAICompatible
    base_url: https://p.example/v1
    api_key: a-secret
    default_model: m
    models: {haiku: h}
"""
    assert imported(yaml, "config.yaml", convert).text == toml.text


@pytest.mark.parametrize(
    "text", ["profiles = 3", "profiles = [1, 2]", '[[profiles]]\nname = 5\nbase_url = ["x"]', "[model_aliases]\na = 1"]
)
def test_wrong_types_break_nothing(text: str) -> None:
    """A file that is wrong in one place is not wrong in all of them."""
    claudex(text)
