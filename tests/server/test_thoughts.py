"""Thought that a Chat client loses, through a whole gateway: whose it is, what is told of it, and where it is not."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.client import call
from server.running import SHORT, Gateway, gateway, providers
from server.test_memory import metric
from server.upstream import Upstream, Visit
from server.wire import CHAT, GEMINI, MESSAGES, PATHS, RESPONSES, answer, whole

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


# native clients that build their own history

WANTS = """
[providers.%(name)s]
auth = { kind = "none" }
[[providers.%(name)s.endpoints]]
protocol = "%(protocol)s"
base_url = "%(url)s/v1"
quirks = { target = %(target)s }
"""


@pytest.fixture(scope="module")
def native(_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway before vendors that want their thought back."""
    vendors = [
        ("w_gem", GEMINI, "{ demands_thought = true }"),
        ("w_resp", RESPONSES, "{ thinks = true, stores = true }"),
    ]
    text = "".join(
        WANTS % {"name": name, "protocol": protocol, "url": _upstream.url, "target": target}
        for name, protocol, target in vendors
    )
    with gateway(tmp_path_factory.mktemp("native"), text) as running:
        yield running


async def gemini_3(visit: Visit) -> None:
    """Refuses a call of the current turn without the signature that it gave, calls twice, and then says it is done."""
    contents = visit.asked["contents"]
    calls = [part for content in contents for part in content["parts"] if "functionCall" in part]
    wrong = [n for n, part in enumerate(calls) if part.get("thoughtSignature") != _signature(n)]
    if wrong:
        message = f"Function call {wrong} is missing a thought_signature"
        said = {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}
        await visit.write(answer(400, json.dumps({"error": said}).encode()))
        return
    call = {"functionCall": {"name": "look", "args": {}}, "thoughtSignature": _signature(len(calls))}
    part = call if len(calls) < 2 else {"text": "Done."}
    body = {
        "candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}],
        "modelVersion": "m",
    }
    if visit.stream:
        said_so = b"data: " + json.dumps(body).encode() + b"\r\n\r\n"
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n" % len(said_so)
        await visit.write(head + said_so)
    else:
        await visit.write(answer(200, json.dumps(body).encode()))


def _signature(number: int) -> str:
    return base64.b64encode(f"thought {number}".encode()).decode()


@pytest.mark.parametrize("method", ["generateContent", "streamGenerateContent"])
def test_a_gemini_client_that_writes_its_calls_anew(method: str, native: Gateway, upstream: Upstream) -> None:
    """It knows of neither signatures nor ids: Gemini 3 goes on all the same, and the first request passes as it came."""
    model = upstream.play(gemini_3)
    contents: list[Any] = [{"role": "user", "parts": [{"text": f"Look. {method}"}]}]
    lanes = []
    for _ in range(3):
        tools = [{"functionDeclarations": [{"name": "look"}]}]
        body = {"contents": contents, "tools": tools, "labels": {"new": "field"}}
        path = f"/v1beta/models/w_gem/{model}:{method}" + ("?alt=sse" if method.startswith("stream") else "")
        heard = call(native.url, path, json.dumps(body).encode())
        assert heard.status == 200, heard.body
        assert upstream.last().asked["labels"] == {"new": "field"}
        said = heard.json if heard.body.startswith(b"{") else json.loads(heard.body.removeprefix(b"data: "))
        part = said["candidates"][0]["content"]["parts"][0]
        lanes.append(heard.headers["x-hexapla-lane"])
        if "functionCall" in part:
            response = {"functionResponse": {"name": "look", "response": {"output": "Seen."}}}
            contents += [
                {"role": "model", "parts": [{"functionCall": {"name": "look", "args": {}}}]},
                {"role": "user", "parts": [response]},
            ]
    assert part == {"text": "Done."}
    assert lanes == ["verbatim", "patch", "patch"]


async def gpt(visit: Visit) -> None:
    """Refuses a call that does not directly follow its reasoning, which it seals where that is asked for."""
    items = visit.asked["input"]
    calls = [place for place, item in enumerate(items) if item.get("type") == "function_call"]
    before = [items[place - 1] for place in calls]
    if [each.get("encrypted_content") for each in before] != [_signature(n) for n in range(len(calls))]:
        await visit.write(answer(400, json.dumps({"error": {"message": "The call has lost its reasoning."}}).encode()))
        return
    number = len(calls)
    thought: dict[str, Any] = {"id": f"rs_{number}", "type": "reasoning", "summary": []}
    if "reasoning.encrypted_content" in visit.asked.get("include", ()):
        thought["encrypted_content"] = _signature(number)
    called = {"id": f"fc_{number}", "type": "function_call", "call_id": f"call_A1b2C3d4E5f6G7h8I9j0K1{number:02}"}
    body = json.loads(whole(RESPONSES).partition(b"\r\n\r\n")[2])
    body["output"] = [thought, called | {"name": "look", "arguments": "{}", "status": "completed"}]
    await visit.write(answer(200, json.dumps(body).encode()))


def test_a_responses_client_that_stores_nothing_and_keeps_no_reasoning(native: Gateway, upstream: Upstream) -> None:
    """It hears what it would have heard, and GPT goes on from what it thought."""
    model = upstream.play(gpt)
    items: list[Any] = [{"role": "user", "content": "Look."}]
    tools = [{"type": "function", "name": "look", "parameters": {"type": "object"}}]
    for number in range(3):
        asked = {"model": f"w_resp/{model}", "input": items, "tools": tools, "store": False, "new_field": 1}
        heard = call(native.url, PATHS[RESPONSES], json.dumps(asked).encode())
        assert (heard.status, heard.headers["x-hexapla-lane"]) == (200, "patch"), heard.body
        sent = upstream.last().asked
        assert (sent["new_field"], sent["include"]) == (1, ["reasoning.encrypted_content"])
        made = heard.json["output"][-1]
        assert made["id"] == f"fc_{number}"
        made = {name: made[name] for name in ("type", "call_id", "name", "arguments")}
        items += [made, {"type": "function_call_output", "call_id": made["call_id"], "output": "Seen."}]
