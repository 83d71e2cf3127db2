"""Thought that a Chat client loses, through a whole gateway: whose it is, what is told of it, and where it is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.client import call
from server.running import SHORT, Gateway, gateway, providers
from server.test_memory import metric
from server.upstream import Upstream, Visit
from server.wire import CHAT, MESSAGES, PATHS, answer

SECRET = "c2lnbmF0dXJl"
CALL = "toolu_01A09q90qw90lq917835lq9"
KEYS = "".join(f'[[keys]]\nname = "{name}"\nkey = "key-of-{name}"\n' for name in ("one", "other"))
TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
HELLO = {"role": "user", "content": "Look."}
CONTENT = [
    {"type": "thinking", "thinking": "I look.", "signature": SECRET},
    {"type": "tool_use", "id": CALL, "name": "look", "input": {}},
]


async def thinks(visit: Visit) -> None:
    """An answer with thought and a call, every time."""
    usage = {"input_tokens": 1, "output_tokens": 1}
    said = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": CONTENT, "usage": usage}
    await visit.write(answer(200, json.dumps(said | {"stop_reason": "tool_use"}).encode()))


@pytest.fixture(scope="module")
def keyed(_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with two clients."""
    with gateway(tmp_path_factory.mktemp("keyed"), KEYS + providers(_upstream.url)) as running:
        yield running


def say(running: Gateway, model: str, who: str, *more: dict[str, Any]) -> Any:
    """One request of a client that brings back no thought."""
    body = {"model": f"{SHORT[MESSAGES]}/{model}", "messages": [HELLO, *more], "tools": TOOLS}
    heard = call(running.url, PATHS[CHAT], json.dumps(body).encode(), authorization=f"Bearer key-of-{who}")
    assert heard.status == 200, heard.body
    return heard.json["choices"][0]["message"]


def test_whose_thought_it_is(keyed: Gateway, upstream: Upstream) -> None:
    """It goes up with the next request of the client that had it, and of nobody else; metrics tell how much and how often,
    the log and the ledger nothing."""
    model, before = upstream.play(thinks), metric(keyed, "hexapla_returned_thoughts_total")
    said = say(keyed, model, "one")
    turns = [
        {"role": "assistant", "content": said["content"], "tool_calls": said["tool_calls"]},
        {"role": "tool", "tool_call_id": CALL, "content": "Seen."},
    ]
    say(keyed, model, "other", *turns)
    assert SECRET not in upstream.last().body.decode()
    say(keyed, model, "one", *turns)
    assert json.loads(upstream.last().body)["messages"][1]["content"] == CONTENT
    assert metric(keyed, "hexapla_returned_thoughts_total") == before + 1
    assert metric(keyed, "hexapla_memory_bytes") >= metric(keyed, "hexapla_thought_bytes") > len(SECRET)
    written = [file for file in keyed.folder.rglob("*") if file.is_file() and file.name != "stdout"]
    assert written and not [file for file in written if SECRET.encode() in file.read_bytes()]


def test_nothing_is_kept_where_nothing_may_be(upstream: Upstream, tmp_path: Path) -> None:
    """`limits.remember_bytes = 0`."""
    settings = KEYS + "[limits]\nremember_bytes = 0\n" + providers(upstream.url)
    model = upstream.play(thinks)
    with gateway(tmp_path, settings) as running:
        said = say(running, model, "one")
        turn = {"role": "assistant", "content": None, "tool_calls": said["tool_calls"]}
        say(running, model, "one", turn, {"role": "tool", "tool_call_id": CALL, "content": "Seen."})
        assert SECRET not in upstream.last().body.decode()
        assert metric(running, "hexapla_thought_bytes") == 0
