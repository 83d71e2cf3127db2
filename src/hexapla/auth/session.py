"""Beginning and ending a login: whichever flow its provider has, then the file that keeps it.

Rules of this file: pure generators; a login that was completed is on the disk before anything else happens.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from hexapla.auth.device import device_login
from hexapla.auth.formats import cleared, dump, load
from hexapla.auth.grant import Grant
from hexapla.auth.kept import Kept
from hexapla.auth.oauth import document, filled, post
from hexapla.auth.pkce import browser_login
from hexapla.auth.steps import Clock, Delete, Draw, Lock, Prompt, Read, Reply, Show, Steps, Write
from hexapla.errors import ConfigError, UpstreamError


def log_in(kept: Kept, host: str, now: Clock, draw: Draw, *, headless: bool) -> Steps[Grant]:
    """Log in at `host` ("": the vendor's own) and keep what comes of it.  Raises UpstreamError or ConfigError."""
    login = kept.login
    if login.ended:
        note = f"{kept.provider}: the vendor switched this login off on {login.ended}. Use {login.instead}."
        yield Show(Prompt("note", note=note))
    where = host or login.host
    device = login.flow == "device_code" or (headless and login.device)
    try:
        if device:
            grant = yield from device_login(login, where, now, draw)
        else:
            grant = yield from browser_login(login, where, now, draw, headless=headless)
    except UpstreamError as error:
        if login.ended:
            error.message += f" The vendor switched this login off on {login.ended}; use {login.instead}."
            error.args = (error.message,)
        raise
    yield Lock(kept.path)
    old: bytes | None = yield Read(kept.path)
    yield Write(kept.path, dump(grant, old, kept.form))
    return grant


def log_out(kept: Kept) -> Steps[str]:
    """End the login that is kept: "none" when there was none, "revoked" when the vendor was told, else "removed"."""
    yield Lock(kept.path)
    data: bytes | None = yield Read(kept.path)
    grant = load(data, kept.login, kept.form)
    if grant is None:
        return "none"
    revoked = yield from _revoked(kept, grant)
    left = cleared(data or b"", kept.form)
    yield Delete(kept.path) if left is None else Write(kept.path, left)
    return "revoked" if revoked else "removed"


def _revoked(kept: Kept, grant: Grant) -> Steps[bool]:
    """Tell the vendor (RFC 7009); whether it heard."""
    login = kept.login
    if not login.revoke:
        return False
    fields = {
        "token": grant.refresh or grant.access,
        "token_type_hint": "refresh_token" if grant.refresh else "access_token",
        "client_id": login.client_id,
        "client_secret": login.client_secret,
    }
    try:
        reply: Reply = yield post(filled(login.revoke, grant.host), fields, "form", login.headers)
    except UpstreamError:
        return False
    return reply.status < 300 and not document(reply).get("error")


def enterprise(url: str) -> str:
    """`--enterprise-url` as a login's host: HTTPS unless it says otherwise, without a final slash.  Raises ConfigError."""
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.query:
        raise ConfigError(f"{url!r} is no address of a login server; give one like https://gitlab.example.com.")
    return parts.geturl().rstrip("/")
