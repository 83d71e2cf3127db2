"""Nothing secret comes out: not of a request, not of an answer, not of an upstream that echoes our key.

Every place that may hold a secret gets one of its own; then everything that came out is searched for all of them: what
clients heard, standard output and error, the log, the ledger's files, metrics, and what the command line tells.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.client import call, dial, hear_all, request
from server.running import SHORT, Gateway, environment, gateway
from server.test_gemini import contents, path
from server.upstream import Script, Upstream, Visit
from server.wire import CHAT, DIALECTS, GEMINI, LAST, OK, PATHS, STREAM, answer, ask, chunk, opening, piece, whole

CLIENT_KEY = "ck-canary-0000000000000001"
UPSTREAM_KEY = "sk-canary-0000000000000002"
PROXY_WORD = "px-canary-0000000000000003"
HEADER_WORD = "hd-canary-0000000000000004"
PROMPT = "prompt-canary-0000000000000005"
ANSWER = "answer-canary-0000000000000006"
WRONG_KEY = "wk-canary-0000000000000007"

OURS = (CLIENT_KEY, UPSTREAM_KEY, PROXY_WORD, HEADER_WORD, WRONG_KEY)
"""What nobody may hear."""

KEPT_NOWHERE = (*OURS, PROMPT, ANSWER)
"""What nothing on disk or in metrics may hold; clients hear their own content, of course."""

ECHO = f"Incorrect API key provided: {UPSTREAM_KEY}. You sent '{PROMPT}'."


def saying(status: int, body: bytes) -> Script:
    async def script(visit: Visit) -> None:
        await visit.write(answer(status, body, f"x-echo: {UPSTREAM_KEY}"))

    return script


def echoed(protocol: str) -> bytes:
    """The echo as a vendor's error."""
    if protocol == GEMINI:
        return json.dumps({"error": {"code": 401, "message": ECHO, "status": "UNAUTHENTICATED"}}).encode()
    error = {"error": {"message": ECHO, "type": "invalid_request_error", "code": UPSTREAM_KEY, "param": UPSTREAM_KEY}}
    return json.dumps({"type": "error"} | error).encode()


async def in_json(visit: Visit) -> None:
    await visit.write(answer(401, echoed(visit.protocol), f"x-echo: {UPSTREAM_KEY}"))


async def in_a_200(visit: Visit) -> None:
    await visit.write(answer(200, echoed(visit.protocol)))


async def first_in_a_stream(visit: Visit) -> None:
    await visit.write(STREAM + chunk(b"data: " + echoed(visit.protocol) + b"\n\n") + LAST)


async def inside_a_stream(visit: Visit) -> None:
    event = b"event: error\n" if visit.protocol not in (CHAT, GEMINI) else b""
    said = (
        opening(visit.protocol) + piece(visit.protocol, ANSWER) + event + b"data: " + echoed(visit.protocol) + b"\n\n"
    )
    await visit.write(STREAM + chunk(said) + LAST)


async def no_json_inside_a_stream(visit: Visit) -> None:
    said = opening(visit.protocol) + piece(visit.protocol, ANSWER) + f"data: {{{UPSTREAM_KEY}\n\n".encode()
    await visit.write(STREAM + chunk(said) + LAST)


async def answers(visit: Visit) -> None:
    await visit.write(whole(visit.protocol, ANSWER))


async def no_http(visit: Visit) -> None:
    await visit.write(f"SSH-2.0-{UPSTREAM_KEY}\r\n".encode())
    visit.writer.close()


async def redirects(visit: Visit) -> None:
    await visit.write(OK.replace(b"200 OK", b"302 Found") + f"location: /?{UPSTREAM_KEY}\r\n\r\n".encode())
    visit.writer.close()


SCRIPTS: dict[str, Script] = {
    "json": in_json,
    "html": saying(502, f"<html>{ECHO}</html>".encode()),
    "text": saying(500, ECHO.encode()),
    "limit": saying(429, json.dumps({"error": {"message": ECHO}}).encode()),
    "in_a_200": in_a_200,
    "first_in_a_stream": first_in_a_stream,
    "inside_a_stream": inside_a_stream,
    "no_json_inside_a_stream": no_json_inside_a_stream,
    "answers": answers,
    "no_http": no_http,
    "redirects": redirects,
}


