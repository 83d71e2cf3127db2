"""Whatever is wished of an answer is heard on the straight way as on the other one."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import fields

from hexapla.config import load_config
from hexapla.engine.assemble import open_gateway
from hexapla.engine.client import Ask
from hexapla.engine.work import Work
from hexapla.sdk.inbox import Inbox
from hexapla.translate.straight import Same, ThroughHub

WISHES: dict[str, Any] = {
    "key": "k",
    "on_loss": "strict",
    "forward": (("anthropic-beta", "b"), ("openai-beta", "b")),
    "profile": "p",
    "session": "s",
    "openrouter": True,
    "metadata": True,
    "hedge": True,
    "resume": True,
    "chinese": True,
    "idempotency": "i",
}
CHUNK = {"id": "c1", "created": 1, "model": "m", "choices": [{"index": 0, "delta": {"content": "Hel"}}]}
SAID = {**CHUNK, "choices": [{"index": 0, "message": {"content": "Hello"}, "finish_reason": "stop"}]}
_OURS = re.compile(rb"(gen|req)[-_][0-9a-z-]+|[0-9]+(\.[0-9]+)?(e-[0-9]+)?")  # ids and times


async def _provide(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A provider whose streams break off."""
    head = await reader.readuntil(b"\r\n\r\n")
    asked = await reader.readexactly(int(head.rpartition(b"content-length: ")[2]))
    if b'"stream":true' in asked:
        said = b"data: %b\n\n" % msgspec.json.encode(CHUNK)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        writer.write(b"%x\r\n%b\r\n" % (len(said), said))
    else:
        said = msgspec.json.encode(SAID)
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(said) + said
        )
    await writer.drain()
    writer.close()


async def _heard(folder: Path, ask: Ask) -> list[bytes]:
    """What the first and the second of two who ask the same hear; the plan of the second is made."""
    server = await asyncio.start_server(_provide, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    config = folder / "hexapla.toml"
    config.write_text(
        '[ledger]\npath = ":memory:"\n[log]\npath = "off"\n[retry]\nretries = 0\n'
        '[providers.one]\nauth = { kind = "none" }\n[[providers.one.endpoints]]\n'
        f'protocol = "openai_chat"\nbase_url = "{url}"\n'
    )
    gateway = open_gateway(load_config(config))
    try:
        said = []
        for _ in range(2):
            inbox = Inbox(0)
            await gateway.generate(ask, inbox)
            said.append(_OURS.sub(b"#", await inbox.read()))
        return said
    finally:
        await gateway.aclose()
        server.close()


@pytest.mark.parametrize("protocol", ["openai_chat", "anthropic_messages"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("wish", [{}, *({name: value} for name, value in WISHES.items())])
def test_every_wish_is_heard_by_both_ways(
    protocol: str, stream: bool, wish: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"model": "one/m", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 9, "stream": stream}
    ask = Ask(protocol=protocol, body=msgspec.json.encode(body), **wish)
    _, straight = asyncio.run(_heard(tmp_path, ask))
    monkeypatch.setattr(ThroughHub, "open", lambda *_: None)
    monkeypatch.setattr(Same, "open", lambda *_: None)
    _, other = asyncio.run(_heard(tmp_path, ask))
    assert straight == other


def test_the_second_goes_straight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or nothing would be compared above; and no wish is left out."""
    opened: list[bool] = []
    lane_to = Work.lane_to

    def seen(work: Work, candidate: Any) -> Any:
        lane = lane_to(work, candidate)
        opened.append(work._translation is None)
        return lane

    monkeypatch.setattr(Work, "lane_to", seen)
    body = {"model": "one/m", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 9, "stream": True}
    asyncio.run(_heard(tmp_path, Ask(protocol="anthropic_messages", body=msgspec.json.encode(body))))
    assert opened == [False, True]
    assert WISHES.keys() == {each.name for each in fields(Ask)} - {"protocol", "body", "model", "stream"}
