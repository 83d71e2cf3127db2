"""Files in which logins are kept: our own, and those of the vendors' programs.

Where a vendor's program and we share a file, whatever else stands in it stays as it was.

Rules of this file: pure; a file that cannot be understood holds no login.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from hexapla.auth.grant import Grant, at, claims, seconds
from hexapla.auth.oauth import account, sendable
from hexapla.catalog.login import Login

Document = dict[str, Any]


def load(data: bytes | None, login: Login | None, form: str = "") -> Grant | None:
    """The login that a file holds; None for none.  `form`: whose file it is, "" is ours."""
    if not data:
        return None
    try:
        grant = FORMS[form][0](msgspec.json.decode(data), login)
        grant = msgspec.convert(msgspec.to_builtins(grant), Grant)  # somebody else's file may hold anything
    except (msgspec.MsgspecError, AttributeError, LookupError, TypeError, ValueError):
        return None
    return grant if sendable(grant.access) else None


def dump(grant: Grant, old: bytes | None, form: str = "") -> bytes:
    """The file with `grant` in it."""
    try:
        known = msgspec.json.decode(old) if old else {}
    except msgspec.DecodeError:
        known = {}
    said = FORMS[form][1](grant, known if isinstance(known, dict) else {})
    return msgspec.json.format(msgspec.json.encode(said), indent=2) + b"\n"


def cleared(data: bytes, form: str = "") -> bytes | None:
    """The file without its login; None where nothing would be left of it."""
    if form != "codex":
        return None
    known: Document = msgspec.json.decode(data)
    if not known.get("OPENAI_API_KEY"):
        return None
    return msgspec.json.format(msgspec.json.encode(known | {"tokens": None, "last_refresh": None}), indent=2) + b"\n"


def _own(said: Any, login: Login | None) -> Grant | None:
    return msgspec.convert(said, Grant)


def _own_file(grant: Grant, known: Document) -> Document:
    built: Document = msgspec.to_builtins(grant)
    return built


def _codex(said: Any, login: Login | None) -> Grant | None:
    """https://github.com/openai/codex codex-rs/login/src/auth/storage.rs (2026-11-22)"""
    tokens = said.get("tokens") or {}
    access, id_token = tokens["access_token"], tokens.get("id_token") or ""
    told = account(login, id_token, access) if login else ""
    return Grant(
        access=access,
        refresh=tokens.get("refresh_token") or "",
        expires=seconds(claims(access).get("exp")),
        obtained=seconds(claims(access).get("iat")),
        id_token=id_token,
        account=tokens.get("account_id") or told,
        host=login.host if login else "",
    )


def _codex_file(grant: Grant, known: Document) -> Document:
    tokens = known["tokens"] if isinstance(known.get("tokens"), dict) else {}
    new = {
        "id_token": grant.id_token,
        "access_token": grant.access,
        "refresh_token": grant.refresh,
        "account_id": grant.account,
    }
    when = datetime.fromtimestamp(grant.obtained, UTC).isoformat().replace("+00:00", "Z")
    merged = tokens | {name: value for name, value in new.items() if value}
    return {"OPENAI_API_KEY": None} | known | {"tokens": merged, "last_refresh": when}


def _copilot(said: Any, login: Login | None) -> Grant | None:
    """apps.json names accounts by host and client, hosts.json by host.

    https://github.com/github/copilot.vim, as read by other editors' plugins (2026-11-22)
    """
    domain = login.host.rpartition("://")[2] if login else "github.com"
    entries = (entry for name, entry in said.items() if name.partition(":")[0] == domain)
    held = next((entry for entry in entries if entry.get("oauth_token")), None)
    if held is None:
        return None
    return Grant(access=held["oauth_token"], account=held.get("user") or "", host=login.host if login else "")


def _kimi(said: Any, login: Login | None) -> Grant | None:
    """https://github.com/MoonshotAI/kimi-cli src/kimi_cli/auth/oauth.py (2026-11-22)"""
    expires, lasts = seconds(said.get("expires_at")), seconds(said.get("expires_in"))
    return Grant(
        access=said["access_token"],
        refresh=said.get("refresh_token") or "",
        expires=expires,
        obtained=expires - lasts if lasts else 0.0,
        scope=said.get("scope") or "",
        host=login.host if login else "",
    )


def _kimi_file(grant: Grant, known: Document) -> Document:
    return known | {
        "access_token": grant.access,
        "refresh_token": grant.refresh,
        "expires_at": grant.expires,
        "scope": grant.scope,
        "token_type": known.get("token_type") or "Bearer",
        "expires_in": grant.expires - grant.obtained,
    }


def _qwen(said: Any, login: Login | None) -> Grant | None:
    """https://github.com/QwenLM/qwen-code packages/core/src/qwen/qwenOAuth2.ts (2026-11-22)"""
    base = str(at(said, "resource_url") or "")
    return Grant(
        access=said["access_token"],
        refresh=said.get("refresh_token") or "",
        expires=seconds(said.get("expiry_date")) / 1000,
        host=login.host if login else "",
        base=f"https://{base.removeprefix('https://').partition('/')[0]}" if base else "",
    )


def _unwritten(grant: Grant, known: Document) -> Document:
    raise AssertionError("this file is the vendor's alone")


FORMS: dict[str, tuple[Callable[[Any, Login | None], Grant | None], Callable[[Grant, Document], Document]]] = {
    "": (_own, _own_file),
    "codex": (_codex, _codex_file),
    "github_copilot": (_copilot, _unwritten),
    "kimi": (_kimi, _kimi_file),
    "qwen": (_qwen, _unwritten),
}
