"""What a key has spent, in the shapes without which OpenRouter's SDK takes an answer for none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from server.client import Heard, call
from server.running import Gateway, gateway, providers
from server.upstream import Upstream, Visit
from server.wire import CHAT, PATHS, answer, ask, whole

PRICED = '[[models.u_chat]]\nid = "priced"\nprice = { currency = "CNY", input = 10, output = 20 }\n'
KEY = frozenset(
    {
        "allowed_data_regions", "budgets", "byok_usage", "byok_usage_daily", "byok_usage_monthly", "byok_usage_weekly",
        "creator_user_id", "effective_budget", "free_model_daily_requests", "include_byok_in_limit", "is_free_tier",
        "is_management_key", "is_provisioning_key", "label", "limit", "limit_remaining", "limit_reset",
        "organization_id", "rate_limit", "usage", "usage_daily", "usage_monthly", "usage_weekly", "workspace_id",
    }
)  # fmt: skip
ACTIVITY = frozenset(
    {
        "date", "model", "model_permaslug", "endpoint_id", "provider_name", "usage", "byok_usage_inference", "requests",
        "prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens",
    }
)  # fmt: skip
"""Required by openrouter-python 1.3.84 (2026-11)."""


async def counting(visit: Visit) -> None:
    body = json.loads(whole(CHAT).partition(b"\r\n\r\n")[2])
    usage = {"prompt_tokens": 1_000_000, "completion_tokens": 100_000, "total_tokens": 1_100_000}
    await visit.write(answer(200, json.dumps(body | {"usage": usage}).encode()))


@pytest.fixture(scope="module")
def shop(_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with two keys, at which the first has asked twice."""
    settings = 'keys = ["one", "two"]\n[routing]\nusd = { CNY = 10 }\n' + PRICED + providers(_upstream.url)
    _upstream.play(counting, "priced")
    with gateway(tmp_path_factory.mktemp("account"), settings) as running:
        for _ in range(2):
            heard = call(running.url, PATHS[CHAT], ask(CHAT, "u_chat/priced"), authorization="Bearer one")
            assert heard.status == 200
        yield running


def asked(shop: Gateway, path: str, key: str = "one") -> Heard:
    return call(shop.url, "/api/v1" + path, authorization=f"Bearer {key}")


def test_a_key_and_its_credits(shop: Gateway) -> None:
    """Its own spending in dollars, today's as part of all; nothing limits it."""
    key = asked(shop, "/key").json["data"]
    assert key.keys() >= KEY
    assert [key[name] for name in ("usage", "usage_daily", "usage_weekly", "usage_monthly")] == [2.4] * 4
    assert (key["label"], key["limit"], key["rate_limit"]["requests"]) == ("key-1", None, -1)
    assert asked(shop, "/credits").json["data"] == {"total_credits": 0, "total_usage": 2.4}
    assert asked(shop, "/key", "two").json["data"]["usage"] == 0


def test_the_activity_of_a_month(shop: Gateway) -> None:
    """By day, model and provider; of one day on request."""
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    (item,) = asked(shop, "/activity").json["data"]
    assert item.keys() >= ACTIVITY
    assert (item["model"], item["requests"], item["usage"]) == ("u_chat/priced", 2, 2.4)
    assert (item["prompt_tokens"], item["completion_tokens"]) == (2_000_000, 200_000)
    assert item in asked(shop, f"/activity?date={item['date']}").json["data"] and item["date"] <= today
    assert asked(shop, "/activity?date=2020-02-29").json["data"] == []
    assert asked(shop, "/activity", "two").json["data"] == []
    heard = asked(shop, "/activity?date=yesterday")
    assert (heard.status, heard.error["code"], heard.error["metadata"]["param"]) == (400, 400, "date")
