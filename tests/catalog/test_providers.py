"""Every packaged provider: loads, is addressed rightly, is sourced, and fits the structs that read it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from msgspec.structs import replace

from hexapla.auth.api_key import Credential, auth_headers, env_names, needs_key
from hexapla.catalog.address import endpoint_url
from hexapla.catalog.load import load_provider
from hexapla.catalog.quirks import edit, merge, target_of
from hexapla.catalog.resolve import Catalog
from hexapla.catalog.schema import Provider
from hexapla.config import Config, assemble, builtin_providers, packaged_texts
from hexapla.errors import Kind
from hexapla.wire.rawjson import split

TEXTS = packaged_texts().providers
PROVIDERS = builtin_providers()
IDS = sorted(PROVIDERS)
WHERE = {
    "AZURE_OPENAI_ENDPOINT": "https://mine.openai.azure.com/",
    "CLOUD_ML_REGION": "us-east5",
    "ANTHROPIC_VERTEX_PROJECT_ID": "mine",
    "GOOGLE_CLOUD_LOCATION": "europe-west4",
    "GOOGLE_CLOUD_PROJECT": "mine",
}
PLACED = assemble(Config(), WHERE).catalog.providers

SHEETS = """
    anthropic azure_openai bedrock_litellm bigmodel cerebras chatgpt_codex claude_subscription dashscope
    dashscope_native deepseek gemini gemini_subscription github_copilot gitlab_duo groq kimi_code lmstudio minimax
    mistral moonshot ollama openai openrouter perplexity qwen_subscription siliconflow soruxgpt together
    vertex_anthropic vertex_gemini vllm volcano_ark xai zai demo
"""


def test_who_is_there() -> None:
    """Thirty-four rows, and the demo that answers in process."""
    assert len(IDS) == 35
    assert sorted(SHEETS.split()) == IDS


@pytest.mark.parametrize(("name", "text"), TEXTS, ids=[name for name, _ in TEXTS])
def test_a_file_holds_one_valid_provider(name: str, text: str) -> None:
    """The file loads without a mistake and is named after its provider."""
    provider = load_provider(text, name)
    assert f"{provider.id}.toml" == name
    assert provider.name and provider.name_zh


@pytest.mark.parametrize("name", IDS)
def test_claims_have_a_source_and_a_date(name: str) -> None:
    """Nothing is said of a vendor without saying where it stands and when it was read."""
    provider = PROVIDERS[name]
    if name == "demo":
        return
    assert provider.sources and provider.docs.startswith("https://")
    for source in provider.sources:
        assert re.match(r"https://\S+.* \(20\d\d-\d\d-\d\d\): .+", source), source


@pytest.mark.parametrize("name", IDS)
def test_addresses_are_urls(name: str) -> None:
    """Every endpoint gives an absolute URL without leftovers, for streams as for whole answers."""
    provider = PLACED[name]
    assert bool(provider.endpoints) != bool(provider.unavailable) or not provider.enabled
    for endpoint in provider.endpoints:
        for stream in (False, True):
            parts = urlsplit(endpoint_url(endpoint, "some/model", stream=stream))
            assert parts.scheme in ("https", "demo") or parts.hostname == "127.0.0.1"
            assert parts.hostname and "$" not in parts.geturl() and "//" not in parts.path


@pytest.mark.parametrize("name", IDS)
def test_every_quirk_can_be_applied(name: str) -> None:
    """Merged with every `when`, quirks edit a request and fill in a Target; error codes are kinds of ours."""
    for endpoint in PLACED[name].endpoints:
        models = ["any"]
        for when in endpoint.quirks.when:
            globs = (when.model,) if isinstance(when.model, str) else when.model
            models += [glob.replace("*", "").replace("[0-9]", "7") for glob in globs]
        for model in models:
            quirks = merge(endpoint.quirks, model)
            target = target_of(PLACED[name], endpoint, quirks, None, model)
            assert target.model == model and target.origin.provider == name
            edit(split(b'{"model":"m","temperature":7,"stream_options":{}}'), quirks)
        assert all(Kind(kind) for kind in endpoint.quirks.error_codes.values())


@pytest.mark.parametrize("name", IDS)
def test_every_when_matches_something(name: str) -> None:
    """A `when` whose globs fit no model that they were written for would be dead."""
    for endpoint in PROVIDERS[name].endpoints:
        for when in endpoint.quirks.when:
            for glob in (when.model,) if isinstance(when.model, str) else when.model:
                sample = glob.replace("*", "x").replace("[0-9]", "7")
                assert merge(endpoint.quirks, sample) != endpoint.quirks, glob


@pytest.mark.parametrize("name", IDS)
def test_the_login_can_be_found(name: str) -> None:
    """Who needs a key says in which variable it is looked up and where to get one."""
    provider = PROVIDERS[name]
    if needs_key(provider.auth) and provider.auth.kind == "api_key":
        assert env_names(provider.auth), name
    for variable in env_names(provider.auth):
        assert re.fullmatch(r"[A-Z][A-Z0-9_]+", variable)


def test_prefixes_are_unambiguous() -> None:
    """No alias is another provider's id or alias."""
    names = [name for provider in PROVIDERS.values() for name in (provider.id, *provider.aliases)]
    assert len(names) == len(set(names))
    catalog = Catalog(PROVIDERS, {})
    for provider in PROVIDERS.values():
        for alias in provider.aliases:
            found = catalog.provider(alias.upper())
            assert found is not None and found.id == provider.id


