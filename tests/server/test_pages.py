"""Web pages of the origins that an operator allows may ask, and hear every answer; all others hear nothing (CORS)."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hexapla.server.pages import Pages
from server.client import Heard, call, dial, hear_all, request
from server.running import SHORT, Gateway, gateway, providers
from server.upstream import Upstream, Visit
from server.wire import CHAT, DIALECTS, LAST, PATHS, STREAM, ask, chunk, ending, opening, piece, refusal, whole

PAGE = "https://chat.example.com"
OTHER = "https://evil.example"
ALLOWS = "access-control-allow-origin"
GEMINI = "/v1beta/models/demo/echo:generateContent"

dialects = pytest.mark.parametrize("protocol", DIALECTS)


@pytest.fixture(scope="module")
def allowing(_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway without keys that allows one site's pages and those of any port of this machine."""
    settings = (
        f'[server]\ncors_origins = ["{PAGE}", "http://localhost:*"]\n[limits]\nhead_lines = 20\nbody_bytes = 9000\n'
    )
    with gateway(
        tmp_path_factory.mktemp("allowing"), settings + "[retry]\nretries = 0\n" + providers(_upstream.url)
    ) as it:
        yield it


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with a key that allows every page."""
    with gateway(tmp_path_factory.mktemp("keyed"), 'keys = ["k"]\n[server]\ncors_origins = "*"\n') as it:
        yield it


def heard_by(heard: Heard, origin: str = PAGE) -> bool:
    """Whether a browser lets a page of this origin hear all of it, and no other."""
    headers = heard.headers
    return (headers.get(ALLOWS), headers.get("access-control-expose-headers"), headers.get("vary")) == (
        origin,
        "*",
        "origin",
    )


async def answers(visit: Visit) -> None:
    if not visit.stream:
        await visit.write(whole(visit.protocol))
        return
    said = opening(visit.protocol) + piece(visit.protocol, "Hello.") + ending(visit.protocol, "Hello.")
    await visit.write(STREAM + chunk(said) + LAST)


async def refuses(visit: Visit) -> None:
    await visit.write(refusal(visit.protocol, 429, "retry-after: 30"))


@dialects
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_an_allowed_page_hears_answers(stream: bool, protocol: str, upstream: Upstream, allowing: Gateway) -> None:
    """With the headers that say who served, also where the head of the request is known and not parsed again."""
    body = ask(protocol, f"{SHORT[protocol]}/{upstream.play(answers)}", stream=stream)
    sent = request(PATHS[protocol], body).replace(b"\r\nhost", f"\r\norigin: {PAGE}\r\nhost".encode(), 1)
    with closing(dial(allowing.url)) as sock:
        for _ in range(3):
            sock.sendall(sent)
            head = _head(sock)
            assert f"\r\n{ALLOWS}: {PAGE}\r\n".encode() in head and b"\r\nx-hexapla-provider: " in head
            assert head.count(b"access-control-allow-origin") == head.count(b"\r\nvary: origin\r\n") == 1


def _head(sock: socket.socket) -> bytes:
    """The head of an answer, whose body is heard as well."""
    heard = b""
    while not heard.endswith((b"}", b"0\r\n\r\n")):
        heard += sock.recv(65536)
    return heard.partition(b"\r\n\r\n")[0] + b"\r\n"


@dialects
def test_an_allowed_page_hears_refusals(protocol: str, upstream: Upstream, allowing: Gateway) -> None:
    """The provider's and the gateway's, with the time after which to come again."""
    model = f"{SHORT[protocol]}/{upstream.play(refuses)}"
    heard = call(allowing.url, PATHS[protocol], ask(protocol, model), origin=PAGE)
    assert heard.status == 429 and heard.headers["retry-after"] == "30" and heard_by(heard)
    for body, status in ((b"{", 400), (ask(protocol, "no/such-model"), 404), (b" " * 9001, 413)):
        heard = call(allowing.url, PATHS[protocol], body, origin=PAGE)
        assert heard.status == status and heard_by(heard)


@pytest.mark.parametrize(
    ("path", "status"),
    [("/v1/models", 200), ("/v1/no-such-path", 404), ("/v1/chat/completions", 405), ("/livez", 200)],
)
def test_an_allowed_page_hears_everything_else(path: str, status: int, allowing: Gateway) -> None:
    heard = call(allowing.url, path, origin=PAGE)
    assert heard.status == status and heard_by(heard)


@pytest.mark.parametrize("path", ["/metrics", "/p/work/metrics"])
def test_no_page_hears_the_metrics(path: str, allowing: Gateway, keyed: Gateway) -> None:
    """They need no key by themselves, and tell models and costs."""
    for url, origin in ((allowing.url, PAGE), (keyed.url, OTHER)):
        heard = call(url, path, origin=origin)
        assert heard.status == 200 and ALLOWS not in heard.headers


def test_an_allowed_page_hears_gemini(allowing: Gateway) -> None:
    body = b'{"contents":[{"parts":[{"text":"Hi"}]}]}'
    assert heard_by(call(allowing.url, GEMINI, body, origin=PAGE))
    heard = call(allowing.url, GEMINI.replace("generate", "streamGenerate"), body, origin=PAGE)
    assert heard.status == 200 and heard_by(heard)


def test_an_allowed_page_hears_what_http_refuses(allowing: Gateway) -> None:
    """Also where there is no request yet whose dialect could be told."""
    for lines in ("x-a: 1\r\n" * 30, "transfer-encoding: gzip\r\n"):
        with closing(dial(allowing.url)) as sock:
            sock.sendall(f"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\norigin: {PAGE}\r\n{lines}\r\n".encode())
            assert f"\r\n{ALLOWS}: {PAGE}\r\n".encode() in hear_all(sock)


@pytest.mark.parametrize(
    "path", [*PATHS.values(), GEMINI, "/v1/models", "/api/v1/chat/completions", "/p/x/v1/messages"]
)
def test_a_page_may_ask_before_it_asks(path: str, allowing: Gateway) -> None:
    """What an SDK in a browser sends is allowed, whatever its headers are; nobody is asked for a key yet."""
    names = "anthropic-dangerous-direct-browser-access,authorization,content-type,x-stainless-lang"
    asked = {"access_control_request_method": "POST", "access_control_request_headers": names}
    heard = call(allowing.url, path, method="OPTIONS", origin="http://localhost:5173", **asked)
    assert heard.status == 204 and heard.body == b"" and heard_by(heard, "http://localhost:5173")
    assert heard.headers["access-control-allow-headers"] == names
    assert "POST" in heard.headers["access-control-allow-methods"].split(", ")
    assert "access-control-allow-private-network" not in heard.headers
    heard = call(
        allowing.url, path, method="OPTIONS", origin=PAGE, access_control_request_private_network="true", **asked
    )
    assert heard.headers["access-control-allow-private-network"] == "true"


def test_an_ordinary_options_is_none(allowing: Gateway) -> None:
    heard = call(allowing.url, PATHS[CHAT], method="OPTIONS", origin=PAGE)
    assert heard.status == 405 and heard_by(heard)


@dialects
def test_other_pages_hear_nothing_and_spend_nothing(protocol: str, upstream: Upstream, allowing: Gateway) -> None:
    """Neither by a plain form's request nor after asking before; a program that is no page is served as ever."""
    model = f"{SHORT[protocol]}/{upstream.play(answers)}"
    heard = call(allowing.url, PATHS[protocol], ask(protocol, model), origin=OTHER, content_type="text/plain")
    assert heard.status == 403 and ALLOWS not in heard.headers and "server.cors_origins" in heard.error["message"]
    asked = {"access_control_request_method": "POST"}
    heard = call(allowing.url, PATHS[protocol], method="OPTIONS", origin=OTHER, **asked)
    assert heard.status == 405 and not any(name.startswith("access-control") for name in heard.headers)
    assert not upstream.visits
    heard = call(allowing.url, PATHS[protocol], ask(protocol, model))
    assert heard.status == 200 and ALLOWS not in heard.headers


