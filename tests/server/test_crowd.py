"""More clients than files: those who are connected are served, the others are told, and nothing spins."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from hexapla.engine.machine import OWN_FILES
from server.client import call
from server.running import Gateway, gateway, providers
from server.upstream import Upstream, Visit
from server.wire import CHAT, PATHS, ask, whole

FILES = 64
CLIENTS = 200
ROOM = (FILES - OWN_FILES) // 2
TICK = os.sysconf("SC_CLK_TCK")


async def answers(visit: Visit) -> None:
    await visit.write(whole(visit.protocol))


@pytest.fixture
def narrow(_upstream: Upstream, tmp_path: Path) -> Iterator[Gateway]:
    """A gateway that may open so many files."""
    hexapla = str(Path(sys.executable).with_name("hexapla"))
    program = ("sh", "-c", f'ulimit -n {FILES}; exec "$0" "$@"', hexapla)
    with gateway(tmp_path, providers(_upstream.url), program=program) as running:
        yield running


def connected(served: Gateway) -> socket.socket:
    at = urlsplit(served.url)
    return socket.create_connection((at.hostname or "", at.port or 0), timeout=10)


def said(client: socket.socket, request: bytes) -> bytes:
    """The beginning of what `client` is answered."""
    try:
        client.sendall(request)
        return client.recv(4096)
    except ConnectionError:
        return b""


def processor(served: Gateway) -> float:
    """Seconds that it has computed."""
    fields = Path(f"/proc/{served.process.pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def test_more_clients_than_files(narrow: Gateway, upstream: Upstream) -> None:
    body = ask(CHAT, f"u_chat/{upstream.play(answers)}")
    head = f"POST {PATHS[CHAT]} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n\r\n"
    clients = [connected(narrow) for _ in range(CLIENTS)]
    heard = [said(client, head.encode() + body) for client in clients]
    served = [each for each in heard if each.startswith(b"HTTP/1.1 200 ")]
    told = [each for each in heard if each.startswith(b"HTTP/1.1 503 ")]
    assert len(served) == ROOM and len(told) + len(served) + heard.count(b"") == CLIENTS
    assert all(b"overloaded_error" in each and b"limits.connections" in each for each in told) and told
    before = processor(narrow)
    time.sleep(0.5)  # in which a busy loop would compute for as long
    assert processor(narrow) - before < 0.25
    for client in clients:
        client.close()
    deadline = time.monotonic() + 10
    while call(narrow.url, PATHS[CHAT], body).status != 200:
        assert time.monotonic() < deadline, narrow.complaints()
    assert "Traceback" not in narrow.complaints()
