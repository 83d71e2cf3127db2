"""The generation endpoints: what they make of a request, and the front for any ASGI server.

Our own server asks them without ASGI in between (turn.py), because this is the path that every token takes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from msgspec.structs import replace

from hexapla.config import Limits
from hexapla.engine.client import Answer, Ask, OnLoss
from hexapla.engine.faults import internal
from hexapla.engine.gateway import Gateway
from hexapla.engine.heads import Head
from hexapla.engine.work import finished
from hexapla.errors import ClientError, GatewayError, Kind
from hexapla.server.body import ClientGone, Receive, read_body
from hexapla.server.keys import Headers, KeyRing
from hexapla.server.language import LANGUAGE, wants_chinese
from hexapla.server.profile import named

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

OPENROUTER = (
    b"http-referer",
    b"x-title",
    b"x-openrouter-title",
    b"x-openrouter-categories",
    b"x-session-id",
    b"x-anthropic-beta",
)
"""Headers that OpenRouter understands (https://openrouter.ai/docs/app-attribution, 2026-08-22)."""

FORWARD: dict[str, frozenset[bytes]] = {
    "anthropic_messages": frozenset({b"anthropic-beta", b"anthropic-version"}),
    "openai_chat": frozenset({b"openai-beta", *OPENROUTER}),
    "openai_responses": frozenset({b"openai-beta", *OPENROUTER}),
    "gemini_generate": frozenset(),
}
"""Client headers that an upstream of the same protocol understands; nothing else is passed on."""

SESSIONS = frozenset({b"x-session-id", b"x-claude-code-session-id", b"session-id", b"x-session-affinity"})
"""Headers that name a session: OpenRouter's, Claude Code's, Codex's and opencode's."""

METADATA = frozenset({b"x-openrouter-metadata", b"x-openrouter-experimental-metadata"})
"""Headers that ask how the request found its way; the second is the first one's old name."""

SWITCHES = {b"x-hexapla-hedge": "hedge", b"x-hexapla-resume": "resume"}
"""Headers that are true or false, and the field of an Ask that they are."""

SPEAKING = SESSIONS | METADATA | SWITCHES.keys() | {b"x-hexapla-on-loss", b"idempotency-key", LANGUAGE}
"""All headers that speak to the gateway."""

LISTEN_AFTER = 0.02
"""Seconds before the gateway begins to listen for a client that leaves; well inside the 100 ms that it promises."""

_POLICIES: tuple[OnLoss, ...] = ("allow", "warn", "strict")


class AsgiAnswer:
    """The answer as ASGI messages.  The head waits for the first bytes, so a whole answer can name its length."""

    __slots__ = ("_head", "_messages", "_send", "_sending")

    def __init__(self, send: Send) -> None:
        self._send = send
        self._head: MutableMapping[str, Any] | None = None
        self._messages: deque[MutableMapping[str, Any]] = deque()
        self._sending = asyncio.Lock()

    @property
    def full(self) -> bool:
        """ASGI's `send` must be awaited, so whatever was said is still here."""
        return bool(self._messages) or self._sending.locked()

    def start(self, status: int, head: Head) -> None:
        raw = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in head.pairs]
        self._head = {"type": "http.response.start", "status": status, "headers": raw}

    def send(self, data: bytes) -> bool:
        self._say_head()
        self._messages.append({"type": "http.response.body", "body": data, "more_body": True})
        return True

    def finish(self, data: bytes = b"") -> None:
        if self._head is not None:
            self._head["headers"].append((b"content-length", str(len(data)).encode()))
        self._say_head()
        self._messages.append({"type": "http.response.body", "body": data, "more_body": False})

    async def drain(self) -> None:
        async with self._sending:
            while self._messages:
                await self._send(self._messages.popleft())

    def _say_head(self) -> None:
        if self._head is not None:
            self._messages.append(self._head)
            self._head = None


class Generate:
    """One generation endpoint in one dialect."""

    def __init__(self, gateway: Gateway, keys: KeyRing, protocol: str, *, openrouter: bool = False) -> None:
        self.gateway = gateway
        self.keys = keys
        self._protocol = protocol
        self._openrouter = openrouter
        self._forward = FORWARD[protocol]
        self._speaking = self._forward | SPEAKING

    @property
    def limits(self) -> Limits:
        return self.gateway.config.limits

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send, *, model: str = "", stream: bool | None = None
    ) -> None:
        """As an ASGI application."""
        answer = AsgiAnswer(send)
        headers = scope["headers"]
        try:
            key = self.admit(headers, answer)
            if key is not None:
                async with read_body(headers, receive, self.limits, self.gateway.memory) as body:
                    work = self.answer(key, headers, body, answer, model=model, stream=stream, profile=named(scope))
                    await run_until_gone(work, receive)
        except GatewayError as error:
            self.refuse(error, answer, headers)
        except ClientGone:
            return
        if answer.full:
            await answer.drain()

    def admit(self, headers: Headers, answer: Answer) -> str | None:
        """The name of the caller's key; None when there is no right one, which was answered already."""
        try:
            return self.keys.name(headers)
        except GatewayError as error:
            self.refuse(error, answer, headers)
        except Exception as fault:  # the last resort (tests/server/test_guard.py)
            self.refuse(internal(fault), answer, headers)
        return None

    async def answer(
        self,
        key: str,
        headers: Headers,
        body: bytes,
        answer: Answer,
        *,
        model: str = "",
        stream: bool | None = None,
        profile: str = "",
    ) -> None:
        """Answer a request that has arrived whole, in the current task.  Raises ClientError."""
        ask = self.question(key, headers, model=model, stream=stream, profile=profile)
        await finished(self.gateway.begin(replace(ask, body=body), answer))

    def question(
        self, key: str, headers: Headers, *, model: str = "", stream: bool | None = None, profile: str = ""
    ) -> Ask:
        """What is asked beside the body, which is put into it when it is there.  Raises ClientError."""
        ask = Ask(
            protocol=self._protocol,
            body=b"",
            key=key,
            model=model,
            stream=stream,
            profile=profile,
            openrouter=self._openrouter,
        )
        return ask if self._speaking.isdisjoint(dict(headers)) else self._told(ask, headers)

    def refuse(self, error: GatewayError, answer: Answer, headers: Headers) -> None:
        """Tell the error in the dialect."""
        chinese = wants_chinese(headers)
        self.gateway.refuse(self._protocol, error, answer, openrouter=self._openrouter, chinese=chinese)

    def _told(self, ask: Ask, headers: Headers) -> Ask:
        """`ask` with what the headers say to the gateway, and what they say to an upstream.  Raises ClientError."""
        said: dict[str, Any] = {"session": "", "chinese": wants_chinese(headers)}
        forward: list[tuple[str, str]] = []
        for name, value in headers:
            if name in self._forward:
                forward.append((name.decode(), value.decode("latin-1")))
            elif name == b"x-hexapla-on-loss":
                said["on_loss"] = _policy(value)
            elif name in SWITCHES:
                said[SWITCHES[name]] = _switch(name, value)
            elif name == b"idempotency-key":
                said["idempotency"] = value.decode("latin-1")
            elif name in METADATA:
                said["metadata"] = value.lower() == b"enabled"
            if name in SESSIONS:
                said["session"] = said["session"] or value.decode("latin-1")
        return replace(ask, forward=tuple(forward), **said)


def _switch(name: bytes, value: bytes) -> bool:
    word = value.strip().lower()
    if word not in (b"true", b"false"):
        said = name.decode()
        raise ClientError(Kind.INVALID_REQUEST, f"{said} must be true or false.", param=said)
    return word == b"true"


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
