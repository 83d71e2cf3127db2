"""Bedrock's runtime, as far as a LiteLLM proxy asks for Claude there: Converse, and the Messages body under InvokeModel.

    POST /model/{id}/converse, /converse-stream                    Chat and Responses clients of the proxy
    POST /model/{id}/invoke, /invoke-with-response-stream          its Messages clients

Streams are AWS event streams, bodies those of the runtime's Converse and InvokeModel, as botocore 1.44 reads them inside
the proxy.  Keys are Bedrock API keys, sent as Bearer.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
import struct
import zlib
from typing import Any
from urllib.parse import unquote

from providers.facts import Wire
from providers.fake import GOOD_KEY, read_request
from providers.script import SECRET, TOOL, Turn, pieces, scene, turn
from providers.wires import messages
from providers.wires.frames import dumps

Json = dict[str, Any]

MODEL = "us.anthropic.claude-sonnet-4-20250514-v1:0"
IDS = ("tooluse_kZJMlvQmRJ6eAyJE5GIl7Q", "tooluse_bqX0mYzPTtK1cdlVzB3fhw")
_WIRE = Wire(reasoning="block", ids=IDS)
_STOPS = {"stop": "end_turn", "tool": "tool_use", "length": "max_tokens"}
_COUNTS = {"inputTokens": 200, "outputTokens": 70, "totalTokens": 1070, "cacheReadInputTokens": 800}


class Bedrock:
    """The server; `asked` are the operations that were called."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.url = ""

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def close(self) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                _, path, headers, body = await read_request(reader)
                writer.write(self._answer(unquote(path), headers, body))
                await writer.drain()
        writer.close()

    def _answer(self, path: str, headers: dict[str, str], body: bytes) -> bytes:
        found = re.fullmatch(rf"/model/{re.escape(MODEL)}/(converse|invoke)(-stream|-with-response-stream)?", path)
        if found is None or headers.get("authorization") != f"Bearer {GOOD_KEY}":
            return _http(403, "application/json", b'{"message":"Authentication failed: API Key not valid"}')
        self.asked.append(found[1] + (found[2] or ""))
        asked = json.loads(body)
        if scene(body) == "refuse-rate":
            return _http(429, "application/json", b'{"message":"Too many tokens, please wait before trying again."}')
        if found[1] == "invoke":
            said = turn(scene(body), messages.hear(asked, _WIRE).answers())
            return _invoked(said, streamed=bool(found[2]))
        said = turn(scene(body), _results(asked))
        return _conversed(said, streamed=bool(found[2]))


def _http(status: int, kind: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status} Said\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _stream(events: list[bytes]) -> bytes:
    return _http(200, "application/vnd.amazon.eventstream", b"".join(events))


def _frame(kind: str, body: Json) -> bytes:
    """One message of an event stream: lengths, their checksum, headers, payload, checksum of it all."""
    payload = dumps(body).encode()
    named = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    headers = b"".join(
        struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", 7, len(value)) + value.encode()
        for name, value in named.items()
    )
    prelude = struct.pack("!II", 16 + len(headers) + len(payload), len(headers))
    prelude += struct.pack("!I", zlib.crc32(prelude))
    message = prelude + headers + payload
    return message + struct.pack("!I", zlib.crc32(message))


def _invoked(said: Turn, *, streamed: bool) -> bytes:
    """The Messages body, whole or each event in base64."""
    if not streamed:
        return _http(200, "application/json", messages.whole(said, _WIRE, MODEL))
    sent = b"".join(messages.stream(said, _WIRE, MODEL, counted=True)).decode()
    events = re.findall(r"^data: (.*)$", sent, re.MULTILINE)
    return _stream([_frame("chunk", {"bytes": base64.b64encode(data.encode()).decode()}) for data in events])


def _results(asked: Json) -> list[str]:
    """What the tools said, in the order of the calls."""
    blocks = [block for message in asked["messages"] for block in message["content"]]
    said = {block["toolResult"]["toolUseId"]: block["toolResult"] for block in blocks if "toolResult" in block}
    calls = [block["toolUse"]["toolUseId"] for block in blocks if "toolUse" in block]
    return ["".join(part.get("text", "") for part in said[call]["content"]) for call in calls]


def _conversed(said: Turn, *, streamed: bool) -> bytes:
    if streamed:
        return _stream(_events(said))
    content: list[Json] = []
    if said.thought:
        content.append({"reasoningContent": {"reasoningText": {"text": said.thought, "signature": SECRET}}})
    content += [{"text": said.text}] if said.text else []
    content += [
        {"toolUse": {"toolUseId": key, "name": TOOL, "input": json.loads(arguments)}}
        for key, arguments in zip(IDS, said.calls)
    ]
    message = {"role": "assistant", "content": content}
    answer = {"output": {"message": message}, "stopReason": _STOPS[said.stop], "usage": _COUNTS, "metrics": {}}
    return _http(200, "application/json", dumps(answer).encode())


def _events(said: Turn) -> list[bytes]:
    events = [_frame("messageStart", {"role": "assistant"})]
    blocks: list[tuple[Json | None, list[Json]]] = []
    if said.thought:
        deltas = [{"reasoningContent": {"text": piece}} for piece in pieces(said.thought)]
        blocks.append((None, [*deltas, {"reasoningContent": {"signature": SECRET}}]))
    if said.text:
        blocks.append((None, [{"text": piece} for piece in pieces(said.text)]))
    for key, arguments in zip(IDS, said.calls):
        start = {"toolUse": {"toolUseId": key, "name": TOOL}}
        blocks.append((start, [{"toolUse": {"input": piece}} for piece in pieces(arguments)]))
    for at, (start, deltas) in enumerate(blocks):
        if start is not None:
            events.append(_frame("contentBlockStart", {"contentBlockIndex": at, "start": start}))
        events += [_frame("contentBlockDelta", {"contentBlockIndex": at, "delta": delta}) for delta in deltas]
        events.append(_frame("contentBlockStop", {"contentBlockIndex": at}))
    events.append(_frame("messageStop", {"stopReason": _STOPS[said.stop]}))
    return [*events, _frame("metadata", {"usage": _COUNTS, "metrics": {"latencyMs": 7}})]
