"""A client without manners: raw requests over a socket of its own."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from typing import Any
from urllib.parse import urlsplit

SECONDS = 10.0


@dataclass(frozen=True)
class Heard:
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        """The error inside, the same place in all three dialects."""
        inner: dict[str, Any] = self.json["error"]
        return inner


def call(url: str, path: str, body: bytes | None = None, method: str = "", **headers: str) -> Heard:
    """One request.  Header names are written with underscores."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=SECONDS)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method or ("GET" if body is None else "POST"), path, body, named)
        answer = connection.getresponse()
        return Heard(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def dial(url: str, receive_buffer: int = 0) -> socket.socket:
    """A socket to the gateway."""
    parts = urlsplit(url)
    sock = socket.socket()
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.settimeout(SECONDS)
    sock.connect((parts.hostname, parts.port))
    return sock


def request(path: str, body: bytes) -> bytes:
    """The bytes of a POST."""
    return b"POST %b HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n%b" % (path.encode(), len(body), body)


def begin(url: str, path: str, body: bytes, receive_buffer: int = 0) -> socket.socket:
    """Send a request and do not listen."""
    sock = dial(url, receive_buffer)
    sock.sendall(request(path, body))
    return sock


def hear(sock: socket.socket, word: bytes) -> bytes:
    """Everything up to and with `word`, or up to the end."""
    data = b""
    while word not in data and (got := sock.recv(65536)):
        data += got
    return data


def hear_all(sock: socket.socket) -> bytes:
    """Everything until the gateway closes; a reset is an end as well."""
    data = b""
    try:
        while got := sock.recv(65536):
            data += got
    except ConnectionError:
        pass
    return data


def at_once(play: Callable[..., None], *choices: Iterable[Any]) -> None:
    """Play every combination at the same time: each of them waits for most of it."""
    with ThreadPoolExecutor(16) as threads:
        for playing in [threads.submit(play, *chosen) for chosen in product(*choices)]:
            playing.result()
