"""Service tiers from outside: what is asked for upstream, what it costs, and how it is listed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from server.client import Heard, call
from server.running import Gateway, gateway, providers
from server.upstream import Upstream, Visit
from server.wire import CHAT, MESSAGES, PATHS, RESPONSES, answer, ask, refusal, whole

COSTS = """
[[models.u_chat]]
id = "heron"
price = { input = 10, output = 10 }
services = { flex = { input = 5, output = 5 }, priority = { input = 20, output = 20 } }
"""


@pytest.fixture(scope="module")
def shop(_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway(tmp_path_factory.mktemp("tiers"), COSTS + providers(_upstream.url)) as running:
        yield running


def serving(served: str | None = None, *, full: bool = False) -> Any:
    """Serves at the tier that is asked for, or at `served`; `full`: has no room but at the plain one."""

    async def play(visit: Visit) -> None:
        tier = visit.asked.get("service_tier", "default")
        if full and tier != "default":
            await visit.write(refusal(CHAT, 429))
            return
        body = json.loads(whole(CHAT).partition(b"\r\n\r\n")[2])
        usage = {"prompt_tokens": 1_000_000, "completion_tokens": 0, "total_tokens": 1_000_000}
        told = {"service_tier": served or tier, "usage": usage}
        await visit.write(answer(200, json.dumps(body | told).encode()))

    return play


def asked(shop: Gateway, model: str = "u_chat/heron", protocol: str = CHAT, **more: Any) -> Heard:
    heard = call(shop.url, "/api" + PATHS[protocol], ask(protocol, model, **more))
    assert heard.status == 200, heard.body
    return heard


@pytest.mark.parametrize(
    ("model", "more", "sent", "cost"),
    [
        ("", {}, None, 10),
        ("", {"service_tier": "flex"}, "flex", 5),
        ("", {"service_tier": "priority"}, "priority", 20),
        ("", {"service_tier": "fast"}, "priority", 20),
        ("", {"service_tier": "default"}, "default", 10),
        (":floor", {}, "flex", 5),
        (":floor", {"service_tier": "default"}, "default", 10),
        ("", {"provider": {"only": ["u_chat/priority"]}}, "priority", 20),
    ],
)
def test_a_tier_is_asked_for_and_paid(
    model: str, more: dict[str, Any], sent: str | None, cost: int, upstream: Upstream, shop: Gateway
) -> None:
    """By its field, by a suffix, by the provider's name; and nobody else is served at one."""
    upstream.play(serving(), "heron")
    heard = asked(shop, "u_chat/heron" + model, **more)
    assert upstream.last().asked.get("service_tier") == sent
    assert (heard.json["service_tier"], heard.json["usage"]["cost"]) == (sent or "default", cost)
    found = call(shop.url, f"/api/v1/generation?id={heard.headers['x-generation-id']}").json["data"]
    assert (found["service_tier"], found["total_cost"]) == (sent or "default", cost)


@pytest.mark.parametrize("protocol", [RESPONSES, MESSAGES])
def test_a_tier_in_another_dialect(protocol: str, upstream: Upstream, shop: Gateway) -> None:
    """The answer says in its own place at which it was served."""
    upstream.play(serving(), "heron")
    for sent, told in (("flex", "flex"), ("default", "standard" if protocol == MESSAGES else "default")):
        value = asked(shop, protocol=protocol, service_tier=sent).json
        assert value["usage"]["cost"] == (5 if sent == "flex" else 10)
        assert upstream.last().asked["service_tier"] == sent
        assert (value["usage"] if protocol == MESSAGES else value)["service_tier"] == told


def test_who_sheds_a_request_is_paid_for_what_it_served(upstream: Upstream, shop: Gateway) -> None:
    """The answer says at which tier it was served."""
    upstream.play(serving("default"), "heron")
    assert asked(shop, service_tier="flex").json["usage"]["cost"] == 10
    upstream.play(serving("priority"), "heron")
    assert asked(shop).json["usage"]["cost"] == 20


def test_who_has_no_room_at_a_tier(upstream: Upstream, tmp_path: Any) -> None:
    """Priority and a suffix fall back to the plain tier; flex does not, since that would cost more than was asked for."""
    with gateway(tmp_path, COSTS + "[retry]\nmax_wait = 0.0\n" + providers(upstream.url)) as shop:
        upstream.play(serving(full=True), "heron")
        assert asked(shop, "u_chat/heron:floor").json["usage"]["cost"] == 10
        assert "service_tier" not in upstream.last().asked
        assert asked(shop, service_tier="priority").json["usage"]["cost"] == 10
        assert upstream.last().asked["service_tier"] == "default"
        refused = call(shop.url, PATHS[CHAT], ask(CHAT, "u_chat/heron", service_tier="flex"))
        assert refused.status == 429


def test_tiers_are_listed(shop: Gateway) -> None:
    """As endpoints of their own, with their prices."""
    found = call(shop.url, "/api/v1/models/u_chat/heron/endpoints").json["data"]["endpoints"]
    assert [(each["tag"], each["pricing"]["prompt"]) for each in found] == [
        ("u_chat/openai_chat", "0.00001"),
        ("u_chat/flex", "0.000005"),
        ("u_chat/priority", "0.00002"),
    ]
