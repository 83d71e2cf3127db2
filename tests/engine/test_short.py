"""The short way gives what the long way gives, in the same books, and hands over whatever is not the usual case."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming

from hexapla.config import load_config
from hexapla.engine import short
from hexapla.engine.assemble import open_gateway
from hexapla.engine.client import Ask
from hexapla.engine.gateway import Gateway
from hexapla.engine.short import Short
from hexapla.engine.work import finished
from hexapla.ledger import Generation
from hexapla.sdk.inbox import Inbox
from hexapla.translate import peek
from hexapla.translate.ours import OURS
from hexapla.translate.peek import UNUSUAL
from hexapla.upstream.connection import Connection
from published import fields_of, spread

BODY = msgspec.json.encode({"model": "m", "messages": [{"role": "user", "content": "hi"}]})
MESSAGES = BODY.replace(b'"m"', b'"one/m"').replace(b"}]}", b'}],"max_tokens":9}')
SAID = msgspec.json.encode(
    {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    }
)
HIDDEN = b'{"error":{"message":"no","type":"server_error"}}'

Script = Callable[["Upstream", asyncio.StreamWriter], Awaitable[None]]


def awaited(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """`test` in a loop of its own."""

    @wraps(test)
    def run(*arguments: Any, **named: Any) -> None:
        asyncio.run(test(*arguments, **named))

    return run


def answer(body: bytes = SAID, status: bytes = b"200 OK") -> bytes:
    head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % (status, len(body)) + body


class Upstream:
    """Two providers, `/one/...` and `/two/...`: `one` plays its script from the second request on."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: list[str] = []
        self.requests: list[bytes] = []
        self.arrived = asyncio.Event()
        self.left = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.requests.append(head + await reader.readexactly(int(head.rpartition(b"content-length: ")[2])))
                name = head.split(b"/", 2)[1].decode()
                self.asked.append(name)
                if name == "one" and self.asked.count("one") > 1:
                    self.arrived.set()
                    await self.script(self, writer)
                else:
                    writer.write(answer())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            self.left.set()
        finally:
            writer.close()


@asynccontextmanager
async def opened(folder: Path, script: Script, settings: str = "") -> AsyncIterator[tuple[Gateway, Upstream]]:
    """A gateway whose first provider has a connection that waits in the pool."""
    upstream = Upstream(script)
    servers = {name: await asyncio.start_server(upstream.serve, "127.0.0.1", 0) for name in ("one", "two")}
    providers = "".join(
        f'[providers.{name}]\nauth = {{ kind = "none" }}\n[[providers.{name}.endpoints]]\nprotocol = "openai_chat"\n'
        f'base_url = "http://127.0.0.1:{server.sockets[0].getsockname()[1]}/{name}/v1"\n'
        for name, server in servers.items()
    )
    settings = settings.replace("{two}", f"http://127.0.0.1:{servers['two'].sockets[0].getsockname()[1]}/two/v1")
    config = folder / "hexapla.toml"
    config.write_text(
        '[ledger]\npath = ":memory:"\n[log]\npath = "off"\n[retry]\nretries = 0\n'
        f'[chains]\n"one/m" = ["two/m"]\n{settings}{providers}'
    )
    gateway = open_gateway(load_config(config))
    try:
        assert (await asked(gateway))[0] == 200
        yield gateway, upstream
    finally:
        await gateway.aclose()
        for server in servers.values():
            server.close()


def question(model: str = "one/m", **more: Any) -> Ask:
    return Ask(protocol="openai_chat", body=BODY.replace(b'"m"', b'"%b"' % model.encode()), **more)


async def asked(gateway: Gateway, ask: Ask | None = None) -> tuple[int, bytes, dict[str, str]]:
    inbox = Inbox(0)
    await gateway.generate(ask or question(), inbox)
    return inbox.status, await inbox.read(), inbox.headers


def recorded(gateway: Gateway, headers: dict[str, str]) -> Generation:
    found = gateway.books.ledger.get(headers["x-generation-id"])
    assert found is not None
    return found


def free(gateway: Gateway) -> bool:
    """Nothing is left of a request: not in the gateway, and not with an endpoint."""
    tracks = gateway.routes.traffic.health
    busy = [track for name in ("one", "two") if (track := tracks.track(gateway.routes.first(f"{name}/m").track))]
    return gateway.running == 0 and all(track.running == 0 for track in busy)


