"""claude-code-router: providers, and routes by the kind of request (JSON, as JSON5).

Version 2: {Providers, Router: {default, background, think, longContext, ...}, APIKEY, HOST, PORT, PROXY_URL}; facts:
https://github.com/musistudio/claude-code-router config.example.json (002f0f2, 2025-09), docs/server (2026-01).
Version 3 keeps its settings in a database and still reads the old file once; its form has typed providers with several
keys, rules, APIKEYS and profiles of agents; facts: packages/core/src/config/config.ts (1347c86, 2026-08).

A model is called "provider,model" or "provider/model".  Claude Code's background requests ask for a haiku name, which is
what `background` stands for; whether a request thinks, is long, or searches, is no matter of names.
"""

from __future__ import annotations

import re
from typing import Any

from hexapla.importers.draft import Draft, Wanted
from hexapla.importers.reading import Table, number, rows, strings, table, text, texts, whole
from hexapla.importers.safe import Key, reference, slug

USUAL_PORT = 3456
NAME = "ccr"  # of the profile that the routes become

PROTOCOLS = {
    "openai": "openai_responses",
    "openai_responses": "openai_responses",
    "openai_chat": "openai_chat",
    "openai_chat_completions": "openai_chat",
    "anthropic": "anthropic_messages",
    "anthropic_messages": "anthropic_messages",
    "gemini": "gemini_generate",
    "gemini_generate_content": "gemini_generate",
}
TRANSFORMERS = {"anthropic": "anthropic_messages", "gemini": "gemini_generate", "openai-response": "openai_responses"}
"""Transformers of version 2 that say which protocol the provider speaks; without one it is Chat."""

MENDING = frozenset({
    "openrouter", "deepseek", "groq", "tooluse", "enhancetool", "reasoning", "sampling", "cleancache", "openai",
    "streamoptions", "forcereasoning", "anthropic", "gemini", "openai-response", "vercel",
})  # fmt: skip
"""Transformers that mend what Hexapla's lanes and quirks mend by themselves."""

_TOP = {
    "LOG": "needless",
    "LOG_LEVEL": "needless",
    "NON_INTERACTIVE_MODE": "needless",
    "CLAUDE_PATH": "needless",
    "StatusLine": "needless",
    "agent": "needless",
    "autoStart": "needless",
    "gateway": "needless",
    "launchAtLogin": "needless",
    "theme": "needless",
    "trayIcon": "needless",
    "trayWidgets": "needless",
    "overviewWidgets": "needless",
    "preferredProvider": "needless",
    "routerEndpoint": "needless",
    "CUSTOM_ROUTER_PATH": "script",
    "transformers": "script",
    "plugins": "script",
    "providerPlugins": "script",
    "botConfigs": "service",
    "botGateway": "service",
    "contextArchive": "service",
    "mediaTools": "service",
    "observability": "service",
    "proxy": "service",
    "toolHub": "service",
    "virtualModelProfiles": "service",
}
_ROUTES = {
    "think": "scenario",
    "longContextThreshold": "scenario",
    "webSearch": "scenario",
    "image": "scenario",
    "builtInRules": "needless",
}
_PROVIDER = {
    "account": "service",
    "billing": "service",
    "icon": "needless",
    "modelDescriptions": "needless",
    "modelDisplayNames": "needless",
    "modelMetadata": "needless",
    "autoFetchModels": "needless",
    "autoFetchKnownModels": "needless",
    "protocolDetectionMode": "needless",
}
_PROVIDER_HANDLED = (
    "name", "id", "provider", "type", "protocol", "api_base_url", "baseUrl", "baseurl", "api_key", "apiKey", "apikey",
    "credentials", "keys", "apiKeys", "models", "enabled", "transformer", "capabilities", "extraHeaders", "extraBody",
)  # fmt: skip
_TOP_HANDLED = (
    "Providers", "providers", "Router", "fallback", "profile", "PROXY_URL", "APIKEY", "APIKEYS", "HOST", "PORT",
    "API_TIMEOUT_MS",
)  # fmt: skip