URLS = {
    # provider -> where its first endpoint is called, as the vendor's own page writes it
    "anthropic": "https://api.anthropic.com/v1/messages",
    "azure_openai": "https://mine.openai.azure.com/openai/v1/responses",
    "bedrock_litellm": "http://127.0.0.1:4000/v1/chat/completions",
    "bigmodel": "https://open.bigmodel.cn/api/paas/v4/chat/completions",
    "cerebras": "https://api.cerebras.ai/v1/chat/completions",
    "chatgpt_codex": "https://chatgpt.com/backend-api/codex/responses",
    "dashscope": "https://dashscope.aliyuncs.com/compatible-mode/v1/chat/completions",
    "dashscope_native": "https://dashscope.aliyuncs.com/api/v1/services/aigc/text-generation/generation",
    "deepseek": "https://api.deepseek.com/chat/completions",
    "gemini": "https://generativelanguage.googleapis.com/v1beta/models/m@1:generateContent",
    "github_copilot": "https://api.githubcopilot.com/chat/completions",
    "gitlab_duo": "https://cloud.gitlab.com/ai/v1/proxy/anthropic/v1/messages",
    "groq": "https://api.groq.com/openai/v1/chat/completions",
    "kimi_code": "https://api.kimi.com/coding/v1/chat/completions",
    "lmstudio": "http://127.0.0.1:1234/v1/chat/completions",
    "minimax": "https://api.minimax.io/anthropic/v1/messages",
    "mistral": "https://api.mistral.ai/v1/chat/completions",
    "moonshot": "https://api.moonshot.ai/v1/chat/completions",
    "ollama": "http://127.0.0.1:11434/v1/chat/completions",
    "openai": "https://api.openai.com/v1/responses",
    "openrouter": "https://openrouter.ai/api/v1/chat/completions",
    "perplexity": "https://api.perplexity.ai/v1/responses",
    "qwen_subscription": "https://coding.dashscope.aliyuncs.com/v1/chat/completions",
    "siliconflow": "https://api.siliconflow.cn/v1/chat/completions",
    "soruxgpt": "https://ai.soruxgpt.com/v1/chat/completions",
    "together": "https://api.together.ai/v1/chat/completions",
    "vertex_anthropic": "https://us-east5-aiplatform.googleapis.com/v1/projects/mine/locations/us-east5"
    "/publishers/anthropic/models/m@1:rawPredict",
    "vertex_gemini": "https://europe-west4-aiplatform.googleapis.com/v1/projects/mine/locations/europe-west4"
    "/publishers/google/models/m@1:generateContent",
    "vllm": "http://127.0.0.1:8000/v1/chat/completions",
    "volcano_ark": "https://ark.cn-beijing.volces.com/api/v3/chat/completions",
    "xai": "https://api.x.ai/v1/responses",
    "zai": "https://api.z.ai/api/paas/v4/chat/completions",
}


