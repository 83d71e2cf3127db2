"""OpenRouter's routes for presets: what the configuration says, to be read only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

import pytest

from server.client import Heard, call
from server.running import Gateway, gateway

PRESETS = """
[presets.editor]
model = "anthropic/claude-sonnet-4.5"
temperature = 0.2
system = "You are a careful editor."
provider = { sort = "throughput" }

[presets.plain]
temperature = 0.5

[presets.finder]
tools = [{ type = "mcp", server_url = "https://me:hush@example.com/mcp", headers = { Authorization = "Bearer s3cret" } }]
"""
PATHS = ("/presets", "/presets/editor", "/presets/editor/versions", "/presets/editor/versions/1")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway(tmp_path_factory.mktemp("presets"), 'keys = ["right"]\n' + PRESETS) as running:
        yield running


def asked(shop: Gateway, path: str, prefix: str = "/api/v1", body: bytes | None = None) -> Heard:
    return call(shop.url, prefix + path, body, authorization="Bearer right")


def test_presets_are_read_as_openrouter_tells_them(shop: Gateway) -> None:
    """A list, one with its only version, and that version; `system` stands beside the configuration."""
    listed = asked(shop, "/presets").json
    assert (listed["total_count"], [each["slug"] for each in listed["data"]]) == (3, ["editor", "plain", "finder"])
    preset = asked(shop, "/presets/editor").json["data"]
    version = preset.pop("designated_version")
    assert preset == listed["data"][0]
    assert (preset["status"], preset["designated_version_id"]) == ("active", version["id"])
    assert (version["version"], version["preset_id"], version["system_prompt"]) == (
        1,
        preset["id"],
        "You are a careful editor.",
    )
    assert version["config"] == {
        "model": "anthropic/claude-sonnet-4.5",
        "temperature": 0.2,
        "provider": {"sort": "throughput"},
    }
    assert datetime.fromisoformat(preset["created_at"]).year > 2000
    assert asked(shop, "/presets/editor/versions").json == {"data": [version], "total_count": 1}
    assert asked(shop, "/presets/editor/versions/1", "/v1").json["data"] == version
    assert [each["slug"] for each in asked(shop, "/presets?offset=1&limit=1").json["data"]] == ["plain"]


def test_what_is_not_there(shop: Gateway) -> None:
    """A preset or a version: 404 in OpenRouter's shape, and the names that there are."""
    for path, word in (("/presets/nobody", "editor, finder, plain"), ("/presets/editor/versions/2", "only version 1")):
        heard = asked(shop, path)
        assert (heard.status, heard.error["code"], heard.error["metadata"]["error_type"]) == (404, 404, "not_found")
        assert word in heard.error["message"]
        assert asked(shop, path, "/v1").error["code"] == "not_found"


@pytest.mark.parametrize("skin", ["chat/completions", "messages", "responses"])
def test_presets_are_not_made_here(skin: str, shop: Gateway) -> None:
    """The refusal says where they are made."""
    heard = asked(shop, f"/presets/new/{skin}", body=b'{"model":"m","messages":[]}')
    assert (heard.status, heard.error["code"]) == (403, 403)
    assert "a table [presets.new] of the configuration file" in heard.error["message"]
    assert asked(shop, "/presets/new").status == 404


def test_secrets_of_a_preset_stay_here(shop: Gateway) -> None:
    """They are used and not told; and nothing at all is told to who has no key."""
    heard = asked(shop, "/presets/finder")
    assert b"s3cret" not in heard.body and b"hush" not in heard.body
    assert heard.json["data"]["designated_version"]["config"]["tools"][0]["headers"] == {"Authorization": "***"}
    for path in (*PATHS, "/presets/editor/messages"):
        body = b"{}" if path.endswith("messages") else None
        assert call(shop.url, "/api/v1" + path, body).status == 401


@pytest.mark.parametrize("asks", [{"model": "demo/echo@preset/plain"}, {"model": "demo/echo", "preset": "plain"}])
def test_a_record_names_its_preset(asks: dict[str, str], shop: Gateway) -> None:
    """By the id under which the preset is told."""
    body = json.dumps(asks | {"messages": [{"role": "user", "content": "hi"}]}).encode()
    heard = asked(shop, "/chat/completions", body=body)
    assert heard.status == 200
    found = asked(shop, f"/generation?id={heard.headers['x-generation-id']}").json["data"]
    assert found["preset_id"] == asked(shop, "/presets/plain").json["data"]["id"]
