"""Gemini's front: the model and the method stand in the path, the key may stand in the query.

    POST /v1beta/models/{model}:generateContent | :streamGenerateContent | :countTokens
    GET  /v1beta/models, /v1beta/models/{model}

The same stands under /v1 and /v1alpha, which google-genai and older clients ask.  `models/` may be missing where
something is asked of a model: the AI SDK takes a name with a slash, as ours are, for a path (`getModelPath` in
@ai-sdk/google 3.0.141, 2026-11-28).  A stream is server-sent events with alt=sse, else one JSON array that grows; the
array is made here, from the events, so that no lane needs to know of it.

Rules of this file: `operation` is the only place that reads a path.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from hexapla.server.body import Receive
from hexapla.server.generate import Generate, Scope, Send
from hexapla.wire.sse import SSEDecoder

VERSIONS = ("/v1beta", "/v1", "/v1alpha")
GENERATE = {"generateContent": False, "streamGenerateContent": True}
COUNT = "countTokens"
_MODELS = "models/"


class Operation(NamedTuple):
    """What a path asks of which model."""

    model: str
    method: str


def operation(path: str) -> Operation | None:
    """The operation of a path without percent-encoding; None for any other path.  A model's name may hold slashes and
    colons, so the method stands behind the last colon."""
    for version in VERSIONS:
        if path.startswith(f"{version}/"):
            model, colon, method = path[len(version) + 1 :].removeprefix(_MODELS).rpartition(":")
            known = method in GENERATE or method == COUNT
            return Operation(model, method) if colon and model and known else None
    return None


def with_key(scope: Scope) -> Scope:
    """The scope with the query's `key` as the header that it stands for, unless a header names one already."""
    query = scope.get("query_string", b"")
    if b"key=" not in query or any(name == b"x-goog-api-key" for name, _ in scope["headers"]):
        return scope
    given = parse_qs(query.decode("latin-1")).get("key")
    if not given:
        return scope
    key = given[0].encode("utf-8", "replace")
    return {**scope, "headers": [*scope["headers"], (b"x-goog-api-key", key)]}


class GeminiGenerate:
    """generateContent and streamGenerateContent."""

    def __init__(self, generate: Generate) -> None:
        self._generate = generate

    async def __call__(self, asked: Operation, scope: Scope, receive: Receive, send: Send) -> None:
        stream = GENERATE[asked.method]
        if stream and b"alt=sse" not in scope.get("query_string", b""):
            send = _Array(send)
        await self._generate(with_key(scope), receive, send, model=asked.model, stream=stream)


class _Array:
    """ASGI messages of an event stream as those of a JSON array; any other answer is the array's one item."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._events: SSEDecoder | None = None
        self._begun = False

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            await self._send({**message, "headers": self._headers(message["headers"])})
            return
        last = not message.get("more_body", False)
        body = self._items(message.get("body", b""), last=last)
        if body or last:
            await self._send({**message, "body": body, "more_body": not last})

    def _headers(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        kind = next((value for name, value in headers if name == b"content-type"), b"")
        if kind.startswith(b"text/event-stream"):
            self._events = SSEDecoder()
        kept = [pair for pair in headers if pair[0] not in (b"content-type", b"content-length")]
        return [*kept, (b"content-type", b"application/json")]

    def _items(self, data: bytes, *, last: bool) -> bytes:
        if self._events is None:
            items = [data] if data else []
        else:
            items = [event.data for event in self._events.feed(data)]
            items += [event.data for event in self._events.close()] if last else []
        out = b""
        for item in items:
            out += (b",\n" if self._begun else b"[") + item
            self._begun = True
        if last:
            out += b"]" if self._begun else b"[]"
        return out
