"""Where endpoints are that go wrong below HTTP: ports, names, certificates and proxies."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from upstream.authority import BAD
from upstream.fault_server import NO_COMMON_PROTOCOL, FaultServer, black_hole, listening, proxying

HANDSHAKES = {"tls-stall": None, "tls-closed": b"", "tls-none": b"no TLS at all", "tls-alpn": NO_COMMON_PROTOCOL}
REFUSALS = {
    "proxy-407": b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n",
    "proxy-502": b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n",
    "proxy-stall": b"",
}
NAMES = ("unknown", "failing", "empty", "silent")


@dataclass
class Places:
    """urls: place -> base_url;  proxies: place -> the proxy before it;  heard: every server that may hear no request."""

    urls: dict[str, str] = field(default_factory=dict)
    proxies: dict[str, str] = field(default_factory=dict)
    heard: list[FaultServer] = field(default_factory=list)


@asynccontextmanager
async def opened() -> AsyncIterator[Places]:
    """All of them, on the running loop."""
    places = Places({"refused": "http://127.0.0.1:1", "proxy-none": "https://127.0.0.1:1"})
    places.urls |= {name: f"https://{name}.test" for name in NAMES}
    places.proxies["proxy-none"] = "http://user:s3cret@127.0.0.1:1"
    async with AsyncExitStack() as stack:
        places.urls["hole"] = f"http://127.0.0.1:{stack.enter_context(black_hole())}"
        for name, certificate in BAD.items():
            places.urls[name] = f"https://127.0.0.1:{await _deaf(stack, places, certificate())}"
        places.urls["elsewhere"] = f"https://elsewhere.test:{await _deaf(stack, places, BAD['wrong-host']())}"
        for name, says in HANDSHAKES.items():
            port = await stack.enter_async_context(listening(_Answering(says)))
            places.urls[name] = f"https://127.0.0.1:{port}"
        for name, says in REFUSALS.items():
            proxy = await stack.enter_async_context(proxying(says))
            places.urls[name] = "https://127.0.0.1:1"
            places.proxies[name] = f"http://user:s3cret@127.0.0.1:{proxy.port}"
        yield places


async def _deaf(stack: AsyncExitStack, places: Places, context: ssl.SSLContext) -> int:
    """A server that must not be told anything."""
    server = FaultServer()
    places.heard.append(server)
    return await stack.enter_async_context(listening(server.serve, context))


class _Answering:
    """Answers a handshake with `says`, or not at all."""

    def __init__(self, says: bytes | None) -> None:
        self.says = says

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        if self.says is None:
            await reader.read()
        else:
            writer.write(self.says)
        writer.close()
