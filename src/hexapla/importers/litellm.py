"""The LiteLLM proxy: a list of deployments under names that clients use (YAML).

Facts: https://docs.litellm.ai/docs/proxy/configs, /config_settings, /reliability (2026-10).  Several deployments of one
name share its traffic; here the first is an alias, the others its chain, but for those that differ in the key only: those
are keys of one provider.
"""

from __future__ import annotations

from hexapla.importers import deployment
from hexapla.importers.draft import Draft
from hexapla.importers.reading import Table, number, rows, table, text, texts, whole

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
        deployment.add(draft, f"model_list[{at}]", table(row), shared, groups)
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
