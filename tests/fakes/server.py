"""The HTTP server: four dialects, a journal of everything that was asked.

    POST /v1/chat/completions, /v1/responses, /v1/messages, /v1/messages/count_tokens;  GET /v1/models
    POST /v1/models/MODEL:generateContent, :streamGenerateContent, :countTokens, and the same under /v1beta
    GET /__requests    the journal as JSON;  DELETE empties it

An answer's stream is written in as many pieces as the model's name demands (`~bytes=7`), its faults as the script says.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from types import ModuleType
from typing import Any

from aiohttp import web

from fakes import chat, gemini, messages, responses
from fakes.check import RequestError, need
from fakes.scripts import SCRIPTS, options, play
from fakes.values import INPUT, Turn, View

DIALECTS: tuple[ModuleType, ...] = (chat, responses, messages)


@dataclass
class Asked:
    """One request.  `status` and `error` are what it was answered; `gone`: its client left the stream."""

    path: str
    headers: dict[str, str]
    body: Any
    status: int = 0
    error: str = ""
    gone: bool = False


@dataclass
class Journal:
    """All requests, and how often each model was asked."""

    asked: list[Asked] = field(default_factory=list)
    trials: Counter[str] = field(default_factory=Counter)

    def clear(self) -> None:
        """Forget everything."""
        self.asked.clear()
        self.trials.clear()


JOURNAL: web.AppKey[Journal] = web.AppKey("journal", Journal)


def application(journal: Journal) -> web.Application:
    """The fake as an aiohttp application."""
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app[JOURNAL] = journal
    for dialect in DIALECTS:
        app.router.add_post("/v1" + dialect.PATH, _Generate(dialect).answer)
    for version in ("v1", "v1beta"):
        app.router.add_post(f"/{version}/models/{{operation:.+}}", _Gemini(gemini).answer)
    app.router.add_post("/v1/messages/count_tokens", _count)
    app.router.add_get("/v1/models", _models)
    app.router.add_get("/__requests", _requests)
    app.router.add_delete("/__requests", _forget)
    return app


class _Generate:
    """The endpoint of one dialect."""

    def __init__(self, dialect: ModuleType) -> None:
        self._dialect = dialect

    async def answer(self, request: web.Request) -> web.StreamResponse:
        asked = await _note(request)
        try:
            view = self.read(request, asked)
            if self._dialect is messages:
                messages.check_limits(asked.body, asked.headers)
            trials = request.app[JOURNAL].trials
            view.trial = trials[view.model]
            trials[view.model] += 1
            turn = play(view)
        except RequestError as refusal:
            asked.status, asked.error = refusal.status, refusal.message
            return _json(self._dialect.refused(refusal), refusal.status, refusal.headers)
        asked.status = 200
        if not view.stream:
            return await self._whole(view, turn)
        try:
            return await self._stream(request, asked, view, turn)
        except ConnectionError:
            asked.gone = True
            return web.Response(status=499)  # nobody reads it

    def read(self, request: web.Request, asked: Asked) -> View:
        """What is asked.  Raises RequestError."""
        view: View = self._dialect.read(asked.body, asked.headers)
        return view

    async def _whole(self, view: View, turn: Turn) -> web.Response:
        if turn.fault and turn.fault.kind == "instead":
            return _json(self._dialect.instead(view))
        return _json(self._dialect.whole(view, turn))

    async def _stream(self, request: web.Request, asked: Asked, view: View, turn: Turn) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        frames = self._dialect.events(view, turn)
        kind = turn.fault.kind if turn.fault else ""
        if kind:
            frames = frames[: len(frames) // 2]
        if kind == "error":
            frames.append(self._dialect.broken(view, len(frames)))
        if kind == "instead":
            frames = [self._dialect.broken(view, 0)]
        await _write(response, frames, view.model)
        if kind == "stall":
            await _until_gone(request)
            asked.gone = True
        if kind == "abort" and request.transport:
            request.transport.abort()
        return response


class _Gemini(_Generate):
    """Gemini says model, operation and form of the answer in the URL."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if not request.match_info["operation"].endswith(":countTokens"):
            return await super().answer(request)
        asked = await _note(request)
        inner = dict(asked.body.get("generateContentRequest") or asked.body)
        try:
            need(inner.pop("model", "models/").startswith("models/"), "model: must begin with models/")
            gemini.read(inner, asked.headers)
        except RequestError as refusal:
            asked.status, asked.error = refusal.status, refusal.message
            return _json(gemini.refused(refusal), refusal.status)
        asked.status = 200
        return _json({"totalTokens": INPUT})

    def read(self, request: web.Request, asked: Asked) -> View:
        model, _, method = request.match_info["operation"].rpartition(":")
        need(method in ("generateContent", "streamGenerateContent"), f"unknown method {method!r}")
        stream = method == "streamGenerateContent"
        need(not stream or request.query.get("alt") == "sse", "this fake streams events only")
        return gemini.read(asked.body, asked.headers, model, stream=stream)


async def _until_gone(request: web.Request) -> None:
    """Wait, in silence, for the client to leave."""
    while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110 there is no event
        await asyncio.sleep(0.02)


async def _write(response: web.StreamResponse, frames: list[bytes], model: str) -> None:
    asked = options(model)
    size = asked.get("bytes")
    if size:
        joined = b"".join(frames)
        frames = [joined[at : at + size] for at in range(0, len(joined), size)]
    for frame in frames:
        await response.write(frame)
        if "pause" in asked:
            await asyncio.sleep(asked["pause"] / 1000)


async def _note(request: web.Request) -> Asked:
    raw = await request.read()
    try:
        body = json.loads(raw)
    except ValueError:
        body = raw.decode("utf-8", "replace")
    headers = {name.lower(): value for name, value in request.headers.items()}
    asked = Asked(request.path_qs, headers, body)
    request.app[JOURNAL].asked.append(asked)
    return asked


async def _count(request: web.Request) -> web.Response:
    asked = await _note(request)
    try:
        messages.read(asked.body, asked.headers)
    except RequestError as refusal:
        asked.status, asked.error = refusal.status, refusal.message
        return _json(messages.refused(refusal), refusal.status)
    asked.status = 200
    return _json({"input_tokens": INPUT})


async def _models(request: web.Request) -> web.Response:
    listed = [{"id": name, "object": "model", "created": 1790000000, "owned_by": "fake"} for name in SCRIPTS]
    return _json({"object": "list", "data": listed})


async def _requests(request: web.Request) -> web.Response:
    return _json([asdict(asked) for asked in request.app[JOURNAL].asked])


async def _forget(request: web.Request) -> web.Response:
    request.app[JOURNAL].clear()
    return _json({})


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    body = json.dumps(value, ensure_ascii=False).encode()
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")
