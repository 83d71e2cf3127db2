"""One entry of LiteLLM's `model_list`: who serves it, under which name, and what is known of it.

Facts: https://docs.litellm.ai/docs/providers, /docs/proxy/configs (2026-10).  `os.environ/NAME` stands for a variable; a
model is `provider/id`, or an id alone whose provider LiteLLM tells by its beginning.
"""

from __future__ import annotations

from msgspec.structs import replace

from hexapla.importers.draft import Draft, Wanted
from hexapla.importers.reading import Table, number, table, text, whole
from hexapla.importers.safe import reference, slug

PREFIXES = {
    "anthropic": "anthropic",
    "cerebras": "cerebras",
    "dashscope": "dashscope",
    "deepseek": "deepseek",
    "gemini": "gemini",
    "github_copilot": "github_copilot",
    "groq": "groq",
    "hosted_vllm": "vllm",
    "vllm": "vllm",
    "lm_studio": "lmstudio",
    "minimax": "minimax",
    "mistral": "mistral",
    "moonshot": "moonshot",
    "ollama": "ollama",
    "ollama_chat": "ollama",
    "openai": "openai",
    "openrouter": "openrouter",
    "perplexity": "perplexity",
    "together_ai": "together",
    "vertex_ai": "vertex_gemini",
    "vertex_ai_beta": "vertex_gemini",
    "volcengine": "volcano_ark",
    "xai": "xai",
    "zai": "zai",
}
"""Their provider prefix -> ours."""

ADDRESSES = {
    # OpenAI-compatible vendors that are not built in (https://docs.litellm.ai/docs/providers, 2026-10)
    "deepinfra": "https://api.deepinfra.com/v1/openai",
    "fireworks_ai": "https://api.fireworks.ai/inference/v1",
    "nvidia_nim": "https://integrate.api.nvidia.com/v1",
    "sambanova": "https://api.sambanova.ai/v1",
}
PROTOCOLS = {"anthropic": "anthropic_messages", "gemini": "gemini_generate"}
COMPATIBLE = frozenset({"openai", "custom_openai", "openai_like", "litellm_proxy", "hosted_vllm", "vllm", "lm_studio"})
"""With an `api_base` these are servers of one's own that speak Chat."""

_OPENAI = ("gpt-", "chatgpt-", "o1", "o3", "o4", "text-embedding-", "dall-e", "whisper", "tts-", "omni-moderation")
"""Names that LiteLLM takes for OpenAI's without being told."""

CLOUDS = frozenset({"bedrock", "sagemaker", "sagemaker_chat", "watsonx", "databricks", "oci", "snowflake", "azure_ai"})
OLD_AZURE = "2024-10-21"  # where the file names no api_version

_READ = (
    "model",
    "api_key",
    "api_base",
    "base_url",
    "api_version",
    "litellm_credential_name",
    "vertex_project",
    "vertex_location",
)
_PRICES = {"input_cost_per_token": "input", "output_cost_per_token": "output"}
_PARAMETERS = {
    "rpm": "limit",
    "tpm": "limit",
    "max_parallel_requests": "limit",
    "max_budget": "limit",
    "budget_duration": "limit",
    "weight": "balance",
    "order": "balance",
    "max_retries": "needless",
    "num_retries": "needless",
    "drop_params": "needless",
    "custom_llm_provider": "needless",
}
_INFO = {"id": "needless", "db_model": "needless", "base_model": "needless"}
_KINDS = {
    "chat": "chat",
    "embedding": "embedding",
    "image_generation": "image",
    "audio_speech": "speech",
    "audio_transcription": "transcription",
    "rerank": "rerank",
}


def add(draft: Draft, where: str, row: Table, shared: dict[str, Table], groups: dict[str, list[str]]) -> None:
    """Add one deployment to its group, which is a name that clients use.

    shared  credentials by their names
    """
    name, parameters = text(row.get("model_name")), table(row.get("litellm_params"))
    parameters = {**shared.get(text(parameters.get("litellm_credential_name")), {}), **parameters}
    model = text(parameters.get("model"))
    if not name or not model:
        draft.note(where, "left", "empty", missing="litellm_params.model" if name else "model_name")
        return
    if "*" in name:
        draft.note(f"{where} {name}", "left", "wildcard")
        return
    found = _served(draft, where, name, model, parameters)
    if not found:
        return
    known = groups.setdefault(name, [])
    if found in known:
        return  # another key of the same provider
    if known:
        draft.note(where, "changed", "balanced")
    else:
        draft.note(where, "carried", "alias", name=name, model=found)
    known.append(found)
    _facts(draft, where, found, parameters, table(row.get("model_info")))
    reasons = _PARAMETERS | dict.fromkeys(("temperature", "top_p", "max_tokens", "seed", "timeout"), "default")
    reasons |= dict.fromkeys(("stream_timeout", "organization", "extra_headers", "extra_body", "stop"), "default")
    draft.left(f"{where}.litellm_params", parameters, reasons, (*_READ, *_PRICES))


