"""A vendor on loopback: judges path, login and fields, answers as the vendor does, and remembers what it heard."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from providers.facts import Door, Refusal, Vendor
from providers.script import scene, turn
from providers.wires import chat, dashscope, gemini, messages, responses
from providers.wires.frames import Heard

WIRES: dict[str, ModuleType] = {
    "openai_chat": chat,
    "openai_responses": responses,
    "anthropic_messages": messages,
    "gemini_generate": gemini,
    "dashscope": dashscope,
}
GOOD_KEY = "key-that-is-good"


@dataclass
class Visit:
    """One request.  `judged`: why the fake refused it, beyond what its scene demands; `gone` is set when its client
    leaves before the answer is over."""

    path: str
    headers: dict[str, str]
    body: Any = None
    door: Door | None = None
    heard: Heard = field(default_factory=Heard)
    judged: str = ""
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def key(self) -> str:
        """The key that was sent, wherever it stood."""
        places = ("authorization", "x-api-key", "api-key", "x-goog-api-key")
        return next((self.headers[name].removeprefix("Bearer ") for name in places if name in self.headers), "")


class JudgedError(Exception):
    """What a vendor would not take: the class of failure, and why."""

    def __init__(self, failure: str, why: str) -> None:
        super().__init__(why)
        self.failure = failure


class Fake:
    """One vendor's server.

    bad_keys  are refused with the class of failure that is named for them
    arrived   is set whenever somebody asks
    """

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor
        self.visits: list[Visit] = []
        self.arrived = asyncio.Event()
        self.bad_keys: dict[str, str] = {}
        self.url = ""
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def close(self) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                await self._answer(reader, writer)
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method, path, headers, raw = await read_request(reader)
        exchange = self.vendor.exchange
        if exchange is not None and (method, path) == (exchange.method, exchange.path):
            key = headers["authorization"].removeprefix(f"{exchange.scheme} ")
            answer = exchange.answer.replace("{key}", key).replace("{url}", self.url)
            _whole(writer, 200, {}, answer.encode())
            return
        assert method == "POST"
        visit = Visit(path, headers)
        self.visits.append(visit)
        self.arrived.set()
        name = scene(raw)
        try:
            wire, model, stream = self._judge(visit, raw)
            if name.startswith("refuse-"):
                raise JudgedError(name.removeprefix("refuse-"), "")
        except JudgedError as refusal:
            visit.judged = str(refusal)
            _refuse(writer, self.refusal(visit.door, refusal.failure), visit.judged)
            await writer.drain()
            return
        assert visit.door is not None
        if name == "wait":
            await reader.read(1)  # until its client leaves
            raise ConnectionError
        said = turn(name, visit.heard.answers())
        if not stream:
            _whole(writer, 200, {}, wire.whole(said, visit.door.wire, model))
            await writer.drain()
            return
        counted = bool((visit.body.get("stream_options") or {}).get("include_usage"))
        frames = wire.stream(said, visit.door.wire, model, counted=counted)
        if name in ("broken", "cut"):
            frames = frames[: len(frames) // 2]
        if name == "broken":
            frames.append(self.vendor.broken.get(visit.door.protocol, wire.BROKEN).encode())
        if name == "drip":
            frames = [bytes([byte]) for frame in frames for byte in frame]
        await self._stream(visit, reader, writer, frames, stall=name == "stall")

    async def _stream(
        self,
        visit: Visit,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        frames: list[bytes],
        *,
        stall: bool,
    ) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        half = len(frames) // 2 if stall else len(frames)
        for frame in frames[:half]:
            if frame:
                writer.write(b"%x\r\n%b\r\n" % (len(frame), frame))
        await writer.drain()
        if stall:
            with contextlib.suppress(OSError):
                await reader.read(1)
            visit.gone.set()
            raise ConnectionError
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    def refusal(self, door: Door | None, failure: str) -> Refusal:
        """How a failure of this class is told at `door`."""
        told = self.vendor.refusals.get(failure) or (Refusal(status=400),)
        protocol = door.protocol if door is not None else ""
        return next((each for each in told if not each.at or protocol in each.at), told[0])

    def _judge(self, visit: Visit, raw: bytes) -> tuple[ModuleType, str, bool]:
        """The wire, the model and whether a stream is wanted.  Raises JudgedError."""
        parts = urlsplit(visit.path)
        door, model, by_path = _door(self.vendor, parts.path)
        visit.door = door
        query = dict(parse_qsl(parts.query))
        missing = {name for name, value in door.query.items() if query.get(name) != value}
        _need(not missing, "missing", f"the URL lacks {missing}")
        self._check_login(visit, door)
        visit.body = json.loads(raw)
        model = model or visit.body.get("model", "")
        _check_fields(visit.body, door, thinks=any(model == row.thinker != row.model for row in self.vendor.rows))
        wire = WIRES[door.envelope or door.protocol]
        visit.heard = heard = wire.hear(visit.body, door.wire)
        strange = set(heard.roles) - set(door.roles) if door.roles else set()
        _need(not strange, "bad", f"unknown roles {strange}")
        _need(set(heard.results) >= set(heard.calls), "bad", "a call without its result")
        lost = heard.calls and door.wire.replay == "required" and "think" in scene(raw) and not heard.thoughts
        _need(not lost, "bad", "the thought of the turn that called did not come back")
        _need(bool(model), "missing", "no model")
        stream = (
            by_path if by_path is not None else bool(visit.body.get("stream") or "x-dashscope-sse" in visit.headers)
        )
        _need(stream or not any(fnmatchcase(model, glob) for glob in door.streaming), "bad", "a stream only")
        return wire, model, stream

    def _check_login(self, visit: Visit, door: Door) -> None:
        headers = visit.headers
        if door.key:
            name = "authorization" if door.key == "bearer" else door.key
            sent = headers.get(name, "")
            _need(door.key != "bearer" or sent.startswith("Bearer "), "auth", f"{name} holds no Bearer key")
            key = sent.removeprefix("Bearer ")
            _need(key not in self.bad_keys, self.bad_keys.get(key, "auth"), "")
            _need(key == GOOD_KEY, "auth", f"{name} holds no key of ours")
        for name, value in door.headers.items():
            _need(bool(re.fullmatch(value, headers.get(name, ""))), "auth", f"the header {name} is not as it must be")
        wrong = [name for name in door.unwanted if name in headers]
        _need(not wrong, "auth", f"unwanted headers {wrong}")


def _door(vendor: Vendor, path: str) -> tuple[Door, str, bool | None]:
    """The endpoint at `path`, the model in it, and whether the path asks for a stream."""
    for door in vendor.doors:
        for template, stream in ((door.path, False), (door.stream_path, True)):
            pattern = re.escape(template).replace(r"\{model\}", "([^/]+)")
            found = re.fullmatch(pattern, path) if template else None
            if found:
                return door, unquote(found[1]) if found.groups() else "", stream if door.stream_path else None
    raise JudgedError("missing", f"nothing is at {path}")


def _check_fields(body: dict[str, Any], door: Door, *, thinks: bool) -> None:
    unknown = set(body) - set(door.allows) if door.allows else set()
    _need(not unknown, "bad", f"unknown fields {sorted(unknown)}")
    refused = [name for name in (*door.refuses, *(door.thinker_refuses if thinks else ())) if _holds(body, name)]
    _need(not refused, "bad", f"refused fields {refused}")
    _need(sum(name in body for name in door.exclusive) < 2, "bad", f"only one of {door.exclusive}")
    for name, wanted in door.demands.items():
        _need(name in body and (wanted == "*" or body[name] == wanted), "bad", f"{name} must be {wanted!r}")


def _holds(value: Any, name: str) -> bool:
    """Whether `name`, with `[]` for every element of a list, stands in `value`."""
    outer, _, inner = name.partition(".")
    each = outer.removesuffix("[]")
    if not isinstance(value, dict) or each not in value:
        return False
    if not inner:
        return True
    inside = value[each] if outer.endswith("[]") else [value[each]]
    return isinstance(inside, list) and any(_holds(element, inner) for element in inside)


def _need(condition: bool, failure: str, why: str) -> None:
    if not condition:
        raise JudgedError(failure, why)


async def read_request(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str], bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    method, path, _ = first.split(" ")
    return method, path, headers, await reader.readexactly(int(headers.get("content-length", "0")))


def _refuse(writer: asyncio.StreamWriter, refusal: Refusal, why: str) -> None:
    body = refusal.body.encode()
    if why:  # a mistake of ours: the test shall say which
        body = json.dumps({"error": {"message": f"the fake says: {why}"}}).encode()
    _whole(writer, refusal.status, refusal.headers, body)


def _whole(writer: asyncio.StreamWriter, status: int, headers: Mapping[str, str], body: bytes) -> None:
    lines = [f"HTTP/1.1 {status} Said", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in ({"content-type": "application/json"} | dict(headers)).items()]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