def settings(url: str) -> str:
    own = "".join(
        f'[providers.{SHORT[protocol]}]\nauth = {{ key = "{UPSTREAM_KEY}" }}\n'
        f'[[providers.{SHORT[protocol]}.endpoints]]\nprotocol = "{protocol}"\nbase_url = "{url}/v1"\n'
        f'headers = {{ x-own = "{HEADER_WORD}" }}\n'
        for protocol in (*DIALECTS, GEMINI)
    )
    proxied = (
        '[providers.proxied]\nauth = { kind = "none" }\n[[providers.proxied.endpoints]]\nprotocol = "openai_chat"\n'
        f'base_url = "{url}/v1"\nproxy = "http://user:{PROXY_WORD}@127.0.0.1:1"\n'
    )
    return f'keys = ["{CLIENT_KEY}"]\n[retry]\nretries = 0\n' + own + proxied


@pytest.fixture
def running(upstream: Upstream, tmp_path: Path) -> Iterator[Gateway]:
    for name, script in SCRIPTS.items():
        upstream.play(script, name)
    with gateway(tmp_path, settings(upstream.url)) as started:
        yield started


def heard(running: Gateway) -> Iterator[bytes]:
    """Everything that clients hear: every script at every upstream in every dialect, and the gateway's own refusals."""
    auth = {"x_api_key": CLIENT_KEY}
    for provider in (*DIALECTS, GEMINI):
        for script in SCRIPTS:
            model = f"{SHORT[provider]}/{script}"
            for protocol in DIALECTS:
                for stream in (False, True):
                    body = ask(protocol, model, stream=stream).replace(b"Hello", PROMPT.encode())
                    got = call(running.url, PATHS[protocol], body, **auth)
                    yield str(got.headers).encode() + got.body
            for way in ("", "sse", "array"):
                got = call(running.url, path(model, way), contents({"text": PROMPT}), **auth)
                yield str(got.headers).encode() + got.body
    for protocol in DIALECTS:
        for wrong in ({"authorization": f"Bearer {WRONG_KEY}"}, auth):
            for body in (b"{" + PROMPT.encode(), ask(protocol, f"nobody/{WRONG_KEY}"), ask(protocol, "proxied/m")):
                got = call(running.url, PATHS[protocol], body, **wrong)
                yield str(got.headers).encode() + got.body.replace(f"nobody/{WRONG_KEY}".encode(), b"")
    for where in ("/v1/models", "/v1/providers", "/v1/key", "/v1/credits", "/v1/generation?id=x", "/readyz", "/"):
        got = call(running.url, where, **auth)
        yield str(got.headers).encode() + got.body
    with dial(running.url) as sock:
        sock.sendall(request("/v1/messages", b"").replace(b"host", f"x-api-key {WRONG_KEY}".encode()))
        yield hear_all(sock)


def told(folder: Path, *arguments: str) -> bytes:
    """What the command line tells; `explain` masks what it would send."""
    command = [str(Path(sys.executable).with_name("hexapla")), *arguments]
    options: Any = {"cwd": folder, "env": environment(folder), "timeout": 60}
    done = subprocess.run(command, check=False, capture_output=True, **options)
    assert done.stdout, done.stderr
    return done.stdout + done.stderr


def found_in(data: bytes, secrets: tuple[str, ...]) -> list[str]:
    return [secret for secret in secrets if secret.encode() in data]


def test_nothing_secret_comes_out(running: Gateway) -> None:
    """Not to clients, not to disk, not to metrics, not to the terminal."""
    for data in heard(running):
        assert not found_in(data, OURS), data[:3000]
    metrics = call(running.url, "/metrics", x_api_key=CLIENT_KEY).body
    assert not found_in(metrics, KEPT_NOWHERE)
    folder = running.folder
    kept = [file for file in folder.rglob("*") if file.is_file() and file.name != "hexapla.toml"]
    assert any("ledger" in file.name for file in kept) and any(file.name == "log" for file in kept)
    for file in kept:
        assert not found_in(file.read_bytes(), KEPT_NOWHERE), file
    body = folder / "body.json"
    body.write_bytes(ask(CHAT, "u_chat/answers"))
    for arguments in (
        ("usage", "--recent", "1000", "--json"),
        ("usage", "--recent", "1000"),
        ("explain", str(body)),
        ("explain", str(body), "--json"),
        ("providers", "--json"),
    ):
        assert not found_in(told(folder, *arguments), OURS), arguments