async def writes(data: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(data)


async def waits(upstream: Upstream, writer: asyncio.StreamWriter) -> None:
    await upstream.reader.read(1)
    raise ConnectionError


async def well(upstream: Upstream, writer: asyncio.StreamWriter) -> None:
    writer.write(answer())


@awaited
async def test_it_is_as_the_long_way(tmp_path: Path) -> None:
    """The same bytes, heads and record, whichever way a request takes."""
    async with opened(tmp_path, well) as (gateway, upstream):
        short = await asked(gateway)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Short, "quickly", lambda *_: False)
            long = await asked(gateway)
        assert short[:2] == long[:2] == (200, SAID)
        assert short[2].keys() == long[2].keys()
        mine, theirs = (_timeless(recorded(gateway, said[2])) for said in (short, long))
        assert mine == theirs
        assert free(gateway) and upstream.asked == ["one"] * 3


@pytest.mark.parametrize(
    "ask",
    [
        question(),
        question(forward=(("openai-beta", "x"), ("user-agent", "theirs"))),
        replace(question(), protocol="anthropic_messages", body=MESSAGES, forward=(("anthropic-beta", "y"),)),
        replace(question(), body=BODY.replace(b'"m"', b'"one/m"').replace(b'"hi"', b'"%b"' % (b"hi " * 30_000))),
    ],
    ids=["plain", "forwarded", "hub", "large"],
)
@awaited
async def test_the_upstream_hears_the_same(ask: Ask, tmp_path: Path) -> None:
    """The same bytes, whichever way a request takes: headers of the client's included, for those who speak as it does."""
    async with opened(tmp_path, well) as (gateway, upstream):
        upstream.requests.clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Short, "run", None)  # nobody goes the long way here
            assert (await asked(gateway, ask))[0] == 200
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Short, "quickly", lambda *_: False)
            assert (await asked(gateway, ask))[0] == 200
        short, long = upstream.requests
        assert short == long
        told = [name for name, _ in ask.forward if b"\r\n%b: " % name.encode() in short]
        assert told == ([name for name, _ in ask.forward] if ask.protocol == "openai_chat" else [])


@awaited
async def test_what_an_answer_lacks_for_its_request(tmp_path: Path) -> None:
    """The request is known when its answer comes, though its bytes were given back: a call of 2023 is one of a tool."""
    tools = [{"type": "function", "function": {"name": "run", "parameters": {"type": "object"}}}]
    ask = replace(question(), body=msgspec.json.encode(msgspec.json.decode(question().body) | {"tools": tools}))
    message = {"role": "assistant", "content": None, "function_call": {"name": "run", "arguments": "{}"}}
    choice = {"index": 0, "message": message, "finish_reason": "function_call"}
    said = answer(msgspec.json.encode({"id": "c", "object": "chat.completion", "choices": [choice]}))
    async with opened(tmp_path, lambda _, writer: writes(said, writer)) as (gateway, _):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Short, "run", None)  # nobody goes the long way here
            status, body, _ = await asked(gateway, ask)
        choice = msgspec.json.decode(body)["choices"][0]
        assert status == 200 and choice["finish_reason"] == "tool_calls"
        assert [call["function"]["name"] for call in choice["message"]["tool_calls"]] == ["run"]


GOES_ON = """[providers.three]
auth = { kind = "none" }
[[providers.three.endpoints]]
protocol = "openai_chat"
base_url = "{two}"
[providers.three.endpoints.quirks]
continuation = { message = { prefix = true }, path = "/beta/chat/completions" }
"""


