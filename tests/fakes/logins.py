"""An authorization server that plays every vendor's part, and an upstream that knows its tokens.

One server has all the addresses, so a test points a provider's login at it with `host`.  It is as strict as the vendors:
a refresh token is good once, and using an old one ends the whole family (RFC 9700 section 4.14.2); PKCE is checked; codes
are asked for at the interval that was given.

    Desk            what the server knows and was asked; tests script it (`answers`) and read it (`heard`)
    running()       a desk on a port of its own, in a thread

It shares no code with the gateway.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import itertools
import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

HTML = "<html><body><h1>502 Bad Gateway</h1>token=do-not-quote-me</body></html>"
CHAT = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
}


@dataclass
class Heard:
    """One request: its path, headers (lower case) and fields, of a form, a JSON body or the query."""

    path: str
    headers: dict[str, str]
    fields: dict[str, Any]


@dataclass
class Desk:
    """The server's memory.

    answers   path -> answers for the next requests there, first come first served: (status, JSON or text)
    lasts     seconds that an access token lives;  interval  between polls
    good      access tokens that the upstream takes
    """

    url: str = ""
    answers: dict[str, list[tuple[int, Any]]] = field(default_factory=dict)
    lasts: float = 3600
    interval: Any = 1
    good: set[str] = field(default_factory=set)
    refreshable: str = ""
    spent: set[str] = field(default_factory=set)
    challenges: dict[str, str] = field(default_factory=dict)
    heard: list[Heard] = field(default_factory=list)
    delay: float = 0.0
    _count: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def asked(self, path: str) -> list[Heard]:
        """What was asked at `path`, in order."""
        return [each for each in self.heard if each.path == path]

    def issue(self, **more: Any) -> dict[str, Any]:
        """A new access token and a refresh token that replaces every other."""
        number = next(self._count)
        access, self.refreshable = f"access-{number}", f"refresh-{number}"
        self.good.add(access)
        return {
            "access_token": access,
            "refresh_token": self.refreshable,
            "token_type": "Bearer",
            "expires_in": self.lasts,
            "scope": "all",
            **more,
        }

    def refresh(self, token: str) -> tuple[int, Any]:
        """A refresh, or the end of the family when the token was used before."""
        if token != self.refreshable or token in self.spent:
            self.good.clear()
            self.refreshable = ""
            return 400, {"error": "invalid_grant", "error_description": "refresh token reused"}
        self.spent.add(token)
        return 200, self.issue()


def application(desk: Desk) -> web.Application:
    """The server."""

    async def answer(request: web.Request) -> web.Response:
        heard = Heard(request.path, {n.lower(): v for n, v in request.headers.items()}, await _fields(request))
        desk.heard.append(heard)
        if desk.delay:
            await asyncio.sleep(desk.delay)
        scripted = desk.answers.get(request.path)
        status, said = scripted.pop(0) if scripted else _answer(desk, heard)
        if isinstance(said, str):
            return web.Response(status=status, text=said, content_type="text/html")
        return web.json_response(said, status=status)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    return app


async def _fields(request: web.Request) -> dict[str, Any]:
    body = await request.text()
    if request.content_type == "application/json":
        said = json.loads(body or "{}")
        return said if isinstance(said, dict) else {}
    return dict(parse_qsl(body)) or dict(request.query)


def _answer(desk: Desk, heard: Heard) -> tuple[int, Any]:
    for ending, play in _PARTS.items():
        if heard.path.endswith(ending):
            return play(desk, heard)
    return 404, {"error": "not_found", "at": heard.path}


def _device(desk: Desk, heard: Heard) -> tuple[int, Any]:
    """RFC 8628 section 3.2."""
    if heard.fields.get("code_challenge"):
        desk.challenges["device"] = heard.fields["code_challenge"]
    page = f"{desk.url}/device"
    return 200, {
        "device_code": "device",
        "user_code": "WDJB-MJHT",
        "verification_uri": page,
        "expires_in": 900,
        "interval": desk.interval,
    }


def _token(desk: Desk, heard: Heard) -> tuple[int, Any]:
    fields = heard.fields
    if "refresh_token" in fields and fields.get("grant_type") == "refresh_token":
        return desk.refresh(fields["refresh_token"])
    code = fields.get("device_code") or fields.get("code") or ""
    challenge = desk.challenges.get(code)
    if challenge is not None and challenge != _challenge(fields.get("code_verifier", "")):
        return 400, {"error": "invalid_grant", "error_description": "PKCE"}
    return 200, desk.issue()


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _openai_code(desk: Desk, heard: Heard) -> tuple[int, Any]:
    """https://github.com/openai/codex codex-rs/login/src/device_code_auth.rs: the interval is a string."""
    return 200, {"device_auth_id": "d1", "usercode": "ABCD-1234", "interval": str(desk.interval)}


