"""`/p/NAME/…`: every route inside a profile, for every dialect, and keys that are bound to one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from server.client import call
from server.running import Gateway, gateway, providers
from server.upstream import Upstream, Visit
from server.wire import CHAT, DIALECTS, MESSAGES, PATHS, answer, ask, refusal, whole

PROFILES = """
[[keys]]
name = "team"
key = "team-key"
profile = "work"
[[keys]]
name = "free"
key = "free-key"
[aliases]
mine = "u_resp/big"
[retry]
retries = 0
base = 0.01
[profiles.work]
provider = "u_chat"
model = "big"
haiku = "small"
sonnet = "middle"
max_tokens = 50
strip_params = ["user"]
headers = { x-team = "herons" }
[profiles.careful]
model = "u_chat/down"
backups = ["work", "u_msgs/last"]
"""
FREE = {"x_api_key": "free-key"}

dialects = pytest.mark.parametrize("protocol", DIALECTS)


async def answers(visit: Visit) -> None:
    await visit.write(whole(visit.protocol, model=visit.asked["model"]))


async def refuses(visit: Visit) -> None:
    await visit.write(refusal(visit.protocol, 500))


async def counts(visit: Visit) -> None:
    await visit.write(answer(200, b'{"input_tokens": 41}'))


@pytest.fixture
def asked(upstream: Upstream) -> Upstream:
    for name in ("big", "small", "middle", "last"):
        upstream.play(answers, name)
    upstream.play(refuses, "down")
    return upstream


@pytest.fixture(scope="module")
def profiled(_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway(tmp_path_factory.mktemp("profiled"), PROFILES + providers(_upstream.url)) as running:
        yield running


def last(upstream: Upstream) -> Any:
    return upstream.last().asked


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("claude-haiku-4-5-20251001", "small"),
        ("claude-3-5-haiku-latest", "small"),
        ("claude-sonnet-4-5", "middle"),
        ("claude-opus-4-1-20250805", "big"),
        ("haiku", "small"),
        ("u_chat/middle", "middle"),
    ],
)
def test_any_anthropic_client_gets_the_slots(name: str, model: str, profiled: Gateway, asked: Upstream) -> None:
    """The gateway itself maps Claude's names, so no client needs variables for it (4.8, 18 of the comparison)."""
    heard = call(profiled.url, "/p/work/v1/messages", ask(MESSAGES, name), **FREE)
    assert heard.status == 200 and heard.headers["x-hexapla-model"] == model
    assert last(asked)["model"] == model


@dialects
@pytest.mark.parametrize("prefix", ["", "/api"])
def test_every_dialect_stands_inside_a_profile(prefix: str, protocol: str, profiled: Gateway, asked: Upstream) -> None:
    """With the profile's limit, its headers on the way up, and its names."""
    body = ask(protocol, "claude-haiku-4-5", user="u") if protocol == CHAT else ask(protocol, "claude-haiku-4-5")
    heard = call(profiled.url, f"/p/work{prefix}{PATHS[protocol]}", body, **FREE)
    assert heard.status == 200
    visit = asked.last()
    assert visit.headers["x-team"] == "herons"
    assert visit.asked["model"] == "small" and "user" not in visit.asked
    assert visit.asked.get("max_tokens", visit.asked.get("max_completion_tokens", 50)) <= 50


def test_gemini_stands_inside_a_profile(profiled: Gateway, asked: Upstream) -> None:
    """Its client names a small model by Google's name for one."""
    body = json.dumps({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}).encode()
    path = "/p/work/v1beta/models/gemini-3.5-flash-lite:generateContent"
    assert call(profiled.url, path, body, **FREE).json["candidates"]
    assert last(asked)["model"] == "small"
    heard = call(profiled.url, path.replace("generateContent", "countTokens"), body, **FREE)
    assert heard.json["totalTokens"] > 0
    refused = call(profiled.url, path.replace("generateContent", "countTokens"), b"[]", **FREE)
    assert refused.status == 400 and "must be a JSON object" in refused.error["message"]