@pytest.mark.parametrize("protocol", ["openai_chat", "anthropic_messages"])
@awaited
async def test_an_answer_that_was_begun_is_asked_for_at_its_own_path(protocol: str, tmp_path: Path) -> None:
    begun = {"role": "assistant", "content": "Once"}
    body = {"model": "three/m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}, begun]}
    async with opened(tmp_path, well, GOES_ON) as (gateway, upstream):
        for _ in range(2):  # the second time a connection waits
            assert (await asked(gateway, Ask(protocol=protocol, body=msgspec.json.encode(body))))[0] == 200
            head, _, sent = upstream.requests[-1].partition(b"\r\n\r\n")
            assert head.startswith(b"POST /two/v1/beta/chat/completions ")
            assert msgspec.json.decode(sent)["messages"][-1] == begun | {"prefix": True}


WORDS: dict[str, Any] = {
    # what speaks to the gateway, or is another dialect's, beside all that is published
    "debug": {"echo_upstream_body": True},
    "fallbacks": [{"model": "one/m"}],
    "max_output_tokens": 9,
    "models": ["one/m"],
    "plugins": [{"id": "web", "max_results": 1}],
    "preset": "unknown",
    "provider": {"only": ["one"]},
    "route": "fallback",
    "session_id": "s1",
    "thread": {"type": "new"},
    "trace": {"id": "t1"},
    "transforms": ["middle-out"],
    "usage": {"include": True},
}
PUBLISHED = fields_of(CompletionCreateParamsNonStreaming)


@awaited
async def test_a_usual_request_is_as_every_other(tmp_path: Path) -> None:
    """Whatever a request says beside its texts, nobody overlooks it where a short look was enough (peek.py): the upstream
    hears the same, the client too, and the books, as after the long look."""
    published = {name: next(spread(hint, name))[0] for name, (hint, _) in PUBLISHED.items()}
    said = published | WORDS | {"stream": False, "functions": [], "tools": [], "function_call": None}
    assert said.keys() >= UNUSUAL | OURS
    seen = set()
    async with opened(tmp_path, well) as (gateway, upstream):
        for name, value in said.items():
            if name in ("messages", "model"):
                continue
            body = msgspec.json.encode(msgspec.json.decode(BODY) | {"model": "two/m", name: value})
            ask = replace(question(), body=body)
            first = await _told(gateway, upstream, ask)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(peek, "_usual", _refuse)
                second = await _told(gateway, upstream, ask)
            assert first == second, name
            seen |= {name} if peek.peek("openai_chat", body).usual else set()
    assert len(seen) > 20 and seen.isdisjoint(UNUSUAL)


def _refuse(body: bytes) -> None:
    raise msgspec.ValidationError


async def _told(gateway: Gateway, upstream: Upstream, ask: Ask) -> tuple[int, bytes, set[str], list[bytes], Any]:
    """What everybody hears of a request: the client, the upstream, the books."""
    upstream.requests.clear()
    status, body, headers = await asked(gateway, ask)
    record = gateway.books.ledger.get(headers.get("x-generation-id", ""))
    known = {name for name in headers if name != "retry-after"}
    return status, body, known, list(upstream.requests), record and _timeless(record)


def _timeless(record: Generation) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(record)
    for attempt in (told, *told["attempts"]):
        for name in ("id", "created", "latency", "first", "started"):
            attempt.pop(name, None)
    return told


@awaited
async def test_it_takes_no_task(tmp_path: Path) -> None:
    async with opened(tmp_path, well) as (gateway, _):
        inbox, ended = Inbox(0), asyncio.get_running_loop().create_future()
        running = gateway.begin(question(), inbox)
        before = asyncio.all_tasks()
        assert running is not None and running.quickly(ended.set_result)
        assert await ended is True
        assert await inbox.read() == SAID
        assert asyncio.all_tasks() <= before


FAILURES: dict[str, tuple[bytes, int | None]] = {
    "a refusal": (answer(b'{"error":{"message":"down"}}', b"503 Service Unavailable"), 503),
    "an error in a 200": (answer(HIDDEN), 200),
    "no JSON": (answer(b"<html>"), 200),
    "nothing": (answer(b""), 200),
    "no HTTP": (b"what?\r\n\r\n", None),
}


@pytest.mark.parametrize("failure", FAILURES)
@awaited
async def test_a_failure_is_the_long_ways(failure: str, tmp_path: Path) -> None:
    """Somebody else answers; who failed was asked once, and stands in the record with its status."""
    data, status = FAILURES[failure]
    async with opened(tmp_path, lambda _, writer: writes(data, writer)) as (gateway, upstream):
        code, body, headers = await asked(gateway)
        assert (code, body, headers["x-hexapla-attempts"]) == (200, SAID, "2")
        assert upstream.asked == ["one", "one", "two"]
        first, second = recorded(gateway, headers).attempts
        assert (first.provider, first.status, second.provider, second.outcome) == ("one", status, "two", "ok")
        assert first.latency > 0
        assert free(gateway)


def in_pieces(data: bytes, *places: int) -> Script:
    async def script(upstream: Upstream, writer: asyncio.StreamWriter) -> None:
        for begin, end in pairwise((0, *places, len(data))):
            writer.write(data[begin:end])
            await asyncio.sleep(0.02)

    return script


CHUNKED = answer(b"").replace(b"content-length: 0", b"transfer-encoding: chunked") + b"%x\r\n%b\r\n0\r\n\r\n" % (
    len(SAID),
    SAID,
)


@pytest.mark.parametrize(
    "script",
    [in_pieces(answer(), 30, -9), in_pieces(answer(), answer().index(SAID)), in_pieces(CHUNKED, -5)],
    ids=["anywhere", "behind the head", "before the last chunk"],
)
@awaited
async def test_an_answer_in_pieces(script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of an answer is waited for."""
    async with opened(tmp_path, script) as (gateway, upstream):
        monkeypatch.setattr(Short, "run", None)  # nobody goes the long way here
        code, body, headers = await asked(gateway)
        assert (code, body, headers["x-hexapla-attempts"]) == (200, SAID, "1")
        assert upstream.asked == ["one", "one"] and free(gateway)


@awaited
async def test_an_answer_that_takes_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The long way hears the rest of the same answer."""
    monkeypatch.setattr(short, "MOMENT", 0.0)
    async with opened(tmp_path, in_pieces(answer(), 30, -9)) as (gateway, upstream):
        code, body, headers = await asked(gateway)
        assert (code, body, headers["x-hexapla-attempts"]) == (200, SAID, "1")
        assert upstream.asked == ["one", "one"] and free(gateway)


@awaited
async def test_an_answer_too_large_to_wait_for(tmp_path: Path) -> None:
    """The connection holds no more than it is allowed to; the long way takes it away and hears the rest."""
    large = SAID.replace(b"hello", b"hello" * 200_000)
    async with opened(tmp_path, in_pieces(answer(large), 100)) as (gateway, upstream):
        code, body, headers = await asked(gateway)
        assert (code, body, headers["x-hexapla-attempts"]) == (200, large, "1")
        assert upstream.asked == ["one", "one"] and free(gateway)


@awaited
async def test_an_answer_that_breaks_off(tmp_path: Path) -> None:
    """Somebody else is asked."""

    async def script(upstream: Upstream, writer: asyncio.StreamWriter) -> None:
        writer.write(answer()[:-9])
        await asyncio.sleep(0.02)
        raise ConnectionError

    async with opened(tmp_path, script) as (gateway, upstream):
        code, body, headers = await asked(gateway)
        assert (code, body, headers["x-hexapla-attempts"]) == (200, SAID, "2")
        assert recorded(gateway, headers).attempts[0].outcome == "upstream_truncated"
        assert upstream.asked == ["one", "one", "two"] and free(gateway)


@awaited
async def test_a_client_that_leaves_in_the_middle(tmp_path: Path) -> None:
    """Half of the answer is there."""
    async with opened(tmp_path, lambda _, writer: writes(answer()[:-9], writer)) as (gateway, upstream):
        began = asyncio.Event()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Short, "_decide", None)
            patch.setattr(short, "MOMENT", 60.0)
            patch.setattr(Connection, "flowing", property(lambda _: began.set() or True))
            task = asyncio.create_task(asked(gateway))
            await began.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert free(gateway)
        await asyncio.wait_for(upstream.left.wait(), 1)
        assert gateway.books.ledger.recent(1)[0].outcome == "cancelled"


@awaited
async def test_a_connection_that_was_closed_while_it_was_idle(tmp_path: Path) -> None:
    """The server has seen nothing, so it is asked again, and nobody counts that."""
    once = iter([True])

    async def script(upstream: Upstream, writer: asyncio.StreamWriter) -> None:
        if next(once, False):
            writer.transport.abort()
        else:
            writer.write(answer())

    async with opened(tmp_path, script) as (gateway, upstream):
        code, body, headers = await asked(gateway)
        assert (code, body, headers["x-hexapla-attempts"]) == (200, SAID, "1")
        assert upstream.asked == ["one"] * 3 and free(gateway)


@awaited
async def test_a_client_that_leaves(tmp_path: Path) -> None:
    """The upstream's connection is closed at once, and the record says who left."""
    async with opened(tmp_path, waits) as (gateway, upstream):
        task = asyncio.create_task(asked(gateway))
        await upstream.arrived.wait()
        (open_record,) = gateway.books.ledger.running()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert free(gateway)
        await asyncio.wait_for(upstream.left.wait(), 1)
        ended = gateway.books.ledger.get(open_record.id)
        assert ended is not None and (ended.outcome, ended.status) == ("cancelled", 499)
        assert [attempt.outcome for attempt in ended.attempts] == ["cancelled"]
        (attempt,) = ended.attempts
        assert attempt.usage and attempt.usage.input, "what was sent is estimated, though nobody keeps it"


@awaited
async def test_a_client_that_leaves_between_the_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The long way was about to begin: what the short one brought is closed and recorded all the same."""
    monkeypatch.setattr(short, "MOMENT", 0.0)
    piece = answer()[:-9]
    async with opened(tmp_path, lambda _, writer: writes(piece, writer)) as (gateway, upstream):
        ended = asyncio.get_running_loop().create_future()
        running = gateway.begin(question(), Inbox(0))
        assert running is not None and running.quickly(ended.set_result)
        assert await ended is False
        running.leave()
        assert free(gateway)
        await asyncio.wait_for(upstream.left.wait(), 1)
        assert gateway.books.ledger.recent(1)[0].outcome == "cancelled"


@awaited
async def test_a_client_that_leaves_before_a_connection_is_there(tmp_path: Path) -> None:
    """It was let in and sent nothing: its place is free again, and no record was begun."""
    async with opened(tmp_path, well) as (gateway, upstream):
        running = gateway.begin(question("two/m"), Inbox(0))
        assert running is not None and not running.quickly(lambda _: None)
        running.leave()
        assert free(gateway) and upstream.asked == ["one"]


@awaited
async def test_a_gateway_that_stops(tmp_path: Path) -> None:
    """Who waits is told so, and may try again."""
    async with opened(tmp_path, waits) as (gateway, upstream):
        task = asyncio.create_task(asked(gateway))
        await upstream.arrived.wait()
        gateway.stop()
        code, body, headers = await task
        assert code == 503 and b"shutting down" in body and headers["x-should-retry"] == "true"
        assert free(gateway)
        await asyncio.wait_for(upstream.left.wait(), 1)
        assert recorded(gateway, headers).outcome == "overloaded"


@pytest.mark.parametrize("where", ["begin", "served"])
@awaited
async def test_a_bug_in_the_books(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a 500, the connection is closed, and nothing stays behind."""

    def fails(*_: Any, **__: Any) -> None:
        raise ArithmeticError("the inner words of a bug")

    async with opened(tmp_path, well) as (gateway, _):
        monkeypatch.setattr(f"hexapla.engine.recorder.Recorder.{where}", fails)
        code, body, _headers = await asked(gateway)
        assert code == 500 and b"inner words" not in body
        assert free(gateway)


@awaited
async def test_an_end_that_comes_with_a_cancellation() -> None:
    """Whoever awaits an answer and is cancelled in the moment in which it comes hears of the cancellation alone."""

    class Quick:
        left = False

        def quickly(self, ended: Callable[[bool], None]) -> bool:
            self.ended = ended
            return True

        async def run(self) -> None:
            raise AssertionError("there is nobody to answer")

        def leave(self) -> None:
            self.left = True

    running = Quick()
    task = asyncio.create_task(finished(running))
    await asyncio.sleep(0)
    task.cancel()
    running.ended(False)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert running.left


@pytest.mark.parametrize("timer", ["head", "total"])
@awaited
async def test_nobody_waits_for_ever(timer: str, tmp_path: Path) -> None:
    """The timer that passes first counts, whoever watches it."""
    async with opened(tmp_path, waits, f"[timeouts]\n{timer} = 0.3\n") as (gateway, _):
        code, body, _headers = await asyncio.wait_for(asked(gateway), 5)
        assert code == (200 if timer == "head" else 504) and (timer == "head" or b"in time" in body)
        assert free(gateway)
