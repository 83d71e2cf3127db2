"""The provider: `python -m bench.upstream PORT`.  Understands little: it must cost less than what is measured.

/plain/...    one JSON answer            /burst/...   a stream in one write
/paced/...    one event each 5 ms        /hold/...    the first event, then silence
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from typing import Any, cast

import uvloop

EVENTS = 104  # role, 100 deltas, finish, usage, [DONE]
PAUSE = 0.005  # seconds between paced events
WORD = "word and "

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def answer() -> bytes:
    """A chat completion of about 700 bytes."""
    message = {"role": "assistant", "content": WORD * 40, "refusal": None, "annotations": []}
    return _json(
        _frame("chat.completion")
        | {
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 80, "total_tokens": 180},
        }
    )


def events() -> list[bytes]:
    """A chat completion as a stream of about 250 bytes an event."""
    chunk = _frame("chat.completion.chunk")
    deltas: list[tuple[dict[str, Any], str | None]] = [({"role": "assistant", "content": ""}, None)]
    deltas += [({"content": WORD}, None)] * (EVENTS - 4)
    deltas.append(({}, "stop"))
    chunks = [
        chunk | {"choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}], "usage": None}
        for delta, finish in deltas
    ]
    chunks.append(
        chunk | {"choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": 100, "total_tokens": 200}}
    )
    return [b"data: " + data + b"\n\n" for data in (*map(_json, chunks), b"[DONE]")]


def _frame(kind: str) -> dict[str, Any]:
    identity = {"id": "chatcmpl-Bq1x0AbCdEfGhIjKlMnOpQrStUvWx", "object": kind, "created": 1790000000}
    return identity | {"model": "bench-model", "service_tier": "default", "system_fingerprint": "fp_0123456789"}


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _whole(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n" % len(data) + data + b"\r\n"


STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
PLAIN = _whole(answer())
CHUNKS = [_chunk(event) for event in events()]
END = b"0\r\n\r\n"
BURST = STREAM_HEAD + b"".join(CHUNKS) + END


class Provider(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._head = b""
        self._left = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop does not derive its own

    def data_received(self, data: bytes) -> None:
        """Find the end of the request; the body is counted, not read."""
        if self._left:
            self._left -= len(data)
        else:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            length = _LENGTH.search(self._head, 0, end)
            self._left = (int(length.group(1)) if length else 0) + end + 4 - len(self._head)
        if self._left == 0:
            head, self._head = self._head, b""
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        path = head[: head.find(b"\r")]
        if b"/plain/" in path:
            self._transport.write(PLAIN)
        elif b"/burst/" in path:
            self._transport.write(BURST)
        elif b"/hold/" in path:
            self._transport.write(STREAM_HEAD + CHUNKS[0] + CHUNKS[1])
        else:
            self._transport.write(STREAM_HEAD + CHUNKS[0])
            self._due = self._loop.time() + PAUSE
            self._loop.call_at(self._due, self._pace, 1)

    def _pace(self, number: int) -> None:
        if self._transport.is_closing():
            return
        if number == EVENTS - 1:
            self._transport.write(CHUNKS[number] + END)
            return
        self._transport.write(CHUNKS[number])
        self._due += PAUSE
        self._loop.call_at(self._due, self._pace, number + 1)


async def serve(port: int) -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(Provider, "127.0.0.1", port, backlog=2048)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
