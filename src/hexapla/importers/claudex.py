"""Claudex: one list of profiles, each a provider with its models (TOML or YAML).

Facts: https://github.com/StringKe/claudex config.example.toml and src/config/mod.rs (a1eb959, 2026-02).  A profile's
`priority` is never read there, and its router and context engine ask models of their own; Hexapla has neither.
"""

from __future__ import annotations

import re
from typing import Any

from msgspec.structs import replace

from hexapla.importers.draft import Draft, Wanted
from hexapla.importers.reading import Table, rows, strings, table, text, texts, whole
from hexapla.importers.safe import Key, slug

PROTOCOLS = {
    "DirectAnthropic": "anthropic_messages",
    "OpenAICompatible": "openai_chat",
    "OpenAIResponses": "openai_responses",
}
LOGINS = {
    "claude": "claude_subscription",
    "openai": "chatgpt_codex",
    "chatgpt": "chatgpt_codex",
    "codex": "chatgpt_codex",
    "google": "gemini_subscription",
    "gemini": "gemini_subscription",
    "qwen": "qwen_subscription",
    "kimi": "kimi_code",
    "moonshot": "kimi_code",
    "github": "github_copilot",
    "copilot": "github_copilot",
    "gitlab": "gitlab_duo",
}
"""`oauth_provider` -> the built-in provider of that login."""

PROGRAMS = {"claude_subscription": "claude", "gemini_subscription": "gemini"}
"""Logins that only the vendor's own program may use."""

USUAL_PORT = 13456
_SWITCHES = frozenset({"AZURE_AUTH", "COPILOT_AUTH"})  # tell Claudex what Hexapla knows by the address
_VERTEX = re.compile(r"aiplatform\.googleapis\.com/v1/projects/([^/]+)/locations/([^/]+)/publishers/anthropic")
_DEPLOYMENT = re.compile(r"\.openai\.azure\.com", re.IGNORECASE)
_TOP = {
    "router": "router",
    "context": "context",
    "claude_binary": "needless",
    "log_level": "needless",
    "hyperlinks": "needless",
}
_PROFILE = {"priority": "needless"}
_HANDLED = (
    "name", "provider_type", "base_url", "api_key", "api_key_keyring", "default_model", "backup_providers", "enabled",
    "custom_headers", "extra_env", "auth_type", "oauth_provider", "models", "max_tokens", "strip_params", "query_params",
)  # fmt: skip


def convert(data: Table, draft: Draft) -> None:
    """Fill `draft` from a Claudex configuration."""
    profiles = [table(row) for row in rows(data.get("profiles"))]
    alive = [(f"profiles[{at}]", profile) for at, profile in enumerate(profiles) if _usable(draft, at, profile)]
    names = {text(profile.get("name")): _name(profile) for _, profile in alive}
    served = {where: _provider(draft, where, profile) for where, profile in alive}
    for where, profile in alive:
        if served[where]:
            _profile(draft, where, profile, served[where], names)
    _aliases(draft, strings(data.get("model_aliases")), alive, served)
    host, port = text(data.get("proxy_host")), whole(data.get("proxy_port"))
    if host and host not in ("127.0.0.1", "localhost"):
        draft.setting("proxy_host", "server.host", host)
        draft.note("proxy_host", "you", "host-keys")
    if port and port != USUAL_PORT:
        draft.setting("proxy_port", "server.port", port)
    draft.left("", data, _TOP, ("profiles", "model_aliases", "proxy_host", "proxy_port"))


def _usable(draft: Draft, at: int, profile: Table) -> bool:
    where = f"profiles[{at}]"
    if profile.get("enabled") is False:
        draft.note(f"{where} {text(profile.get('name'))}", "left", "disabled")
        return False
    missing = [name for name in ("name", "default_model") if not text(profile.get(name))]
    if not text(profile.get("base_url")) and not text(profile.get("oauth_provider")):
        missing.append("base_url")
    if missing:
        draft.note(where, "left", "empty", missing=", ".join(missing))
    return not missing


def _name(profile: Table) -> str:
    name = text(profile.get("name"))
    return name if re.fullmatch(r"[A-Za-z0-9._-]+", name) else slug(name)


