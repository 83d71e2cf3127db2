"""The LiteLLM proxy: a list of deployments under names that clients use (YAML).

Facts: https://docs.litellm.ai/docs/proxy/configs, /config_settings, /reliability (2026-10).  `os.environ/NAME` stands for
a variable.  Several deployments of one name share its traffic; here the first is an alias, the others its chain, but for
those that differ in the key only: those are keys of one provider.
"""

from __future__ import annotations

from msgspec.structs import replace

from hexapla.importers.draft import Draft, Wanted, reference, slug
from hexapla.importers.reading import Table, number, rows, table, text, texts, whole

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
_LITELLM = {
    "drop_params": "needless",
    "set_verbose": "needless",
    "json_logs": "needless",
    "modify_params": "needless",
    "allowed_fails": "needless",
    "cooldown_time": "needless",
    "cache": "service",
    "cache_params": "service",
    "callbacks": "service",
    "success_callback": "service",
    "failure_callback": "service",
    "guardrails": "service",
}
_ROUTER = {
    "routing_strategy": "balance",
    "routing_strategy_args": "balance",
    "allowed_fails": "needless",
    "cooldown_time": "needless",
    "enable_pre_call_checks": "needless",
    "redis_host": "service",
    "redis_port": "service",
    "redis_password": "service",
}
_TOP = {
    "guardrails": "service",
    "mcp_servers": "service",
    "vector_store_registry": "service",
    "search_tools": "service",
}
_CHAINS = ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks")


def convert(data: Table, draft: Draft) -> None:
    """Fill `draft` from a configuration of the LiteLLM proxy."""
    shared = {
        text(table(each).get("credential_name")): table(table(each).get("credential_values"))
        for each in rows(data.get("credential_list"))
    }
    groups: dict[str, list[str]] = {}
    for at, row in enumerate(rows(data.get("model_list"))):
        _deployment(draft, f"model_list[{at}]", table(row), shared, groups)
    for name, models in groups.items():
        draft.tables["aliases"][name] = models[0]
        if models[1:]:
            draft.tables["chains"][name] = models[1:]
    settings, router = table(data.get("litellm_settings")), table(data.get("router_settings"))
    _aliases(draft, table(router.get("model_group_alias")), groups)
    for section, found in (("litellm_settings", settings), ("router_settings", router)):
        _chains(draft, section, found, groups)
        _patience(draft, section, found)
    chains = draft.tables["chains"]
    for alias, name in draft.tables["aliases"].items():
        if name in chains:  # a chain belongs to the name that was asked for
            chains.setdefault(alias, chains[name])
    handled = (*_CHAINS, "default_fallbacks", "num_retries", "request_timeout", "timeout", "model_group_alias")
    draft.left("litellm_settings", settings, _LITELLM, handled)
    draft.left("router_settings", router, _ROUTER, handled)
    _general(draft, table(data.get("general_settings")))
    for at, name in enumerate(texts(data.get("include"))):
        draft.note(f"include[{at}] {name}", "you", "include")
    for name in table(data.get("environment_variables")):
        draft.note(f"environment_variables.{name}", "you", "set", variable=name)
    sections = (
        "model_list credential_list litellm_settings router_settings general_settings include environment_variables"
    )
    draft.left("", data, _TOP, sections.split())


def _deployment(draft: Draft, where: str, row: Table, shared: dict[str, Table], groups: dict[str, list[str]]) -> None:
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
        draft.variables.add(version.removeprefix("os.environ/"))
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


def _aliases(draft: Draft, aliases: Table, groups: dict[str, list[str]]) -> None:
    for alias, meant in aliases.items():
        name = text(table(meant).get("model")) if isinstance(meant, dict) else text(meant)
        where = f"router_settings.model_group_alias.{alias}"
        if name not in groups:
            draft.note(where, "you", "no-model", name=name)
            continue
        draft.tables["aliases"][alias] = name
        draft.note(where, "carried", "alias", name=alias, model=name)


def _chains(draft: Draft, section: str, settings: Table, groups: dict[str, list[str]]) -> None:
    chains: Table = draft.tables["chains"]
    for key in _CHAINS:
        for at, row in enumerate(rows(settings.get(key))):
            for name, further in table(row).items():
                _chain(draft, f"{section}.{key}[{at}]", name, texts(further), groups)
    everywhere = texts(settings.get("default_fallbacks"))
    for name in groups if everywhere else ():
        chains.setdefault(name, []).extend(each for each in everywhere if each != name and each not in chains[name])
    if everywhere:
        draft.note(f"{section}.default_fallbacks", "carried", "chain", name=", ".join(groups))


def _chain(draft: Draft, where: str, name: str, further: list[str], groups: dict[str, list[str]]) -> None:
    unknown = [each for each in (name, *further) if each not in groups and not draft.resolves(each)]
    for each in unknown:
        draft.note(where, "you", "no-model", name=each)
    good = [each for each in further if each not in unknown]
    if name in unknown or not good:
        return
    chain = draft.tables["chains"].setdefault(name, [])
    chain.extend(each for each in good if each not in chain)
    draft.note(where, "carried", "chain", name=name)


def _patience(draft: Draft, section: str, settings: Table) -> None:
    retries = whole(settings.get("num_retries"))
    for key in ("request_timeout", "timeout"):
        seconds = number(settings.get(key))
        if seconds is not None:
            draft.setting(f"{section}.{key}", "timeouts.total", seconds)
    if retries is not None:
        draft.setting(f"{section}.num_retries", "retry.retries", retries)


def _general(draft: Draft, settings: Table) -> None:
    master = text(settings.get("master_key"))
    if master:
        value = f"${master.removeprefix('os.environ/')}" if master.startswith("os.environ/") else master
        draft.client_key("master", value, "general_settings.master_key", "LITELLM_MASTER_KEY")
    reasons: dict[str, str] = dict.fromkeys((name for name in settings), "service")
    draft.left("general_settings", settings, reasons, ("master_key",))