def test_a_page_of_this_machine_hears_nothing_unasked(served: Gateway) -> None:
    """Nothing is allowed by itself."""
    heard = call(served.url, PATHS[CHAT], ask(CHAT, "demo/echo"), origin="http://localhost:3000")
    assert heard.status == 200 and ALLOWS not in heard.headers


def test_every_page_may_hear_where_a_key_is_needed(keyed: Gateway) -> None:
    """It needs the key as everybody does, and hears that it does."""
    heard = call(keyed.url, PATHS[CHAT], ask(CHAT, "demo/echo"), origin=OTHER)
    assert heard.status == 401 and heard_by(heard, OTHER)
    heard = call(keyed.url, PATHS[CHAT], ask(CHAT, "demo/echo"), origin="null", authorization="Bearer k")
    assert heard.status == 200 and heard_by(heard, "null")


@pytest.mark.parametrize(
    ("allowed", "origin", "may"),
    [
        ("https://a.example", "https://a.example", True),
        ("https://A.example/", "https://a.Example", True),
        ("https://a.example", "http://a.example", False),
        ("https://a.example", "https://a.example:8443", False),
        ("https://a.example", "https://a.example.evil.example", False),
        ("https://a.example", "https://b.a.example", False),
        ("https://a.example", "https://aXexample", False),
        ("https://*.example", "https://b.a.example", True),
        ("https://*.a.example", "https://a.example", False),
        ("https://*.a.example", "https://evil.example:1.a.example", False),
        ("https://*.example", "https://\xff.example", False),
        ("https://*.example", "https://a b.example", False),
        ("http://localhost:*", "http://localhost:5173", True),
        ("http://localhost:*", "http://localhost", False),
        ("http://localhost:*", "http://localhost:1@evil.example", False),
        ("http://[::1]:*", "http://[::1]:8080", True),
        ("chrome-extension://*", "chrome-extension://abcdef", True),
        ("*", "null", True),
        ("*", "", False),
    ],
)
def test_which_origins_are_allowed(allowed: str, origin: str, may: bool) -> None:
    assert Pages([allowed]).allow(origin.encode("latin-1")) == may


def test_a_change_is_in_force_at_once(tmp_path: Path) -> None:
    """Also for heads that are known."""
    with gateway(tmp_path, "[server]\ncors_origins = []\n") as running, closing(dial(running.url)) as sock:
        sent = request(PATHS[CHAT], ask(CHAT, "demo/echo")).replace(
            b"host: localhost", b"host: localhost\r\norigin: app://x"
        )
        sock.sendall(sent)
        assert b"access-control" not in _head(sock)
        file = tmp_path / "hexapla.toml"
        file.write_text(file.read_text().replace("cors_origins = []", 'cors_origins = ["app://x"]'))
        assert _until(lambda: "in force" in running.complaints())
        sock.sendall(sent)
        assert b"\r\naccess-control-allow-origin: app://x\r\n" in _head(sock)


def _until(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()
