"""The LiteLLM proxy: deployments, groups, fallbacks, and what it has beside them."""

from __future__ import annotations

import pytest

from hexapla.importers.litellm import convert
from importers.importing import Imported, imported


def litellm(text: str, *, keep: bool = False) -> Imported:
    return imported(text, "config.yaml", convert, keep=keep)


def one(model: str, more: str = "", name: str = "mine") -> Imported:
    return litellm(f"model_list:\n- model_name: {name}\n  litellm_params: {{model: '{model}'{more}}}\n")


BALANCED = """\
model_list:
  - model_name: gpt-4o                      # two regions of one model
    litellm_params:
      model: azure/gpt-4o-eu
      api_base: https://europe.openai.azure.com/
      api_key: os.environ/AZURE_KEY_EU
      rpm: 6
  - model_name: gpt-4o
    litellm_params:
      model: azure/gpt-4o-ca
      api_base: https://canada.openai.azure.com/
      api_key: os.environ/AZURE_KEY_CA
      api_version: "2024-02-01"
  - model_name: claude                      # two keys of one model
    litellm_params: {model: anthropic/claude-sonnet-4-5, api_key: os.environ/ANTHROPIC_API_KEY}
  - model_name: claude
    litellm_params: {model: anthropic/claude-sonnet-4-5, api_key: sk-ant-literal}
  - model_name: small
    litellm_params: {model: openai/facebook/opt-125m, api_base: "http://0.0.0.0:4000/v1", api_key: none}
    model_info: {max_input_tokens: 4096, mode: chat, supports_vision: true}
litellm_settings:
  num_retries: 3
  request_timeout: 10
  drop_params: true
  fallbacks: [{gpt-4o: [claude]}]
  context_window_fallbacks: [{claude: [gpt-4o, nobody-at-all]}]
  default_fallbacks: [small]
  success_callback: [langfuse]
router_settings:
  routing_strategy: least-busy
  model_group_alias: {gpt-4: gpt-4o, hidden: {model: claude, hidden: true}, lost: nothing}
  redis_password: redis-secret
general_settings:
  master_key: sk-master-secret
  database_url: postgresql://u:database-secret@h/db
environment_variables: {LANGFUSE_SECRET_KEY: langfuse-secret}
include: [more.yaml]
"""


def test_groups_become_aliases_and_chains() -> None:
    """The first deployment of a name is its alias, the next ones and its fallbacks are its chain."""
    found = litellm(BALANCED)
    assert found.config.aliases == {
        "gpt-4o": "azure-europe/gpt-4o-eu",
        "claude": "anthropic/claude-sonnet-4-5",
        "small": "small/facebook/opt-125m",
        "gpt-4": "gpt-4o",
        "hidden": "claude",
    }
    chain = ("azure-canada/gpt-4o-ca", "claude", "small")
    assert found.config.chains == {
        "gpt-4o": chain,
        "claude": ("gpt-4o", "small"),
        "gpt-4": chain,
        "hidden": ("gpt-4o", "small"),
    }
    (endpoint,) = found.provider("azure-canada").endpoints
    assert endpoint.query == {"api-version": "2024-02-01"} and endpoint.path.startswith("/openai/deployments/{model}/")
    assert found.provider("azure-canada").auth.header == "api-key"
    keys = [key.env for key in found.provider("anthropic").auth.keys if not isinstance(key, str)]
    assert keys == ["ANTHROPIC_API_KEY", "ANTHROPIC_API_KEY_2"]
    assert found.config.retry.retries == 3 and found.config.timeouts.total == 10
    assert found.catalog.models["small"][0].max_input == 4096


def test_secrets_move_and_everything_is_told() -> None:
    found = litellm(BALANCED)
    assert found.draft.safe.secrets == {
        "ANTHROPIC_API_KEY_2": "sk-ant-literal",
        "LITELLM_MASTER_KEY": "sk-master-secret",
    }
    for secret in ("sk-ant-literal", "sk-master-secret", "redis-secret", "database-secret", "langfuse-secret"):
        assert secret not in found.text and secret not in repr(found.draft.notes)
    assert found.config.key_names() and found.kinds("changed") == {
        "model_list[1]": "balanced",
        "model_list[3]": "shared-key",
    }
    assert found.kinds("left") == {
        "model_list[0].litellm_params.rpm": "limit",
        "litellm_settings.drop_params": "needless",
        "litellm_settings.success_callback": "service",
        "router_settings.routing_strategy": "balance",
        "router_settings.redis_password": "service",
        "general_settings.database_url": "service",
    }
    assert found.kinds("you") == {
        "model_list[3]": "set",
        "router_settings.model_group_alias.lost": "no-model",
        "litellm_settings.context_window_fallbacks[0]": "no-model",
        "general_settings.master_key": "set",
        "include[0] more.yaml": "include",
        "environment_variables.LANGFUSE_SECRET_KEY": "set",
    }


