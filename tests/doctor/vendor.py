"""A vendor that fails in just the way that a test wants, and an examination of it."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from hexapla.config import assemble, parse_config
from hexapla.doctor.choose import subjects
from hexapla.doctor.examine import examine, quiet
from hexapla.doctor.finding import Finding
from hexapla.doctor.words import cause, remedy
from hexapla.engine.assemble import open_gateway

Body = dict[str, Any]
KEY = "sk-doctor-0123456789"


@dataclass
class Vendor:
    """Its answers.  `listing`: status, body and headers of GET /models;  `chat`: (status, body) of a question."""

    listing: tuple[int, Any, dict[str, str]] = (200, {"data": [{"id": "tiny"}, {"id": "text-embed"}]}, {})
    chat: Callable[[Body], tuple[int, Any]] = lambda body: (200, None)
    asked: list[Body] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    url: str = ""

    async def start(self, context: ssl.SSLContext | None = None) -> web.AppRunner:
        """Serve, on a free port."""
        app = web.Application()
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/chat/completions", self._chat)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{runner.addresses[0][1]}/v1"
        return runner

    async def _models(self, request: web.Request) -> web.Response:
        self.keys.append(request.headers.get("authorization", ""))
        status, body, headers = self.listing
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return web.Response(status=status, body=data, headers={"content-type": "application/json", **headers})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        self.asked.append(body)
        status, answer = self.chat(body)
        if answer is None:
            answer = called("report", '{"word": "ready"}') if body.get("tools") else said("ready")
            if body.get("stream"):
                return web.Response(body=streamed("ready"), content_type="text/event-stream")
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        kind = "text/event-stream" if data.startswith(b"data:") else "application/json"
        return web.Response(status=status, body=data, content_type=kind)


def said(text: str) -> Body:
    """A whole answer in words."""
    return _whole({"role": "assistant", "content": text}, "stop")


def called(name: str, arguments: str) -> Body:
    """A whole answer that calls a tool."""
    call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return _whole({"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls")


def _whole(message: Body, stop: str) -> Body:
    choice = {"index": 0, "message": message, "finish_reason": stop}
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    return {"id": "x", "object": "chat.completion", "created": 1, "model": "tiny", "choices": [choice], "usage": usage}


def streamed(text: str, *, end: bool = True) -> bytes:
    """A stream; without its end it is cut off."""
    pieces: list[Body] = [{"delta": {"role": "assistant", "content": text}}]
    if end:
        pieces.append({"delta": {}, "finish_reason": "stop"})
    frames = [
        {
            "id": "x",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "tiny",
            "choices": [{"index": 0, **piece}],
        }
        for piece in pieces
    ]
    lines = [f"data: {json.dumps(frame)}\n\n" for frame in frames] + (["data: [DONE]\n\n"] if end else [])
    return "".join(lines).encode()


def refused(message: str, code: str = "") -> Body:
    """An error's body."""
    return {"error": {"message": message, "type": "error", "code": code or None}}


def toml(url: str, more: str = "", auth: str = f'{{ key = "{KEY}" }}') -> str:
    """A configuration with one provider, `own`, at `url`."""
    return (
        f'[providers.own]\nauth = {auth}\n[[providers.own.endpoints]]\nprotocol = "openai_chat"\n'
        f'base_url = "{url}"\n{more}\n'
    )


@dataclass(frozen=True)
class Examined:
    """What was found of one provider."""

    findings: list[Finding]

    def __getitem__(self, check: str) -> Finding:
        """The one finding, or the gravest, of a check."""
        own = [finding for finding in self.findings if finding.check == check]
        assert own, f"nothing was found of {check}"
        return next((finding for finding in own if finding.verdict == "fail"), own[0])

    def code(self, check: str) -> str:
        return self[check].code

    def cause(self, check: str, language: str = "en") -> str:
        return cause(self[check], language)

    def remedy(self, check: str, language: str = "en") -> str:
        return remedy(self[check], language)

    def verdicts(self) -> dict[str, str]:
        return {finding.check: finding.verdict for finding in self.findings}


async def examined(
    text: str,
    *names: str,
    model: str = "",
    online: bool = True,
    environment: dict[str, str] | None = None,
) -> Examined:
    """Examine the providers of a configuration."""
    environment = environment or {}
    loaded = quiet(assemble(parse_config(text, "hexapla.toml", environment), environment))
    gateway = open_gateway(loaded)
    found: list[Finding] = []
    try:
        await examine(gateway, subjects(loaded, names, model), found.append, online=online)
    finally:
        await gateway.aclose()
    for finding in found:
        for language in ("en", "zh"):
            assert cause(finding, language)
            assert remedy(finding, language) or finding.verdict in ("ok", "skip"), finding
    return Examined(found)


def visit(
    vendor: Vendor, *, more: str = "", model: str = "", context: ssl.SSLContext | None = None, auth: str = ""
) -> Examined:
    """Start the vendor, examine it, stop it."""

    async def told() -> Examined:
        runner = await vendor.start(context)
        try:
            return await examined(toml(vendor.url, more, **({"auth": auth} if auth else {})), "own", model=model)
        finally:
            await runner.cleanup()

    return run(told())


def run(work: Coroutine[Any, Any, Examined]) -> Examined:
    return asyncio.run(work)


def trusted(folder: Path, authority: Any) -> str:
    """A file with the certificate of an authority."""
    file = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    return str(file)