def _openai_poll(desk: Desk, heard: Heard) -> tuple[int, Any]:
    verifier = "v" * 43
    desk.challenges["openai-code"] = _challenge(verifier)
    return 200, {"authorization_code": "openai-code", "code_verifier": verifier, "code_challenge": _challenge(verifier)}


def _copilot(desk: Desk, heard: Heard) -> tuple[int, Any]:
    """GitHub's exchange: `token` as scheme, and where requests go."""
    scheme, _, grant = heard.headers.get("authorization", "").partition(" ")
    if scheme != "token" or grant not in desk.good:
        return 401, {"message": "Bad credentials"}
    access = f"copilot-{next(desk._count)}"
    desk.good.add(access)
    return 200, {
        "token": access,
        "expires_at": 1,  # a server whose clock is years behind
        "refresh_in": desk.lasts,
        "endpoints": {"api": desk.url},
    }


def _direct_access(desk: Desk, heard: Heard) -> tuple[int, Any]:
    scheme, _, grant = heard.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or grant not in desk.good:
        return 401, {"message": "401 Unauthorized"}
    access = f"direct-{next(desk._count)}"
    desk.good.add(access)
    named = {"X-Gitlab-Realm": "saas", "X-Gitlab-Instance-Id": ["i1"], "x-api-key": "not-this-one"}
    return 200, {"token": access, "headers": named}


def _openrouter(desk: Desk, heard: Heard) -> tuple[int, Any]:
    fields = heard.fields
    if fields.get("code_challenge_method") != "S256" or desk.challenges.get(fields.get("code", "")) != _challenge(
        fields.get("code_verifier", "")
    ):
        return 403, {"error": {"code": 403, "message": "Invalid code or code_verifier"}}
    key = f"sk-or-{next(desk._count)}"
    desk.good.add(key)
    return 200, {"key": key, "user_id": "u"}


def _metadata(desk: Desk, heard: Heard) -> tuple[int, Any]:
    if heard.headers.get("metadata-flavor") != "Google":
        return 403, "<html>Missing required header</html>"
    return 200, {name: value for name, value in desk.issue().items() if name != "refresh_token"}


def _cloud(desk: Desk, heard: Heard) -> tuple[int, Any]:
    """Google's and Microsoft's token endpoints: an access token without a refresh token."""
    return 200, {name: value for name, value in desk.issue().items() if name != "refresh_token"}


def _chat(desk: Desk, heard: Heard) -> tuple[int, Any]:
    token = heard.headers.get("authorization", "").removeprefix("Bearer ")
    if token not in desk.good:
        return 401, {"error": {"message": "Your token is not valid.", "code": "invalid_token"}}
    return 200, CHAT


_PARTS = {
    "/login/device/code": _device,
    "/device_authorization": _device,
    "/oauth2/device/code": _device,
    "/deviceauth/usercode": _openai_code,
    "/deviceauth/token": _openai_poll,
    "/copilot_internal/v2/token": _copilot,
    "/direct_access": _direct_access,
    "/auth/keys": _openrouter,
    "/service-accounts/default/token": _metadata,
    "/cloud/token": _cloud,
    "/oauth2/v2.0/token": _cloud,
    "/login/oauth/access_token": _token,
    "/token": _token,
    "/chat/completions": _chat,
}


@contextmanager
def running() -> Iterator[Desk]:
    """A desk that serves until the block ends."""
    desk = Desk()
    ready: Future[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
    with ThreadPoolExecutor(1, "desk") as thread:
        served = thread.submit(asyncio.run, _serve(desk, ready))
        served.add_done_callback(lambda done: ready.done() or ready.set_exception(done.exception() or RuntimeError()))
        desk.url, loop, stop = ready.result(10)
        try:
            yield desk
        finally:
            loop.call_soon_threadsafe(stop.set)
            served.result(10)


async def _serve(desk: Desk, ready: Future[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
    stop = asyncio.Event()
    runner = web.AppRunner(application(desk), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    ready.set_result((f"http://127.0.0.1:{runner.addresses[0][1]}", asyncio.get_running_loop(), stop))
    await stop.wait()
    await runner.cleanup()
