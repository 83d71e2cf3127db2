"""How a gateway starts and ends: signals, streams that are still running, addresses that it cannot have."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.client import begin, call, hear, hear_all
from server.running import SHORT, Gateway, command, environment, gateway, providers
from server.test_leaving import until
from server.upstream import Upstream, Visit
from server.wire import CHAT, DIALECTS, LAST, MESSAGES, PATHS, STREAM, TERMINATORS, ask, chunk, ending, opening, piece

SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])


class Held:
    """A script that says the beginning of a stream and, when it is told to, the rest."""

    def __init__(self) -> None:
        self._go = threading.Event()

    def go(self) -> None:
        self._go.set()

    async def __call__(self, visit: Visit) -> None:
        await visit.write(STREAM + chunk(opening(visit.protocol) + piece(visit.protocol, "first")))
        leaving = asyncio.ensure_future(visit.until_gone())
        while not self._go.is_set() and not leaving.done():  # noqa: ASYNC110 - told by another thread
            await asyncio.sleep(0.01)
        leaving.cancel()
        if self._go.is_set():
            await visit.write(chunk(piece(visit.protocol, " last") + ending(visit.protocol, "first last")) + LAST)


GRACE = 20.0  # seconds; whoever is through long before has not waited for it, however busy the machine is
LONG = 10.0  # what a busy machine may need for what takes half a second


def settings(upstream: Upstream, grace: float) -> str:
    return f"[server]\ngrace_seconds = {grace}\n" + providers(upstream.url)


@pytest.fixture
def patient(upstream: Upstream, tmp_path: Path) -> Iterator[Gateway]:
    with gateway(tmp_path, settings(upstream, GRACE)) as running:
        yield running


@pytest.fixture
def hasty(upstream: Upstream, tmp_path: Path) -> Iterator[Gateway]:
    with gateway(tmp_path, settings(upstream, 0.4)) as running:
        yield running


@SIGNALS
def test_streams_may_finish(number: signal.Signals, upstream: Upstream, patient: Gateway) -> None:
    """After a signal readiness is 503 and new questions are sent away; what runs finishes; the exit code is 0."""
    held = Held()
    model = upstream.play(held)
    streams = {
        protocol: begin(patient.url, PATHS[protocol], ask(protocol, f"{SHORT[protocol]}/{model}", stream=True))
        for protocol in DIALECTS
    }
    heard = {protocol: hear(sock, b"first") for protocol, sock in streams.items()}
    patient.signal(number)
    assert until(lambda: call(patient.url, "/readyz").status == 503)
    ready = call(patient.url, "/readyz")
    assert (ready.status, ready.json["status"], ready.json["running"]) == (503, "draining", 3)
    assert call(patient.url, "/livez").status == 200
    for protocol in DIALECTS:
        new = call(patient.url, PATHS[protocol], ask(protocol, f"{SHORT[protocol]}/{model}"))
        assert new.status == (529 if protocol == MESSAGES else 503)
        assert new.headers["x-should-retry"] == "true"
        assert int(new.headers["retry-after"]) >= 1
        assert "shutting down" in new.error["message"]
    held.go()
    for protocol, sock in streams.items():
        assert TERMINATORS[protocol] in heard[protocol] + hear_all(sock)
        sock.close()
    assert patient.process.wait(LONG) == 0
    assert patient.complaints() == ""
    assert {line["outcome"] for line in patient.log()} == {"ok"}


@SIGNALS
def test_streams_that_take_too_long(number: signal.Signals, upstream: Upstream, hasty: Gateway) -> None:
    """When the time is over, streams end with the dialect's error, the upstream is let go, and the exit code is 0."""
    model = upstream.play(Held())
    streams = {
        protocol: begin(hasty.url, PATHS[protocol], ask(protocol, f"{SHORT[protocol]}/{model}", stream=True))
        for protocol in DIALECTS
    }
    for sock in streams.values():
        hear(sock, b"first")
    hasty.signal(number)
    for protocol, sock in streams.items():
        rest = hear_all(sock)
        assert TERMINATORS[protocol] not in rest
        assert b"shutting down" in rest
        sock.close()
    assert hasty.process.wait(LONG) == 0
    assert all(visit.over.wait(1) for visit in upstream.visits)
    assert {line["outcome"] for line in hasty.log()} == {"overloaded"}


