"""What answers at an address, whatever that is."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from hexapla.agents.probe import Found, probe

OURS = b'HTTP/1.1 200 OK\r\ncontent-length: 18\r\nconnection: close\r\n\r\n{"name":"hexapla"}'
EMPTY = b"HTTP/1.1 %d Said\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
SSH = b"SSH-2.0-OpenSSH_9.9\r\n"


@contextmanager
def saying(answers: Sequence[bytes]) -> Iterator[str]:
    """The address of a server that says these in turn, one on each connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for answer in answers:
                with listening.accept()[0] as asked:
                    asked.recv(65536)
                    asked.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread.join()


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ((OURS, EMPTY % 200), "ready"),
        ((OURS, EMPTY % 401), "locked"),
        ((OURS, EMPTY % 403), "locked"),
        ((OURS, EMPTY % 404), "unknown"),
        ((OURS, EMPTY % 500), "stranger"),
        ((OURS, SSH), "stranger"),
        ((EMPTY % 200,), "stranger"),
        ((EMPTY % 404,), "stranger"),
        ((OURS.replace(b"hexapla", b"another"),), "stranger"),
        ((SSH,), "stranger"),
        ((b"",), "stranger"),
    ],
)
def test_who_answers(answers: Sequence[bytes], found: Found) -> None:
    """A gateway of ours, ours without us, something else that speaks HTTP, or something that does not."""
    with saying(answers) as url:
        assert probe(url, "work", "key") == found


@pytest.mark.parametrize("url", ["http://127.0.0.1:abc", "http://[::1", "http://a..b"])
def test_an_address_that_is_none(url: str) -> None:
    assert probe(url, "", "key") == "stranger"


def test_nobody_listens() -> None:
    assert probe("http://127.0.0.1:1", "", "key") == "absent"
