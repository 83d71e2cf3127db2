"""A web server for one redirect: it waits on the loopback address until the browser comes back (RFC 8252 section 7.3).

Rules of this file: only this machine is listened to; only the path and state that we gave count, everything else is
answered with an error and waited past; what came is shown nowhere.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from urllib.parse import parse_qs, urlsplit

from hexapla.errors import ConfigError, Kind, UpstreamError

HEAD = 16 * 1024
PAGE = """<!doctype html><meta charset="utf-8"><title>Hexapla</title>
<body style="font:1.2rem system-ui;margin:4rem"><p>{en}</p><p lang="zh">{zh}</p>"""
GOOD = PAGE.format(en="You are logged in. You may close this window.", zh="已登录，可以关闭此窗口。")
BAD = PAGE.format(en="This does not belong to the login that is waiting.", zh="此请求与正在等待的登录无关。")
NOT = PAGE.format(en="The login was not completed.", zh="登录未完成。")


class Loopback:
    """Waits for one redirect to `path`, with `state` unless that is ""."""

    def __init__(self, path: str, state: str) -> None:
        self._path = path
        self._state = state
        self._servers: list[asyncio.Server] = []
        self._found: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()

    async def open(self, ports: tuple[int, ...]) -> int:
        """Listen on the first port that is free; 0 is any.  Raises ConfigError when none is."""
        for port in ports:
            try:
                server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=HEAD)
            except OSError:
                continue
            self._servers.append(server)
            port = server.sockets[0].getsockname()[1]
            await self._also(port)
            return int(port)
        named = ", ".join(str(port) for port in ports)
        raise ConfigError(f"No port is free for the browser's return ({named}); free one, or log in with --headless.")

    async def caught(self, seconds: float) -> dict[str, str]:
        """What the browser brought back.  Raises UpstreamError when it does not come."""
        try:
            return await asyncio.wait_for(asyncio.shield(self._found), seconds)
        except TimeoutError:
            raise UpstreamError(Kind.TIMEOUT, "Nobody came back from the browser; log in again.") from None

    async def aclose(self) -> None:
        for server in self._servers:
            server.close()

    async def _also(self, port: int) -> None:
        """`localhost` may mean ::1 to the browser."""
        if socket.has_ipv6:
            try:
                self._servers.append(await asyncio.start_server(self._serve, "::1", port, limit=HEAD))
            except OSError:
                return

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            target = head.split(b" ", 2)[1].decode("ascii")
            status, page = self._answer(target)
            writer.write(
                f"HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\nconnection: close\r\n\r\n".encode()
            )
            writer.write(page.encode())
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, IndexError):
            return
        finally:
            writer.close()

    def _answer(self, target: str) -> tuple[str, str]:
        parts = urlsplit(target)
        said = {name: values[0] for name, values in parse_qs(parts.query).items()}
        known = not self._state or secrets.compare_digest(said.get("state", "").encode(), self._state.encode())
        mine = known and secrets.compare_digest(parts.path.encode(), self._path.encode())
        if not mine or not ("code" in said or "error" in said):
            return "400 Bad Request", BAD
        if not self._found.done():
            self._found.set_result(said)
        return "200 OK", GOOD if "code" in said else NOT
