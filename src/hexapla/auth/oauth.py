"""The token endpoint: codes and refresh tokens in, a Grant out; and what refusals mean.

Servers say no in many ways: RFC 6749 error objects, error objects inside `error`, a 200 with an error in it (GitHub),
a page of HTML from whatever stands in front.  All of them become one UpstreamError that names the server and what to do,
and never quotes a body, for a body may hold a token.

Rules of this file: pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
from msgspec.structs import replace

from hexapla.auth.grant import Grant, at, claims, life, seconds
from hexapla.auth.steps import Call, Clock, Headers, Reply, Steps
from hexapla.catalog.login import Login
from hexapla.errors import Kind, UpstreamError

_CODE = re.compile(r"[a-z][a-z_]{2,40}")

OVER = frozenset(
    {
        "access_denied",
        "bad_verification_code",
        "expired_token",
        "incorrect_device_code",
        "invalid_client",
        "invalid_grant",
        "refresh_token_expired",
        "refresh_token_invalidated",
        "refresh_token_reused",
        "token_revoked",
        "unauthorized_client",
    }
)
"""Codes after which asking again is pointless: a person has to log in anew."""


def filled(template: str, host: str) -> str:
    """A URL with the login's host: `{host}` with its scheme, `{domain}` without."""
    return template.replace("{host}", host.rstrip("/")).replace("{domain}", host.rpartition("://")[2].rstrip("/"))


def post(url: str, fields: Mapping[str, Any], encoding: str, headers: Mapping[str, str] = {}) -> Call:
    """A POST of the fields that are not empty."""
    held = {name: value for name, value in fields.items() if value not in ("", None)}
    body = msgspec.json.encode(held) if encoding == "json" else urlencode(held).encode()
    kind = "application/json" if encoding == "json" else "application/x-www-form-urlencoded"
    return Call("POST", url, (("content-type", kind), ("accept", "application/json"), *lowered(headers)), body)


def lowered(headers: Mapping[str, str]) -> Headers:
    """Headers as a request wants them; what is empty is left out."""
    return tuple((name.lower(), value) for name, value in headers.items() if value)


def document(reply: Reply) -> dict[str, Any]:
    """An answer's JSON object; {} when it is none."""
    try:
        said = msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return said if isinstance(said, dict) else {}


def code_of(reply: Reply) -> str:
    """The error code of an answer, wherever it stands; "" for none, and for a text that is no code of RFC 6749's kind."""
    said = document(reply)
    error = said.get("error")
    inner = error.get("code") or error.get("type") if isinstance(error, dict) else error
    code = str(inner or said.get("error_code") or said.get("code") or "")
    return code if _CODE.fullmatch(code) else ""


def refused(reply: Reply, url: str, doing: str) -> UpstreamError:
    """What an answer that brought no token means."""
    code, status, where = code_of(reply), reply.status, urlsplit(url).netloc
    after = seconds(reply.headers.get("retry-after")) or None
    if code in OVER or (status in (400, 401, 403) and document(reply)):
        said = f" ({code})" if code else ""
        return UpstreamError(
            Kind.UPSTREAM_AUTH, f"{where} refused {doing}{said}.", code=code or None, upstream_status=status
        )
    if status == 429:
        return UpstreamError(
            Kind.RATE_LIMIT, f"{where} wants {doing} later.", retry_after=after, upstream_status=status
        )
    what = "a server's error" if status >= 500 else "no token" if document(reply) else "something that is not JSON"
    kind = Kind.UPSTREAM_ERROR if status >= 500 else Kind.UPSTREAM_PROTOCOL
    message = f"{where} answered {doing} with {what} ({status})."
    return UpstreamError(kind, message, retry_after=after, upstream_status=status)


def grant_of(login: Login, reply: Reply, host: str, now: float) -> Grant | None:
    """The Grant in a token endpoint's answer; None where there is none."""
    said = document(reply)
    access = said.get(login.answer)
    if reply.status >= 300 or not isinstance(access, str) or not sendable(access):
        return None
    lasts = seconds(said.get("expires_in"))
    id_token = str(said.get("id_token") or "")
    return Grant(
        access=access,
        refresh=str(said.get("refresh_token") or ""),
        expires=now + lasts if lasts else life(access, now),
        obtained=now,
        id_token=id_token,
        scope=str(said.get("scope") or ""),
        account=account(login, id_token, access),
        host=host,
        base=place(str(at(said, login.base) or ""), host) if login.base else "",
    )


def account(login: Login, *tokens: str) -> str:
    """The account's id in the first token that tells it."""
    found = (at(claims(token), login.account) for token in tokens if login.account)
    return next((name for name in found if isinstance(name, str) and sendable(name)), "")


def sendable(text: str) -> bool:
    """Whether a header takes it."""
    return bool(text) and text.isascii() and text.isprintable() and text.strip() == text


def place(url: str, host: str) -> str:
    """Scheme and host of a URL that a login server named; "" where it may not be one.

    A token goes there, so plain HTTP is taken only from a login server that is itself asked over plain HTTP.
    """
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
    except ValueError:
        return ""
    if not parts.netloc or "@" in parts.netloc or parts.scheme not in ("https", urlsplit(host).scheme):
        return ""
    return f"{parts.scheme}://{parts.netloc}"


def redeem(login: Login, host: str, fields: Mapping[str, str], now: Clock) -> Steps[Grant]:
    """A code or refresh token for a Grant.  Raises UpstreamError; upstream_auth means that a person has to log in."""
    url = filled(login.token, host)
    renewing = "refresh_token" in fields
    encoding = login.refresh_encoding if renewing else login.encoding
    known = {"client_id": login.client_id, "client_secret": login.client_secret}
    reply: Reply = yield post(url, known | dict(fields), encoding, login.headers)
    grant = grant_of(login, reply, host, now())
    if grant is None:
        raise refused(reply, url, "the refresh of the login" if renewing else "the login")
    return grant


def renew(login: Login, old: Grant, now: Clock) -> Steps[Grant]:
    """A fresh Grant; what the server does not repeat (RFC 6749 section 6) is kept of the old one."""
    fields = {"grant_type": "refresh_token", "refresh_token": old.refresh}
    new = yield from redeem(login, old.host, fields, now)
    return replace(
        new,
        refresh=new.refresh or old.refresh,
        id_token=new.id_token or old.id_token,
        scope=new.scope or old.scope,
        account=new.account or old.account,
        base=new.base or old.base,
    )
