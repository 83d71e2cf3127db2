"""The device flow (RFC 8628): a code for a person to type elsewhere, and polling until they have.

Rules of this file: pure.  The server's interval is kept, `slow_down` adds to it, a server that stumbles is asked again
until the code has expired.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

from hexapla.auth.grant import Grant, seconds
from hexapla.auth.oauth import code_of, document, filled, grant_of, post, redeem, refused
from hexapla.auth.steps import Call, Clock, Draw, Prompt, Reply, Show, Sleep, Steps
from hexapla.catalog.login import Login
from hexapla.errors import Kind, UpstreamError

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
INTERVAL = 5.0  # RFC 8628 section 3.5: where the server says none, and what slow_down adds
EXPIRES = 900.0


def device_login(login: Login, host: str, now: Clock, draw: Draw) -> Steps[Grant]:
    """Log in with a code.  Raises UpstreamError when it is refused or expires."""
    if login.device_style == "openai":
        return (yield from _openai(login, host, now))
    verifier, challenge = proof(draw) if login.device_style == "pkce" else ("", "")
    url = filled(login.device, host)
    asked = {
        "client_id": login.client_id,
        "scope": login.scope,
        "code_challenge": challenge,
        "code_challenge_method": "S256" if challenge else "",
    }
    said = yield from _begun(post(url, asked, "form", login.headers))
    code = str(said.get("device_code") or "")
    page = _shown(said, "verification_uri_complete", "verification_uri")
    yield Show(Prompt("code", page, _shown(said, "user_code")))
    fields = {"client_id": login.client_id, "client_secret": login.client_secret, "device_code": code}
    poll = post(
        filled(login.token, host), fields | {"grant_type": GRANT_TYPE, "code_verifier": verifier}, "form", login.headers
    )
    reply = yield from _polled(poll, said, now, _waits)
    grant = grant_of(login, reply, host, now())
    if grant is None:
        raise _denied(reply, poll.url)
    return grant


def proof(draw: Draw) -> tuple[str, str]:
    """A verifier and its S256 challenge (RFC 7636 section 4)."""
    verifier = word(draw, 64)
    return verifier, base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def word(draw: Draw, size: int) -> str:
    """So many random bytes as one word."""
    return base64.urlsafe_b64encode(draw(size)).decode().rstrip("=")


def _openai(login: Login, host: str, now: Clock) -> Steps[Grant]:
    """OpenAI's own: 403 and 404 mean "not yet", and what comes is a code with its verifier, to be redeemed.

    https://github.com/openai/codex codex-rs/login/src/device_code_auth.rs (2026-11-22)
    """
    api = filled("{host}/api/accounts/deviceauth", host)
    said = yield from _begun(post(f"{api}/usercode", {"client_id": login.client_id}, "json", login.headers))
    user_code = _shown(said, "user_code", "usercode")
    yield Show(Prompt("code", filled(login.device, host), user_code))
    asked = {"device_auth_id": said.get("device_auth_id"), "user_code": user_code}
    poll = post(f"{api}/token", asked, "json", login.headers)
    reply = yield from _polled(poll, said, now, lambda reply: "wait" if reply.status in (403, 404) else _waits(reply))
    found = document(reply)
    if reply.status != 200 or not found.get("authorization_code"):
        raise _denied(reply, poll.url)
    fields = {
        "grant_type": "authorization_code",
        "code": str(found["authorization_code"]),
        "code_verifier": str(found.get("code_verifier") or ""),
        "redirect_uri": filled("{host}/deviceauth/callback", host),
    }
    return (yield from redeem(login, host, fields, now))


def _begun(call: Call) -> Steps[dict[str, Any]]:
    """The server's answer to "give me a code"."""
    reply: Reply = yield call
    said = document(reply)
    if reply.status != 200 or not (said.get("user_code") or said.get("usercode")):
        raise refused(reply, call.url, "the device login")
    return said


def _shown(said: dict[str, Any], *names: str) -> str:
    """The first of the fields that is there, without what a terminal would take for a command."""
    text = next((str(said[name]) for name in names if said.get(name)), "")
    return "".join(letter for letter in text if letter.isprintable())


def _waits(reply: Reply) -> str:
    """What an answer to a poll asks for: "wait", "slow" or "" for neither."""
    code = code_of(reply)
    if code == "slow_down":
        return "slow"
    stumbled = reply.status >= 500 or (reply.status == 429 and not code)
    return "wait" if stumbled or code == "authorization_pending" else ""


def _polled(call: Call, said: dict[str, Any], now: Clock, waits: Callable[[Reply], str]) -> Steps[Reply]:
    """Ask until the answer is no "not yet".  Raises UpstreamError when the code has expired."""
    interval = seconds(said.get("interval")) or INTERVAL
    end = now() + (seconds(said.get("expires_in")) or EXPIRES)
    while now() + interval < end:
        yield Sleep(interval)
        try:
            reply: Reply = yield call
        except UpstreamError:
            interval *= 2  # RFC 8628 section 3.5: where the server cannot be reached, back off
            continue
        wanted = waits(reply)
        if not wanted:
            return reply
        if wanted == "slow":
            interval = max(interval + INTERVAL, seconds(document(reply).get("interval")))
    raise UpstreamError(
        Kind.UPSTREAM_AUTH, "The code has expired before anybody used it; log in again.", code="expired_token"
    )


def _denied(reply: Reply, url: str) -> UpstreamError:
    code = code_of(reply)
    if code in DENIALS:
        return UpstreamError(Kind.UPSTREAM_AUTH, DENIALS[code], code=code)
    return refused(reply, url, "the device login")


DENIALS = {
    "access_denied": "The login was refused on the vendor's page.",
    "expired_token": "The code has expired before anybody used it; log in again.",
}