def _served(draft: Draft, where: str, name: str, model: str, parameters: Table) -> str:
    """`provider/model` as it is called here; "" where nobody serves it, which is then reported."""
    prefix, model_id = _split(model, text(parameters.get("custom_llm_provider")))
    url = text(parameters.get("api_base") or parameters.get("base_url"))
    secret = text(parameters.get("api_key"))
    key = reference(secret, ("os.environ/",))
    wanted = Wanted(
        name=prefix or name,
        where=where,
        protocol=PROTOCOLS.get(prefix, "openai_chat"),
        url=_address(url),
        keys=(key,) if key is not None else (),
        apart=False,
    )
    if prefix in CLOUDS:
        draft.note(where, "left", "cloud")
        return ""
    if prefix in ("azure", "azure_text"):
        return f"{_azure(draft, wanted, parameters)}/{model_id}" if url else _nowhere(draft, where, prefix)
    if prefix.startswith("vertex_ai"):
        return f"{_vertex(draft, wanted, model_id, parameters)}/{model_id}"
    if url and prefix in COMPATIBLE | {"", "ollama", "ollama_chat"}:
        own = wanted if prefix not in ("", "openai") else replace(wanted, name=name)
        return f"{draft.provider(own)}/{model_id}"
    if url:
        return f"{draft.provider(wanted)}/{model_id}"
    if prefix in PREFIXES:
        return f"{draft.builtin(PREFIXES[prefix], wanted)}/{model_id}"
    if prefix in ADDRESSES:
        return f"{draft.provider(replace(wanted, url=ADDRESSES[prefix]))}/{model_id}"
    return _nowhere(draft, where, prefix or model)


def _split(model: str, said: str) -> tuple[str, str]:
    """(their provider, the model's id).  A model without a provider is told by its name, as LiteLLM does it."""
    prefix, slash, rest = model.partition("/")
    known = PREFIXES.keys() | ADDRESSES.keys() | CLOUDS | COMPATIBLE | {"azure", "azure_text"}
    if slash and (prefix in known or not said):
        # openai/responses/MODEL asks for the Responses API, which the provider has anyway
        return prefix, rest.removeprefix("responses/")
    if said:
        return said, model
    return ("anthropic" if model.startswith("claude") else "openai" if model.startswith(_OPENAI) else ""), model


def _address(url: str) -> str:
    """An address, its variable as ours."""
    return f"${{{url.removeprefix('os.environ/')}}}" if url.startswith("os.environ/") else url


def _azure(draft: Draft, wanted: Wanted, parameters: Table) -> str:
    """A resource of Azure OpenAI: the deployment stands in the path."""
    version = text(parameters.get("api_version")) or OLD_AZURE
    if version.startswith("os.environ/"):
        draft.safe.variables.add(version.removeprefix("os.environ/"))
    more: Table = {"path": "/openai/deployments/{model}/chat/completions", "query": {"api-version": _address(version)}}
    host = wanted.url.partition("://")[2].partition(".")[0]
    name = f"azure-{slug(host)}" if host and not wanted.url.startswith("${") else "azure-own"
    return draft.provider(replace(wanted, name=name, url=wanted.url.rstrip("/"), header="api-key", more=more))


def _vertex(draft: Draft, wanted: Wanted, model: str, parameters: Table) -> str:
    claude = "claude" in model
    names = (
        ("ANTHROPIC_VERTEX_PROJECT_ID", "CLOUD_ML_REGION")
        if claude
        else ("GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION")
    )
    said = [text(parameters.get(key)) for key in ("vertex_project", "vertex_location")]
    variables = ", ".join(f"{name}={value}" if value else name for name, value in zip(names, said))
    draft.note(wanted.where, "you", "place", variables=variables)
    return draft.builtin("vertex_anthropic" if claude else "vertex_gemini", wanted)


def _nowhere(draft: Draft, where: str, name: str) -> str:
    draft.note(where, "you", "no-provider", name=name)
    return ""


def _facts(draft: Draft, where: str, name: str, parameters: Table, info: Table) -> None:
    """Prices and sizes of a model, in our units: a price there is for one token, here for a million."""
    provider, _, model = name.partition("/")
    price = {
        ours: round(found * 1_000_000, 6)
        for theirs, ours in _PRICES.items()
        if (found := number(parameters.get(theirs) or info.get(theirs))) is not None
    }
    sizes = {"max_input": whole(info.get("max_input_tokens")), "max_output": whole(info.get("max_output_tokens"))}
    kind = _KINDS.get(text(info.get("mode")), "")
    facts: Table = {key: value for key, value in sizes.items() if value}
    facts |= {"kind": kind} if kind not in ("", "chat") else {}
    facts |= {"price": price} if price else {}
    if facts and model not in {each["id"] for each in draft.models.get(provider, [])}:
        draft.models.setdefault(provider, []).append({"id": model, **facts})
        draft.note(f"{where}.model_info", "carried", "price" if price else "facts", model=name)
    handled = (*_PRICES, "max_input_tokens", "max_output_tokens", "max_tokens", "mode")
    draft.left(f"{where}.model_info", {k: v for k, v in info.items() if not k.startswith("supports_")}, _INFO, handled)