def convert(data: Table, draft: Draft) -> None:
    """Fill `draft` from a configuration of claude-code-router."""
    data = table(data.get("config")) or data
    proxy = draft.safe.address(_braced(text(data.get("PROXY_URL"))), "PROXY_URL", "proxy")
    ids: dict[str, str] = {}
    for at, row in enumerate(rows(data.get("Providers") or data.get("providers"))):
        provider = table(row)
        made = _provider(draft, f"Providers[{at}]", provider, proxy)
        if made:
            ids |= {text(provider.get(key)).lower(): made for key in ("name", "id") if text(provider.get(key))}
    _router(draft, table(data.get("Router")), table(data.get("fallback")), ids)
    _profiles(draft, table(data.get("profile")), ids)
    _server(draft, data)
    draft.left("", data, _TOP, _TOP_HANDLED)


def _provider(draft: Draft, where: str, provider: Table, proxy: str) -> str:
    name = text(provider.get("name"))
    url = next((found for key in ("api_base_url", "baseUrl", "baseurl") if (found := text(provider.get(key)))), "")
    if provider.get("enabled") is False:
        draft.note(f"{where} {name}", "left", "disabled")
        return ""
    if not name or not url:
        draft.note(where, "left", "empty", missing="name" if url else "api_base_url")
        return ""
    used = _transformers(draft, where, provider.get("transformer"))
    more = _more(draft, where, provider, proxy)
    wanted = Wanted(
        name=name,
        where=where,
        protocol=_protocol(provider, used),
        url=_braced(url),
        keys=_keys(provider),
        more=more,
    )
    draft.left(where, provider, _PROVIDER, _PROVIDER_HANDLED)
    return draft.provider(wanted)


def _protocol(provider: Table, used: list[str]) -> str:
    said = text(provider.get("type") or provider.get("protocol")).lower()
    listed = [table(each) for each in rows(provider.get("capabilities"))]
    also = (text(each.get("type") or each.get("protocol")).lower() for each in listed)
    named = next((PROTOCOLS[each] for each in (said, *also) if each in PROTOCOLS), "")
    return named or next((TRANSFORMERS[each] for each in used if each in TRANSFORMERS), "openai_chat")


def _braced(url: str) -> str:
    """A URL with its variables as ours: there they may do without braces."""
    return re.sub(r"\$([A-Za-z_]\w*)", r"${\1}", url)


def _keys(provider: Table) -> tuple[Key, ...]:
    """A pool of keys stands above the one key of the form."""
    pool = provider.get("credentials") or provider.get("keys") or provider.get("apiKeys")
    listed = [table(row) for row in rows(pool)]
    listed.sort(key=lambda row: number(row.get("priority")) or 0)
    found = [_key(row) for row in listed if row.get("enabled") is not False]
    keys = tuple(key for key in found if key is not None)
    return keys or tuple(key for key in (_key(provider),) if key is not None)


def _key(row: Table) -> Key | None:
    names = ("api_key", "apiKey", "apikey", "key", "token")
    secret = next((found for name in names if (found := text(row.get(name)))), "")
    key = reference(secret)
    if key is None:
        return None
    return Key(secret=key.secret, env=key.env, weight=number(row.get("weight")) or 0.0)


def _transformers(draft: Draft, where: str, said: Any) -> list[str]:
    """The names of a provider's transformers; what none of our quirks does by itself is reported."""
    found = table(said)
    named = [(text(rows(each)[0]) if rows(each) else text(each), each) for each in rows(found.get("use"))]
    for name, each in named:
        options = table(rows(each)[1]) if len(rows(each)) > 1 else {}
        if name.lower() == "maxtoken":
            limit = text(options.get("max_tokens"))
            draft.note(f"{where}.transformer maxtoken {limit}", "left", "default")
        elif name.lower() not in MENDING:
            draft.note(f"{where}.transformer {name}", "left", "script")
    for model in found:
        if model != "use":
            draft.note(f"{where}.transformer.{model}", "left", "needless")
    return [name.lower() for name, _ in named]


def _more(draft: Draft, where: str, provider: Table, proxy: str) -> Table:
    name = text(provider.get("name"))
    headers = draft.safe.hidden(strings(provider.get("extraHeaders")), f"{where}.extraHeaders", name)
    body = table(provider.get("extraBody"))
    body |= draft.safe.hidden(
        {key: value for key, value in body.items() if isinstance(value, str)}, f"{where}.extraBody", name
    )
    more: Table = {"headers": headers, "proxy": proxy, "quirks": {"set": body} if body else {}}
    return {key: value for key, value in more.items() if value}


