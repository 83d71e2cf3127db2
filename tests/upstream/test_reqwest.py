"""The second transport under the contract of the first, minus what its docstring excepts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from fault_server import FaultServer, serving

from hexapla.errors import Kind, UpstreamError
from hexapla.upstream.reqwest import ReqwestTransport, installed
from hexapla.upstream.transport import Request, Timeouts

pytestmark = pytest.mark.skipif(not installed(), reason="the extra hexapla[reqwest] is not installed")
QUICK = Timeouts(connect=0.5, head=0.3, idle=0.3)


def play(scene: Callable[[FaultServer, ReqwestTransport], Awaitable[None]]) -> None:
    async def run() -> None:
        transport = ReqwestTransport()
        async with serving() as faults:
            try:
                await scene(faults, transport)
            finally:
                await transport.aclose()

    asyncio.run(run())


async def fetch(transport: ReqwestTransport, faults: FaultServer, path: str, **more: object) -> tuple[int, bytes]:
    asked = Request(url=f"{faults.base}/{path}", body=b"{}", timeouts=QUICK, **more)  # type: ignore[arg-type]
    response = await transport.send(asked)
    try:
        return response.status, await response.read(10_000_000)
    finally:
        response.close()


@pytest.mark.parametrize("path", ["ok", "chunked", "to-the-end", "interim", "gzip"])
def test_good_answers_arrive_whole(path: str) -> None:
    """Every framing that HTTP/1.1 allows, interim answers, and gzip."""

    async def scene(faults: FaultServer, transport: ReqwestTransport) -> None:
        status, body = await fetch(transport, faults, path)
        assert status == 200 and body.startswith(b"hello")

    play(scene)


BROKEN: dict[str, set[Kind]] = {
    "no-answer": {Kind.UPSTREAM_CONNECT},
    "short": {Kind.UPSTREAM_TRUNCATED},
    "reset-inside": {Kind.UPSTREAM_TRUNCATED},
    "no-last-chunk": {Kind.UPSTREAM_TRUNCATED},
    "bad-chunk": {Kind.UPSTREAM_PROTOCOL, Kind.UPSTREAM_TRUNCATED},
    "two-lengths": {Kind.UPSTREAM_PROTOCOL},
    "many-headers": {Kind.UPSTREAM_PROTOCOL},
    "banner": {Kind.UPSTREAM_PROTOCOL},
    "cut-gzip": {Kind.UPSTREAM_TRUNCATED},
    "silence": {Kind.TIMEOUT},
    "stall": {Kind.TIMEOUT},
}


@pytest.mark.parametrize("path", BROKEN)
def test_broken_answers_are_errors_of_their_kind(path: str) -> None:
    """Each fault is one UpstreamError of the right kind, and the next request works."""

    async def scene(faults: FaultServer, transport: ReqwestTransport) -> None:
        with pytest.raises(UpstreamError) as caught:
            await fetch(transport, faults, path)
        assert caught.value.kind in BROKEN[path], str(caught.value)
        assert (await fetch(transport, faults, "ok"))[1] == b"hello"

    play(scene)


def test_redirects_are_not_followed_and_sizes_are_limited() -> None:
    """A redirect is an answer; a limit is a limit."""

    async def scene(faults: FaultServer, transport: ReqwestTransport) -> None:
        assert (await fetch(transport, faults, "redirect"))[0] == 302
        with pytest.raises(UpstreamError, match="larger than 1000"):
            await fetch(transport, faults, "large", max_response_bytes=1000)

    play(scene)


def test_leaving_closes_the_upstream() -> None:
    """Cancelled in the middle, the connection is closed."""

    async def scene(faults: FaultServer, transport: ReqwestTransport) -> None:
        task = asyncio.ensure_future(fetch(transport, faults, "pour"))
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.wait_for(faults.closed.wait(), 0.5)

    play(scene)
