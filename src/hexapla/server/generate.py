"""The generation endpoints: raw ASGI, because this is the path that every token takes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from hexapla.engine.client import Ask, OnLoss
from hexapla.engine.gateway import Gateway, internal
from hexapla.errors import ClientError, GatewayError, Kind
from hexapla.server.body import ClientGone, Receive, read_body
from hexapla.server.keys import KeyRing
from hexapla.server.profile import named

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

FORWARD: dict[str, frozenset[bytes]] = {
    "anthropic_messages": frozenset({b"anthropic-beta", b"anthropic-version"}),
    "openai_chat": frozenset({b"openai-beta", b"http-referer", b"x-title", b"x-session-id"}),
    "openai_responses": frozenset({b"openai-beta", b"http-referer", b"x-title", b"x-session-id"}),
    "gemini_generate": frozenset(),
}
"""Client headers that an upstream of the same protocol understands; nothing else is passed on."""

LISTEN_AFTER = 0.02
"""Seconds before the gateway begins to listen for a client that leaves; well inside the 100 ms that it promises."""

_POLICIES: tuple[OnLoss, ...] = ("allow", "warn", "strict")


class AsgiAnswer:
    """The answer as ASGI messages.  The head waits for the first bytes, so a whole answer can name its length."""

    __slots__ = ("_head", "_send")

    def __init__(self, send: Send) -> None:
        self._send = send
        self._head: MutableMapping[str, Any] | None = None

    async def start(self, status: int, headers: tuple[tuple[str, str], ...]) -> None:
        raw = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers]
        self._head = {"type": "http.response.start", "status": status, "headers": raw}

    async def send(self, data: bytes) -> None:
        await self._say_head()
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def finish(self, data: bytes = b"") -> None:
        if self._head is not None:
            self._head["headers"].append((b"content-length", str(len(data)).encode()))
        await self._say_head()
        await self._send({"type": "http.response.body", "body": data, "more_body": False})

    async def _say_head(self) -> None:
        if self._head is not None:
            head, self._head = self._head, None
            await self._send(head)


class Generate:
    """One generation endpoint in one dialect."""

    def __init__(self, gateway: Gateway, keys: KeyRing, protocol: str) -> None:
        self._gateway = gateway
        self._keys = keys
        self._protocol = protocol
        self._forward = FORWARD[protocol]

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send, *, model: str = "", stream: bool | None = None
    ) -> None:
        answer = AsgiAnswer(send)
        try:
            ask = await self._ask(scope, receive, model, stream)
        except GatewayError as error:
            await self._gateway.refuse(self._protocol, error, answer)
            return
        except ClientGone:
            return
        except Exception as fault:  # the last resort (tests/server/test_guard.py)
            await self._gateway.refuse(self._protocol, internal(fault), answer)
            return
        await run_until_gone(self._gateway.generate(ask, answer), receive)

    async def _ask(self, scope: Scope, receive: Receive, model: str, stream: bool | None) -> Ask:
        headers = scope["headers"]
        key = self._keys.name(headers)
        limits = self._gateway.config.limits
        body = await read_body(receive, limits.body_bytes, limits.body_seconds)
        forward, on_loss = self._read_headers(headers)
        return Ask(
            protocol=self._protocol,
            body=body,
            key=key,
            on_loss=on_loss,
            forward=forward,
            model=model,
            stream=stream,
            profile=named(scope),
        )

    def _read_headers(self, headers: list[tuple[bytes, bytes]]) -> tuple[tuple[tuple[str, str], ...], OnLoss | None]:
        forward: list[tuple[str, str]] = []
        on_loss: OnLoss | None = None
        for name, value in headers:
            if name in self._forward:
                forward.append((name.decode(), value.decode("latin-1")))
            elif name == b"x-hexapla-on-loss":
                on_loss = _policy(value)
        return tuple(forward), on_loss


def _policy(value: bytes) -> OnLoss:
    word = value.decode("latin-1").strip().lower()
    for policy in _POLICIES:
        if word == policy:
            return policy
    raise ClientError(
        Kind.INVALID_REQUEST, "x-hexapla-on-loss must be allow, warn or strict.", param="x-hexapla-on-loss"
    )


async def run_until_gone(work: Awaitable[None], receive: Receive) -> None:
    """Await `work`, and cancel it as soon as the client leaves.

    A server tells of that only to those who listen to `receive`, so one small task listens; it starts when the answer
    has taken LISTEN_AFTER seconds, since most refusals and small answers are over before.
    """
    task = asyncio.current_task()
    assert task is not None
    gone = False
    listener: asyncio.Task[None] | None = None
    loop = asyncio.get_running_loop()

    async def listen() -> None:
        nonlocal gone
        while (await receive())["type"] != "http.disconnect":
            pass
        gone = True
        task.cancel()

    def start_listening() -> None:
        nonlocal listener
        listener = loop.create_task(listen())

    timer = loop.call_later(LISTEN_AFTER, start_listening)
    try:
        await work
    except asyncio.CancelledError:
        if not gone:
            raise
        task.uncancel()
    finally:
        timer.cancel()
        if listener is not None:
            listener.cancel()