@pytest.mark.parametrize(("name", "url"), URLS.items())
def test_the_first_endpoint_is_where_the_vendor_says(name: str, url: str) -> None:
    """The URL of a call is the documented one, letter by letter."""
    assert endpoint_url(PLACED[name].endpoints[0], "m@1", stream=False) == url


def test_a_stream_of_vertex_gemini_is_asked_for_as_events() -> None:
    """Without alt=sse Google streams one JSON array."""
    url = endpoint_url(PLACED["vertex_gemini"].endpoints[0], "m", stream=True)
    assert url.endswith("/publishers/google/models/m:streamGenerateContent?alt=sse")


BEARER = "authorization"
HEADERS = {
    "anthropic": ["x-api-key"],
    "azure_openai": ["api-key", "api-key"],
    "siliconflow": [BEARER, BEARER],
    "minimax": ["x-api-key", BEARER, BEARER],
    "gemini": ["x-goog-api-key", BEARER],
    "openrouter": [BEARER, BEARER, BEARER],
    "zai": [BEARER, BEARER],
    "vertex_anthropic": [BEARER],
    "vertex_gemini": [BEARER],
    "ollama": [BEARER, BEARER, BEARER],
}


@pytest.mark.parametrize(("name", "headers"), HEADERS.items())
def test_the_key_goes_where_the_vendor_wants_it(name: str, headers: list[str]) -> None:
    """Not every Messages endpoint takes x-api-key, and Azure has a header of its own."""
    provider = PROVIDERS[name]
    for endpoint, header in zip(provider.endpoints, headers, strict=True):
        sent = dict(auth_headers(endpoint.protocol, provider.auth, Credential("k", "secret")))
        assert sent[header] == ("Bearer secret" if header == BEARER else "secret")


REGIONS = [(name, chosen) for name in IDS for chosen in PROVIDERS[name].regions]


@pytest.mark.parametrize(("name", "chosen"), REGIONS)
def test_a_region_moves_every_endpoint(name: str, chosen: str) -> None:
    """`region` changes the host and nothing else; keys of its own are got at a page of its own."""
    moved = assemble(Config(providers={name: region(name, chosen)}), WHERE).catalog.providers[name]
    host = PROVIDERS[name].regions[chosen]
    assert len(moved.endpoints) == len(PLACED[name].endpoints)
    for before, after in zip(PLACED[name].endpoints, moved.endpoints):
        path = urlsplit(endpoint_url(before, "m", stream=False)).path
        assert endpoint_url(after, "m", stream=False) == host + path
    assert PROVIDERS[name].key_pages.keys() <= PROVIDERS[name].regions.keys()


def region(name: str, chosen: str) -> Provider:
    return replace(PROVIDERS[name], region=chosen)


def test_a_missing_variable_makes_a_provider_unavailable_not_wrong() -> None:
    """Azure without its address is listed, and says what to set."""
    absent = assemble(Config(), {}).catalog.providers["azure_openai"]
    assert absent.unavailable == "set AZURE_OPENAI_ENDPOINT to say where it is"


def test_forbidden_logins_are_not_carried() -> None:
    """Where a vendor forbids other programs to use a login there is no endpoint to use it at."""
    for name in ("claude_subscription", "gemini_subscription"):
        assert not PROVIDERS[name].endpoints and PROVIDERS[name].unavailable
        assert PROVIDERS[name].auth.kind == "elsewhere" and PROVIDERS[name].auth.login is None


def test_undocumented_interfaces_are_off_until_their_user_says_otherwise() -> None:
    """Experimental, and unavailable with a reason that names the switch."""
    for name in ("chatgpt_codex", "github_copilot"):
        assert PROVIDERS[name].experimental
        assert "enabled = true" in PLACED[name].unavailable
        on = assemble(Config(providers={name: replace(PROVIDERS[name], enabled=True)}), {}).catalog.providers[name]
        assert not on.unavailable