@pytest.mark.parametrize(
    ("model", "more", "served"),
    [
        ("gpt-4o", "", "openai/gpt-4o"),
        ("claude-sonnet-4-5", "", "anthropic/claude-sonnet-4-5"),
        ("text-embedding-3-small", "", "openai/text-embedding-3-small"),
        ("openai/responses/gpt-5", "", "openai/gpt-5"),
        ("openrouter/google/palm", "", "openrouter/google/palm"),
        ("together_ai/meta/llama", "", "together/meta/llama"),
        ("ollama_chat/llama3", ", api_base: 'http://localhost:11434'", "ollama/llama3"),
        ("ollama/llama3", ", api_base: 'http://gpu:11434'", "my-ollama/llama3"),
        ("hosted_vllm/qwen", ", api_base: 'http://gpu:8000/v1'", "hosted_vllm/qwen"),
        ("gemini/gemini-2.5-pro", "", "gemini/gemini-2.5-pro"),
        ("volcengine/doubao", "", "volcano_ark/doubao"),
        ("fireworks_ai/accounts/a/models/m", "", "fireworks_ai/accounts/a/models/m"),
        ("litellm_proxy/x", ", api_base: os.environ/OTHER_PROXY", "litellm_proxy/x"),
        ("my-model", ", api_base: 'http://gpu:1/v1', custom_llm_provider: openai", "mine/my-model"),
        ("unheard/of", ", api_base: 'https://unheard.example/v1'", "unheard/of"),
        ("anthropic/claude-x", ", api_base: 'https://api.minimax.io/anthropic'", "minimax/claude-x"),
    ],
)
def test_prefixes(model: str, more: str, served: str) -> None:
    """Their names of providers are ours, or an address tells; a model alone is told by its name."""
    found = one(model, more)
    assert found.config.aliases == {"mine": served} and found.serves("mine").startswith(f"{served} ")


@pytest.mark.parametrize(
    ("model", "more", "code"),
    [
        ("bedrock/anthropic.claude-3", ", aws_region_name: us-east-1", "cloud"),
        ("unheard/of", "", "no-provider"),
        ("a-model-of-nobody", "", "no-provider"),
        ("azure/gpt-4o", "", "no-provider"),
        ("vertex_ai/claude-sonnet-4@20250514", ", vertex_project: p, vertex_location: l", "place"),
        ("vertex_ai/gemini-2.5-pro", "", "place"),
    ],
)
def test_what_cannot_be_served_is_told(model: str, more: str, code: str) -> None:
    assert code in one(model, more).codes("model_list[0]")


def test_wildcards_are_not_needed() -> None:
    assert one("openai/*", name="'*'").kinds("left") == {"model_list[0] *": "wildcard"}


def test_prices_are_for_a_million() -> None:
    """A price for one token there is a price for a million here; other parameters of a model are defaults."""
    found = one("fireworks_ai/m", ", input_cost_per_token: 2e-07, output_cost_per_token: 0.000002, temperature: 0.2")
    (facts,) = found.config.models["fireworks_ai"]
    assert facts.price is not None and (facts.price.input, facts.price.output) == (0.2, 2.0)
    assert found.kinds("left") == {"model_list[0].litellm_params.temperature": "default"}


def test_shared_credentials() -> None:
    text = """
credential_list:
  - credential_name: common
    credential_values: {api_key: os.environ/COMMON, api_base: "https://common.example/v1"}
model_list:
  - {model_name: a, litellm_params: {model: openai/a, litellm_credential_name: common}}
"""
    found = litellm(text)
    assert "https://common.example/v1" in found.serves("a") and found.provider("a").auth.env == "COMMON"


def test_keys_are_kept_on_demand() -> None:
    found = litellm(BALANCED, keep=True)
    keys = [key.key or key.env for key in found.provider("anthropic").auth.keys if not isinstance(key, str)]
    assert keys == ["ANTHROPIC_API_KEY", "sk-ant-literal"] and not found.draft.safe.secrets


@pytest.mark.parametrize(
    "text",
    [
        "model_list: 5",
        "model_list: [1, {}, {model_name: x}, {litellm_params: {model: y}}]",
        "model_list: [{model_name: x, litellm_params: [a]}]",
        "router_settings: {fallbacks: {a: b}, model_group_alias: [1]}\nlitellm_settings: {fallbacks: [a, {b: 3}]}",
        "general_settings:\nlitellm_settings:\nmodel_list:\n",
    ],
)
def test_wrong_types_break_nothing(text: str) -> None:
    litellm(text)


def test_an_alias_may_name_itself() -> None:
    """`gpt-4o` for `openai/gpt-4o` is the usual case, and no circle."""
    found = one("openai/gpt-4o", name="gpt-4o")
    assert found.serves("gpt-4o").startswith("openai/gpt-4o ")