def _provider(draft: Draft, where: str, profile: Table) -> str:
    """The provider that a profile talks to; "" when there is none."""
    name, url = text(profile.get("name")), text(profile.get("base_url"))
    wanted = Wanted(
        name=name,
        where=where,
        protocol=PROTOCOLS.get(text(profile.get("provider_type")), "anthropic_messages"),
        url=url,
        keys=_keys(profile),
    )
    if text(profile.get("auth_type")) == "oauth":
        return _login(draft, wanted, text(profile.get("oauth_provider")).lower())
    vertex = _VERTEX.search(url)
    if vertex:
        variables = f"ANTHROPIC_VERTEX_PROJECT_ID={vertex[1]}, CLOUD_ML_REGION={vertex[2]}"
        draft.note(where, "you", "place", variables=variables)
        return draft.builtin("vertex_anthropic", replace(wanted, keys=()))
    if _DEPLOYMENT.search(url):
        more: Table = {"path": "/chat/completions", "query": strings(profile.get("query_params"))}
        wanted = replace(wanted, protocol="openai_chat", url=url.rstrip("/"), header="api-key", more=more)
    return draft.provider(wanted)


def _login(draft: Draft, wanted: Wanted, kind: str) -> str:
    provider = LOGINS.get(kind, "")
    if not provider:
        draft.note(wanted.where, "you", "no-provider", name=kind or "oauth")
        return ""
    if provider in PROGRAMS:
        draft.note(wanted.where, "you", "own-login", program=PROGRAMS[provider], name=slug(wanted.name))
    else:
        login = draft.catalog.providers[provider].auth.login
        draft.note(wanted.where, "you", "ended" if login is None or login.ended else "login", provider=provider)
    return draft.builtin(provider, replace(wanted, keys=()))


def _keys(profile: Table) -> tuple[Key, ...]:
    keyring, secret = text(profile.get("api_key_keyring")), text(profile.get("api_key"))
    if secret:
        return (Key(secret=secret),)
    return (Key(keyring=f"claudex/{keyring}"),) if keyring else ()


def _profile(draft: Draft, where: str, profile: Table, provider: str, names: dict[str, str]) -> None:
    backups = texts(profile.get("backup_providers"))
    for gone in (backup for backup in backups if backup not in names):
        draft.note(f"{where}.backup_providers", "you", "no-profile", name=gone)
    slots = strings(profile.get("models"))
    owner = text(profile.get("name"))
    environment = strings({k: v for k, v in table(profile.get("extra_env")).items() if k not in _SWITCHES})
    azure = bool(_DEPLOYMENT.search(text(profile.get("base_url"))))
    settings: dict[str, Any] = {
        "provider": provider,
        "model": text(profile.get("default_model")),
        **{slot: slots.get(slot, "") for slot in ("haiku", "sonnet", "opus")},
        "backups": [names[backup] for backup in backups if backup in names],
        "headers": draft.safe.hidden(strings(profile.get("custom_headers")), f"{where}.custom_headers", owner),
        "query": {}
        if azure
        else draft.safe.hidden(strings(profile.get("query_params")), f"{where}.query_params", owner),
        "max_tokens": whole(profile.get("max_tokens")),
        "strip_params": _strip(profile.get("strip_params")),
        "environment": draft.safe.hidden(environment, f"{where}.extra_env", owner),
    }
    draft.profile(where, _name(profile), settings)
    draft.left(where, profile, _PROFILE, _HANDLED)


def _strip(value: Any) -> str | list[str]:
    """auto is the usual; a string may be none, false or a list with commas."""
    if isinstance(value, str) and value.lower() in ("auto", "none", "false", ""):
        return "none" if value.lower() in ("none", "false") else ""
    return texts(value)


def _aliases(draft: Draft, aliases: dict[str, str], alive: list[tuple[str, Table]], served: dict[str, str]) -> None:
    """An alias there is a model's id in whatever profile is used; here it names the provider as well."""
    for alias, model in aliases.items():
        where = f"model_aliases.{alias}"
        homes = [served[place] for place, profile in alive if served[place] and model in _models(profile)]
        full = f"{homes[0]}/{model}" if homes else model
        if not homes and not draft.resolves(model):
            draft.note(where, "you", "no-model", name=model)
            continue
        draft.tables["aliases"][alias] = full
        draft.note(where, "carried", "alias", name=alias, model=full)


def _models(profile: Table) -> set[str]:
    return {text(profile.get("default_model")), *strings(profile.get("models")).values()}
