"""The last event of a Responses stream says the whole output, also where the upstream leaves it empty."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hexapla.errors import Kind
from hexapla.ir.event import StreamError
from hexapla.protocols import PROTOCOLS
from hexapla.protocols.base import Reply
from hexapla.translate.outputs import MOST
from hexapla.translate.summary import Summary
from hexapla.translate.verbatim import VerbatimStream

REPLY = Reply(id="gen-1", created=1_700_000_000, model="m")
ITEMS = [
    {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "E"},
    {"type": "message", "id": "m", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]},
    {"type": "function_call", "id": "fc", "call_id": "c", "name": "f", "arguments": "{}"},
]


def event(kind: str, *, line: bool = True, **fields: Any) -> bytes:
    name = f"event: {kind}\n" if line else ""
    return f"{name}data: {json.dumps({'type': kind, **fields})}\n\n".encode()


def answer(kind: str = "response.completed", line: bool = True, **said: Any) -> bytes:
    items = [
        event("response.output_item.done", line=line, output_index=place, item=item) for place, item in enumerate(ITEMS)
    ]
    return b"".join([*items, event(kind, line=line, sequence_number=7, response={"id": "r", "usage": None, **said})])


def heard(data: bytes, size: int) -> bytes:
    stream = VerbatimStream(PROTOCOLS["openai_responses"], REPLY, Summary(), hide_usage=False)
    return b"".join(stream.feed(data[at : at + size]) for at in range(0, len(data), size)) + stream.close()


@pytest.mark.parametrize("size", [7, 10_000])
@pytest.mark.parametrize("line", [True, False])
@pytest.mark.parametrize("kind", ["response.completed", "response.incomplete"])
@pytest.mark.parametrize("said", [{"output": []}, {}, {"output": None}])
def test_an_output_that_is_left_out(said: dict[str, Any], kind: str, line: bool, size: int) -> None:
    data = answer(kind, line, **said)
    lines = heard(data, size).splitlines(keepends=True)
    assert b"".join(lines[:-2]) == b"".join(data.splitlines(keepends=True)[:-2])
    last = json.loads(lines[-2].removeprefix(b"data: "))
    assert last["response"]["output"] == ITEMS and last["sequence_number"] == 7 and last["response"]["id"] == "r"


@pytest.mark.parametrize(
    "data",
    [
        answer(output=ITEMS),
        answer(output=ITEMS).replace(b'"output": [{', b'"output":[{'),  # as OpenAI writes it
        event("response.completed", response={"id": "r", "output": []}),  # nothing was said
        event("response.output_text.delta", delta='"response.completed"') + answer(output=ITEMS),
    ],
)
def test_what_is_whole_passes_byte_for_byte(data: bytes) -> None:
    assert heard(data, 10_000) == data


def test_what_stands_beside_a_call_without_its_id_passes_byte_for_byte() -> None:
    begun = event("response.created", response={"id": "r", "model": "m", "status": "in_progress"})
    lacking = event("response.output_item.added", output_index=2, item={**ITEMS[2], "call_id": None})
    out = heard(begun + lacking + answer(output=ITEMS), 10_000)
    assert out.startswith(begun) and out.endswith(answer(output=ITEMS)) and b'"call_id":"fc"' in out


@pytest.mark.parametrize("end", ["cut", "late", "error", "error with more", "comment"])
@pytest.mark.parametrize("numbers", [True, False])
@pytest.mark.parametrize("size", [7, 10_000])
def test_the_gateways_own_end_goes_on_with_the_stream(size: int, numbers: bool, end: str) -> None:
    """Its number follows the last one, whatever ended the stream; it holds the items that were said, under the same id."""
    deltas = [event("response.output_text.delta", item_id="m", output_index=1, delta='"sequence_number":99')] * 3
    said = [event("response.created", response={"id": "r", "model": "m", "status": "in_progress"}), *deltas]
    said.append(event("response.output_item.done", output_index=1, item=ITEMS[1]))
    said.append(deltas[0])
    if numbers:
        said = [each.replace(b"{", b'{"sequence_number": %d, ' % number, 1) for number, each in enumerate(said)]
    broken = event("error", code="server_error", message="boom", **({"sequence_number": 6} if numbers else {}))
    data = b"".join(said) + {"error": broken, "error with more": broken + deltas[0], "comment": b": ping\n\n"}.get(
        end, b""
    )
    stream = VerbatimStream(PROTOCOLS["openai_responses"], REPLY, Summary(), hide_usage=False)
    out = b"".join(stream.feed(data[at : at + size]) for at in range(0, len(data), size))
    out += stream.fail(StreamError(kind=Kind.TIMEOUT, message="late")) if end == "late" else stream.close()
    assert out.startswith(b"".join(said))
    lines = out.removeprefix(b"".join(said)).removeprefix(b": ping\n\n").decode().split("\n")
    assert lines[0] == "event: response.failed" and lines[2:] == ["", ""]
    last = json.loads(lines[1].removeprefix("data: "))
    assert last["response"]["output"] == [ITEMS[1]] and last["response"]["id"] == "r"
    assert last["response"]["status"] == "failed" and last["response"]["error"]["message"]
    assert last["sequence_number"] == 6 or not numbers


def test_what_is_kept_is_bounded() -> None:
    """An answer that is larger than that passes as it came."""
    large = event(
        "response.output_item.done", output_index=3, item={"type": "image_generation_call", "result": "A" * MOST}
    )
    data = large + answer(output=[])
    assert heard(data, len(data)) == data