def _model(draft: Draft, where: str, said: Any, ids: dict[str, str]) -> str:
    """A model under its name here; "" where nobody serves it, which is then reported."""
    name = text(said)
    for mark in (",", "/"):
        at = name.find(mark)
        while at > 0:
            provider = ids.get(name[:at].strip().lower())
            if provider and name[at + 1 :].strip():
                return f"{provider}/{name[at + 1 :].strip()}"
            at = name.find(mark, at + 1)
    if name and draft.resolves(name.replace(",", "/", 1)):
        return name.replace(",", "/", 1)
    if name:
        draft.note(where, "you", "no-model", name=name)
    return ""


def _router(draft: Draft, router: Table, fallback: Table, ids: dict[str, str]) -> None:
    routes = {**router, **table(router.get("routes"))}
    main = _model(draft, "Router.default", routes.get("default"), ids)
    for at, rule in enumerate(rows(router.get("rules"))):
        draft.note(f"Router.rules[{at}] {text(table(rule).get('name'))}".strip(), "left", "rule")
    chain = [*texts(table(router.get("fallback")).get("models")), *rows(fallback.get("default"))]
    backups = [model for each in chain if (model := _model(draft, "fallback", each, ids))]
    retries = whole(table(router.get("fallback")).get("retryCount"))
    if retries:
        draft.setting("Router.fallback.retryCount", "retry.retries", retries)
    for scenario in (name for name in fallback if name != "default"):
        draft.note(f"fallback.{scenario}", "left", "scenario")
    draft.left(
        "Router", routes, _ROUTES, ("default", "background", "longContext", "rules", "fallback", "routes", "think")
    )
    if not main:
        return
    settings: Table = {"model": main, "backups": backups}
    small = _model(draft, "Router.background", routes.get("background"), ids)
    if small:
        settings["haiku"] = small
        draft.note("Router.background", "carried", "background", name=NAME)
    thinking = _model(draft, "Router.think", routes.get("think"), ids)
    if thinking:
        settings["opus"] = thinking
        draft.note("Router.think", "changed", "thinking", name=NAME)
    long = _model(draft, "Router.longContext", routes.get("longContext"), ids)
    if long and long not in (main, *backups):
        settings["backups"] = [*backups, long]
        draft.note("Router.longContext", "changed", "longest", name=NAME)
    draft.profile("Router", NAME, settings)


def _profiles(draft: Draft, profile: Table, ids: dict[str, str]) -> None:
    """Version 3: what each agent is started with."""
    for at, row in enumerate(rows(profile.get("profiles"))):
        where, agent = f"profile.profiles[{at}]", table(row)
        name = text(agent.get("name")) or text(agent.get("id"))
        if agent.get("enabled") is False:
            draft.note(f"{where} {name}", "left", "disabled")
            continue
        model = _model(draft, f"{where}.model", agent.get("model"), ids)
        if not name or not model:
            draft.note(where, "left", "empty", missing="model" if name else "name")
            continue
        slots = {
            slot: _model(draft, f"{where}.{slot}Model", agent.get(f"{slot}Model"), ids)
            for slot in ("haiku", "sonnet", "opus", "fable")
        }
        slots["haiku"] = slots["haiku"] or _model(draft, f"{where}.smallFastModel", agent.get("smallFastModel"), ids)
        environment = draft.safe.hidden(strings(agent.get("env")), f"{where}.env", name)
        draft.profile(where, slug(name), {"model": model, **slots, "environment": environment})


def _server(draft: Draft, data: Table) -> None:
    single, many = text(data.get("APIKEY")), [table(row) for row in rows(data.get("APIKEYS"))]
    listed = [(f"APIKEYS[{at}]", text(row.get("name")) or f"key-{at + 1}", row) for at, row in enumerate(many)]
    for where, name, row in listed:
        if text(row.get("key")):
            draft.client_key(name, text(row.get("key")), f"{where}.key", f"HEXAPLA_KEY_{slug(name)}")
            draft.left(where, row, {"limits": "limit", "expiresAt": "limit"}, ("key", "name", "id", "createdAt"))
    if single and single not in {text(row.get("key")) for row in many}:
        draft.client_key("ccr", single, "APIKEY", "HEXAPLA_KEY")
    host, port, patience = text(data.get("HOST")), whole(data.get("PORT")), number(data.get("API_TIMEOUT_MS"))
    if host and host not in ("127.0.0.1", "localhost"):
        draft.setting("HOST", "server.host", host)
        if not draft.keys:
            draft.note("HOST", "you", "host-keys")
    if port and port != USUAL_PORT:
        draft.setting("PORT", "server.port", port)
    if patience:
        draft.setting("API_TIMEOUT_MS", "timeouts.total", patience / 1000)