def test_deaf_client_does_not_hold_the_process(upstream: Upstream, hasty: Gateway) -> None:
    """A client that reads nothing cannot keep a stopping gateway alive."""

    async def pours(visit: Visit) -> None:
        await visit.write(STREAM + chunk(opening(visit.protocol)))
        while True:
            await visit.write(chunk(piece(visit.protocol, "x" * 2000) * 32))

    sock = begin(hasty.url, PATHS[CHAT], ask(CHAT, f"u_chat/{upstream.play(pours)}", stream=True), receive_buffer=65536)
    upstream.last()
    time.sleep(0.3)
    hasty.signal(signal.SIGTERM)
    assert hasty.process.wait(LONG) == 0
    sock.close()


@SIGNALS
def test_idle_gateway_ends_at_once(number: signal.Signals, upstream: Upstream, patient: Gateway) -> None:
    """With nothing running there is nothing to wait for, idle connections included."""
    idle = socket.create_connection(("127.0.0.1", int(patient.url.rpartition(":")[2])))
    patient.signal(number)
    assert patient.process.wait(GRACE) == 0
    assert patient.complaints() == ""
    idle.close()


@pytest.mark.skipif(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN, reason="started by nohup, as its programs are")
def test_a_terminal_that_closes_ends_it(upstream: Upstream, patient: Gateway) -> None:
    """What runs finishes, as after any other signal."""
    held = Held()
    sock = begin(patient.url, PATHS[CHAT], ask(CHAT, f"u_chat/{upstream.play(held)}", stream=True))
    heard = hear(sock, b"first")
    patient.signal(signal.SIGHUP)
    assert until(lambda: call(patient.url, "/readyz").status == 503)
    held.go()
    assert TERMINATORS[CHAT] in heard + hear_all(sock)
    assert patient.process.wait(LONG) == 0
    sock.close()


def test_second_interrupt_ends_at_once(upstream: Upstream, patient: Gateway) -> None:
    """Who presses Ctrl-C twice does not want to wait."""
    sock = begin(patient.url, PATHS[CHAT], ask(CHAT, f"u_chat/{upstream.play(Held())}", stream=True))
    hear(sock, b"first")
    patient.signal(signal.SIGINT)
    time.sleep(0.3)
    assert patient.process.poll() is None
    patient.signal(signal.SIGINT)
    assert patient.process.wait(GRACE) == 0
    sock.close()


def failed_start(folder: Path, text: str, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(folder, text, *more),
        check=False,
        env=environment(folder),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=15,
    )


def test_port_in_use(served: Gateway, tmp_path: Path) -> None:
    """A port that somebody has is one clear line and exit code 2; the one who has it is not disturbed."""
    port = served.url.rpartition(":")[2]
    done = failed_start(tmp_path, "", "--port", port)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert port in done.stderr
    assert "in use" in done.stderr
    assert done.stdout == ""
    assert served.alive()


@pytest.mark.parametrize("port", ["99999", "-1"])
def test_a_number_that_is_no_port(port: str, tmp_path: Path) -> None:
    done = failed_start(tmp_path, "", f"--port={port}")
    assert done.returncode == 2 and f"{port} is no port" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_open_to_the_network_without_keys(host: str, tmp_path: Path) -> None:
    """An address that others reach is refused while no key is configured, before anything is opened."""
    done = failed_start(tmp_path, "", "--host", host, "--port", "0")
    assert done.returncode == 2
    assert "without keys" in done.stderr
    assert "Traceback" not in done.stderr


def test_open_to_the_network_with_keys(tmp_path: Path) -> None:
    """With a key it may listen anywhere, and asks for the key."""
    with gateway(tmp_path, 'keys = ["a-key"]\n', "--host", "0.0.0.0") as running:
        here = running.url.replace("0.0.0.0", "127.0.0.1")
        assert call(here, "/v1/models").status == 401
        assert call(here, "/v1/models", authorization="Bearer a-key").status == 200


def test_address_of_another_machine(tmp_path: Path) -> None:
    """An address that this machine does not have is one line."""
    done = failed_start(tmp_path, 'keys = ["a-key"]\n', "--host", "192.0.2.1", "--port", "0")
    assert done.returncode == 2
    assert "192.0.2.1" in done.stderr
    assert "Traceback" not in done.stderr


def test_localhost(tmp_path: Path) -> None:
    """`localhost` is reached by whatever it resolves to."""
    with gateway(tmp_path, "", "--host", "localhost") as running:
        port = running.url.rpartition(":")[2]
        assert call(f"http://localhost:{port}", "/livez").status == 200
        assert call(f"http://127.0.0.1:{port}", "/livez").status == 200
