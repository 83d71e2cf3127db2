"""A total outage under load, for real: it is not amplified, and it is over as soon as it is over."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from server.running import Gateway, gateway
from server.upstream import Upstream, Visit
from server.wire import CHAT, PATHS, ask, refusal, whole

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("mishaps")]

CLIENTS = 8
RATE = 25.0  # requests a second of each client
FIRST = 2.0  # seconds in which breakers may open and the saved retries be spent
DOWN = 6.0  # seconds of the outage
BACK_WITHIN = 5.0
BUDGET = 1.2  # attempts a request


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Gateway, Upstream, threading.Event]]:
    """A gateway before two endpoints that are down while the event is set."""
    down = threading.Event()

    async def serves(visit: Visit) -> None:
        await visit.write(refusal(visit.protocol, 503) if down.is_set() else whole(visit.protocol))

    with Upstream().running() as upstream:
        for name in ("first", "second"):
            upstream.play(serves, name)
        text = "".join(
            f'[providers.{name}]\nauth = {{ kind = "none" }}\n[[providers.{name}.endpoints]]\n'
            f'protocol = "openai_chat"\nbase_url = "{upstream.url}/v1"\n'
            for name in ("first", "second")
        )
        with gateway(tmp_path, text) as running:
            yield running, upstream, down


class Client(threading.Thread):
    """Asks at a steady rate, over one connection, and notes when what came of it."""

    def __init__(self, url: str, until: float) -> None:
        super().__init__(daemon=True)
        self.until = until
        self.heard: list[tuple[float, int, str]] = []  # when it was asked, the status, who served
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
        self._body = ask(CHAT, "first/first", models=["first/first", "second/second"])

    def run(self) -> None:
        while (began := time.monotonic()) < self.until:
            self._connection.request("POST", PATHS[CHAT], self._body)
            answer = self._connection.getresponse()
            answer.read()
            self.heard.append((began, answer.status, answer.getheader("x-hexapla-provider") or ""))
            time.sleep(max(0.0, 1 / RATE - (time.monotonic() - began)))
        self._connection.close()


def test_an_outage_is_not_amplified_and_ends_at_once(two: tuple[Gateway, Upstream, threading.Event]) -> None:
    """At most 1.2 attempts a request after the first seconds; every answer an honest error; the primary is back in time."""
    running, upstream, down = two
    down.set()
    began = time.monotonic()
    clients = [Client(running.url, began + DOWN + BACK_WITHIN + 1) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    time.sleep(DOWN)
    down.clear()
    healed = time.monotonic()
    for client in clients:
        client.join(20)
    heard = sorted(entry for client in clients for entry in client.heard)
    during = [entry for entry in heard if began + FIRST <= entry[0] < healed - 0.5]
    attempts = [visit for visit in upstream.visits if began + FIRST <= visit.came < healed - 0.5]
    assert len(during) > 20
    assert len(attempts) / len(during) <= BUDGET, f"{len(attempts)} attempts for {len(during)} requests"
    assert set(Counter(status for _, status, _ in during)) <= {503, 529}
    served = next(when for when, status, by in heard if when >= healed and status == 200 and by == "first")
    assert served - healed <= BACK_WITHIN
    print(f"{len(attempts)} attempts for {len(during)} requests; back after {served - healed:.2f} s")