def test_a_key_brings_its_profile(profiled: Gateway, asked: Upstream) -> None:
    """At the plain routes as well; a path that names a profile stands above it."""
    call(profiled.url, "/v1/messages", ask(MESSAGES, "claude-haiku-4-5"), x_api_key="team-key")
    assert last(asked)["model"] == "small"
    heard = call(profiled.url, "/v1/messages", ask(MESSAGES, "claude-haiku-4-5"), **FREE)
    assert heard.status == 404
    heard = call(profiled.url, "/p/careful/v1/messages", ask(MESSAGES, "u_msgs/last"), x_api_key="team-key")
    assert heard.headers["x-hexapla-model"] == "last"


def test_backups_hear_their_own_names(profiled: Gateway, asked: Upstream) -> None:
    """The first one fails; the backup is another profile, which answers with its own model of that size."""
    heard = call(profiled.url, "/p/careful/v1/messages", ask(MESSAGES, "claude-haiku-4-5"), **FREE)
    assert [visit.asked["model"] for visit in asked.visits] == ["down", "small"]
    assert heard.headers["x-hexapla-attempts"] == "2"


def test_models_list_the_slots(profiled: Gateway) -> None:
    """What may be asked for here: the models and the slots that lead to them; one of them can be looked at
    (4.8, 19 of the comparison)."""
    listed = call(profiled.url, "/p/work/v1/models", **FREE).json["data"]
    names = [model["id"] for model in listed]
    assert names == ["u_chat/big", "u_chat/small", "u_chat/middle", "default", "haiku", "sonnet"]
    assert [model["id"] for model in call(profiled.url, "/v1/models", x_api_key="team-key").json["data"]] == names
    anthropic = call(profiled.url, "/p/work/v1/models", anthropic_version="2023-06-01", **FREE).json
    assert anthropic["first_id"] == "u_chat/big"
    google = call(profiled.url, "/p/work/v1beta/models", **FREE).json["models"]
    assert google[0]["name"] == "models/u_chat/big"
    assert call(profiled.url, "/p/work/v1/models/claude-haiku-4-5", **FREE).json["id"] == "u_chat/small"


def test_aliases_hold_for_requests(profiled: Gateway, asked: Upstream) -> None:
    """Inside and outside of profiles, not on the command line alone (4.8, 19 of the comparison)."""
    for path in ("/v1/messages", "/p/work/v1/messages"):
        call(profiled.url, path, ask(MESSAGES, "mine"), **FREE)
        assert asked.last().protocol == "openai_responses" and last(asked)["model"] == "big"


def test_tokens_are_counted_by_the_slot(profiled: Gateway, upstream: Upstream) -> None:
    """A profile whose provider counts is asked, under the slot's own name."""
    upstream.play(counts, "last")
    heard = call(profiled.url, "/p/careful/v1/messages/count_tokens", ask(MESSAGES, "u_msgs/last"), **FREE)
    assert heard.json == {"input_tokens": 41}
    heard = call(profiled.url, "/p/work/v1/messages/count_tokens", ask(MESSAGES, "claude-haiku-4-5"), **FREE)
    assert heard.json["estimated"] is True


@dialects
def test_an_unknown_profile_is_told_in_the_dialect(protocol: str, profiled: Gateway) -> None:
    """With the names that there are."""
    heard = call(profiled.url, f"/p/wrok{PATHS[protocol]}", ask(protocol, "x"), **FREE)
    assert heard.status == 404 and "careful, claude, work" in heard.error["message"]
    assert call(profiled.url, "/p/wrok/v1/models", **FREE).status == 404


def test_a_key_is_needed_inside_a_profile(profiled: Gateway) -> None:
    """The prefix is no way around it."""
    assert call(profiled.url, "/p/work/v1/messages", ask(MESSAGES, "haiku")).status == 401
    assert call(profiled.url, "/p/work/v1/models").status == 401


def test_probes_are_answered(profiled: Gateway) -> None:
    """Claude Code looks at its base URL before it speaks; Codex tries a WebSocket."""
    for path in ("/p/work", "/p/work/", "/p/work/api/hello"):
        assert call(profiled.url, path, method="HEAD").status == 200
    assert call(profiled.url, "/p/work/v1/responses").status == 426
