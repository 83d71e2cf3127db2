"""Several keys of one provider, through a running gateway: a key that fails is benched and the next one serves."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.client import Heard, call
from server.running import Gateway, gateway
from server.upstream import Upstream, Visit
from server.wire import CHAT, PATHS, answer, ask, whole

REFUSALS = {
    "401": answer(401, b'{"error":{"message":"Incorrect API key provided: good-not","code":"invalid_api_key"}}'),
    "403": answer(403, b'{"error":{"message":"This key may not use the model."}}'),
    "402": answer(402, b'{"error":{"message":"Payment required."}}'),
    "quota": answer(429, b'{"error":{"message":"You exceeded your current quota.","code":"insufficient_quota"}}'),
    "429": answer(429, b'{"error":{"message":"Slow down."}}', "retry-after: 30"),
    "429-short": answer(429, b'{"error":{"message":"Slow down."}}', "retry-after: 1"),
}
"""What a vendor says to the key of that name; any other key is served."""


class Vendor:
    """An upstream that judges by key and remembers which keys it saw."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.keys: list[str] = []
        self.healed: set[str] = set()
        upstream.play(self._judge, "m")

    async def _judge(self, visit: Visit) -> None:
        key = visit.headers["authorization"].removeprefix("Bearer ")
        self.keys.append(key)
        refusal = None if key in self.healed else REFUSALS.get(key)
        await visit.write(refusal or whole(CHAT))


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with Upstream().running() as upstream:
        yield Vendor(upstream)


def settings(vendor: Vendor, *keys: str) -> str:
    listed = ", ".join(key if key.startswith("{") else f'"{key}"' for key in keys)
    return (
        f"[providers.acme]\nauth = {{ keys = [{listed}] }}\n"
        f'[[providers.acme.endpoints]]\nprotocol = "openai_chat"\nbase_url = "{vendor.upstream.url}/v1"\n'
    )


def chat(running: Gateway) -> Heard:
    return call(running.url, PATHS[CHAT], ask(CHAT, "acme/m"))


@pytest.mark.parametrize("fate", REFUSALS)
def test_the_next_key_serves_the_same_request(vendor: Vendor, tmp_path: Path, fate: str) -> None:
    """The client sees a success; the failed key is not asked again while it sits out."""
    with gateway(tmp_path, settings(vendor, fate, "good")) as running:
        first, second, third = chat(running), chat(running), chat(running)
    assert [first.status, second.status, third.status] == [200, 200, 200]
    assert first.headers["x-hexapla-attempts"] == "2"
    assert second.headers["x-hexapla-attempts"] == "1"
    assert vendor.keys == [fate, "good", "good", "good"]


def test_a_limited_key_comes_back_after_its_hint(vendor: Vendor, tmp_path: Path) -> None:
    """One second later the first key is asked first again, and clears itself by answering."""
    with gateway(tmp_path, settings(vendor, "429-short", "good")) as running:
        assert chat(running).status == 200
        vendor.healed.add("429-short")
        began = time.monotonic()
        while vendor.keys[-1] != "429-short" and time.monotonic() - began < 5:
            assert chat(running).status == 200
            time.sleep(0.05)
    assert 0.8 < time.monotonic() - began < 3
    assert vendor.keys.count("429-short") == 2


def test_when_every_key_fails_the_vendors_own_words_are_told(vendor: Vendor, tmp_path: Path) -> None:
    """All benched: the one who comes back first is asked, and its answer is the client's."""
    with gateway(tmp_path, settings(vendor, "401", "429", "402")) as running:
        assert chat(running).status >= 400
        assert Counter(vendor.keys) == {"401": 1, "429": 1, "402": 1}
        again = chat(running)
    assert again.status == 429 and again.error["message"] == "Slow down."
    assert vendor.keys[3:] == ["429"]


def test_a_lone_key_is_never_kept_from_trying(vendor: Vendor, tmp_path: Path) -> None:
    """There is nobody else, so whoever has paid his bill is served at once."""
    with gateway(tmp_path, settings(vendor, "402")) as running:
        assert chat(running).status == 402
        vendor.healed.add("402")
        assert chat(running).status == 200
