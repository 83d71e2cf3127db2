"""Three small questions to a model: one whole, one streamed, one with a tool.

They go through the gateway as a client's requests do, lanes, quirks and all.  The ledger's record of them knows the kind of
every failure, and the answer has its words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from hexapla.doctor.finding import Check, Fact, Finding, Verdict, found
from hexapla.doctor.keys import page
from hexapla.doctor.words import TEXTS
from hexapla.engine.address import Address
from hexapla.engine.client import Ask
from hexapla.engine.gateway import Gateway
from hexapla.errors import ProtocolError, UpstreamError
from hexapla.ir.content import ToolCall
from hexapla.ledger import Generation
from hexapla.protocols import PROTOCOLS
from hexapla.routing.candidate import Candidate
from hexapla.sdk.inbox import Inbox

MAX_TOKENS = 256  # enough for models that think first; a short answer costs a fraction of a cent
LONGEST_SAID = 300
PLAIN = frozenset({"content-type", "user-agent", "anthropic-version"})
SHORTEST_SECRET = 12  # a header's shorter value is a word
_CHAT = PROTOCOLS["openai_chat"]

TOOL = {
    "type": "function",
    "function": {
        "name": "report",
        "description": "Report a word.",
        "parameters": {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]},
    },
}
QUESTIONS: dict[Check, dict[str, Any]] = {
    "call": {"messages": [{"role": "user", "content": "Say: ready."}]},
    "stream": {"messages": [{"role": "user", "content": "Say: ready."}], "stream": True},
    "tools": {
        "messages": [{"role": "user", "content": "Call the tool `report` with the word ready."}],
        "tools": [TOOL],
    },
}


async def ask(gateway: Gateway, candidates: Sequence[Candidate], check: Check) -> Finding:
    """Ask the question of `check` of a model, whose `candidates` these are, and judge the answer."""
    asked = candidates[0]
    inbox = Inbox(depth=0)
    body = {"model": asked.name, "max_tokens": MAX_TOKENS, **QUESTIONS[check]}
    await gateway.generate(Ask(protocol="openai_chat", body=msgspec.json.encode(body)), inbox)
    answer = await inbox.read()
    generation = await gateway.books.ledger.get_async(inbox.headers["x-request-id"])
    assert generation is not None
    if generation.outcome != "ok":
        return _failed(candidates, check, generation, _words(answer))
    seconds = generation.latency
    if check == "tools":
        verdict, code = _judge_call(answer)
        return found(asked.provider.id, check, verdict, code, seconds=seconds, model=asked.model)
    latency, first = round(seconds, 2), round(generation.first or seconds, 2)
    return found(asked.provider.id, check, "ok", f"{check}.ok", seconds=seconds, latency=latency, first=first)


def judge_failure(provider: str, check: Check, kind: str, **facts: Fact) -> Finding:
    """A failure by its kind (errors.Kind)."""
    code = kind if kind in TEXTS else "other"
    return Finding(provider=provider, check=check, verdict="fail", code=code, facts={"kind": kind, **facts})


def explained(error: UpstreamError, candidate: Candidate, url: str) -> dict[str, Fact]:
    """What the texts of a failure name."""
    return {"said": _said(error.message, candidate), "url": url, **_place(candidate)}


def _failed(candidates: Sequence[Candidate], check: Check, generation: Generation, words: str) -> Finding:
    last = generation.attempts[-1] if generation.attempts else None
    protocol = last.protocol if last is not None else ""
    tried = next((each for each in candidates if each.endpoint.protocol == protocol), candidates[0])
    said = words or generation.outcome
    url = tried.endpoint.base_url.partition("?")[0]
    facts: dict[str, Fact] = {"said": _said(said, tried), "url": url, "model": tried.model, **_place(tried)}
    return judge_failure(tried.provider.id, check, generation.outcome, **facts)


def _words(answer: bytes) -> str:
    """What the client was told of a failure, whole or in the last event of a stream; the record keeps no sentences."""
    for line in reversed(answer.splitlines()):
        try:
            told = msgspec.json.decode(line.removeprefix(b"data: "), type=_Told)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
        if told.error.message:
            return told.error.message
    return ""


class _Error(msgspec.Struct, frozen=True):
    message: str = ""


class _Told(msgspec.Struct, frozen=True):
    error: _Error = _Error()


def _place(candidate: Candidate) -> dict[str, Fact]:
    return {"key": candidate.credential or "the request", "page": page(candidate.provider)}


def _said(message: str, candidate: Candidate) -> str:
    """The vendor's words as one line, not too long, without the key: some vendors quote it."""
    assert isinstance(candidate.address, Address)
    for name, value in candidate.address.request(b"", stream=False, forward=()).headers:
        secret = value.removeprefix("Bearer ")
        if name not in PLAIN and len(secret) >= SHORTEST_SECRET:
            message = message.replace(secret, "***")
    line = " ".join(message.split()).rstrip(".")
    return line if len(line) <= LONGEST_SAID else f"{line[:LONGEST_SAID]}…"


def _judge_call(answer: bytes) -> tuple[Verdict, str]:
    """(verdict, code) of an answer to the question with a tool."""
    try:
        parts = _CHAT.parse_response(answer).content
        calls = [part for part in parts if isinstance(part, ToolCall)]
        if not calls:
            return "warn", "tools.talk"
        good = isinstance(msgspec.json.decode(calls[0].arguments or "{}"), dict)
    except (ProtocolError, msgspec.MsgspecError):
        good = False
    return ("ok", "tools.ok") if good else ("warn", "tools.garbled")
