"""An answer with notes in it: what was sent upstream, how the request found its way, what it cost.

    debug.echo_upstream_body        a chunk without choices (Responses: `response.debug`) before a stream's first event, one
                                    for each provider that was asked
    X-OpenRouter-Metadata: enabled  `openrouter_metadata` in the answer, in a stream's last chunk, in `message_stop`, in
                                    `response.completed`

    a client at /api/v1             `usage.cost`, `is_byok` and `cost_details` in dollars, where the upstream tells no cost;
                                    in Messages `usage.service_tier`; in Chat thought in OpenRouter's fields (aloud.py)

(https://openrouter.ai/docs/api/reference/errors-and-debugging, guides/features/router-metadata and
cookbook/administration/usage-accounting, 2026-08-22)

`is_byok` is false there: programs take it as "more is to be paid than `cost`", and nothing is.

Rules of this file: stands between the engine and the client only where something was asked for; an event of which nothing
is said passes as it is; credentials stand in headers, so a body has none to hide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Raw

from hexapla.engine.client import Answer, Ask
from hexapla.engine.heads import Head
from hexapla.engine.recorder import Recorder
from hexapla.engine.story import Story
from hexapla.translate.aloud import THOUGHT, aloud
from hexapla.translate.peek import Peek
from hexapla.translate.verbatim import EXPECTED
from hexapla.wire.events import events
from hexapla.wire.rawjson import dump, join, load
from hexapla.wire.sse import frame

Json = dict[str, Any]

DONE = re.compile(rb"^data: ?\[DONE\]", re.MULTILINE)
LAST = {
    "openai_chat": re.compile(rb'^data: ?\[DONE\]|"finish_reason": ?"error"', re.MULTILINE),
    "anthropic_messages": re.compile(rb'"type": ?"(?:message_stop|error)"'),
    "openai_responses": re.compile(rb'"type": ?"response\.(?:completed|incomplete|failed)"'),
}
"""What a stream's last event looks like in each dialect; Gemini has no place for notes."""

COUNTED = {
    "openai_chat": re.compile(rb'"usage": ?\{'),
    "anthropic_messages": re.compile(rb'"type": ?"message_delta"'),  # what message_start counts is no bill yet
    "openai_responses": re.compile(rb'"type": ?"response\.(?:created|in_progress|queued|completed|incomplete|failed)"'),
}
"""Which events of a stream hold counts that are final, or would not be taken for what they are."""

PARTS = {"openai_responses": ("upstream_inference_input_cost", "upstream_inference_output_cost")}
CHATS = ("upstream_inference_prompt_cost", "upstream_inference_completions_cost")
"""What OpenRouter calls the two parts of a bill (its OpenAPI document, CostDetails and Usage, 2026-08-22)."""

_DATA = re.compile(rb"^data: ?(.*)$", re.MULTILINE)


class _Debug(msgspec.Struct):
    echo_upstream_body: bool | None = None


def wants_echo(peeked: Peek) -> bool:
    """Whether a stream is asked for with what is sent upstream."""
    if not peeked.stream or "debug" not in peeked.fields:
        return False
    debug = load(peeked.fields["debug"], _Debug)
    return debug is not None and bool(debug.echo_upstream_body)


class Notes:
    """What there is to note, made when it is asked for.

    story  the request's way so far;  usd: units of a currency in one US dollar
    """

    def __init__(self, recorder: Recorder, story: Callable[[], Story], usd: Mapping[str, float]) -> None:
        self._recorder = recorder
        self._story = story
        self._usd = usd

    def head(self) -> Json:
        """The fields of a Chat chunk that stand before its choices."""
        recorder = self._recorder
        head = {"id": recorder.id, "object": "chat.completion.chunk", "created": int(recorder.created)}
        return head | {"model": self._story().models[0]}

    def metadata(self) -> Json:
        """OpenRouter's note on the request's way."""
        attempts = self._recorder.attempts
        served = bool(attempts) and attempts[-1].outcome == "ok"
        told = self._story().metadata(served=served, tried=self._recorder.tried)
        stages = [msgspec.to_builtins(stage) for stage in self._recorder.stages]
        return {**told, "pipeline": stages} if stages else told

    def costs(self, prompt_part: str, completion_part: str) -> Json:
        """What the answer has cost so far, as fields of its usage; none where that is not known."""
        bill, prompt = self._recorder.bill()
        rate = None if bill is None else 1.0 if bill.currency == "USD" else self._usd.get(bill.currency)
        if bill is None or not rate:
            return {}
        told: Json = {"cost": bill.nanos / 1e9 / rate, "is_byok": False}
        if prompt is not None:
            parts = (prompt.nanos, bill.nanos - prompt.nanos)
            named = zip((prompt_part, completion_part), (nanos / 1e9 / rate for nanos in parts))
            told["cost_details"] = {"upstream_inference_cost": None, **dict(named)}
        return told

    def tier(self) -> Json:
        """The service tier, in Messages' word and where that dialect has it: in the usage."""
        tier = self._recorder.tier
        return {"service_tier": "standard" if tier == "default" else tier} if tier else {}


class Annotated:
    """The Answer of one request."""

    def __init__(self, answer: Answer, ask: Ask, notes: Notes) -> None:
        self._answer = answer
        self._protocol = ask.protocol
        self._head = notes.head
        self._metadata = notes.metadata if ask.metadata else None
        self._costs = notes.costs if ask.openrouter else None
        self._tier = notes.tier
        counted = COUNTED.get(ask.protocol) if ask.openrouter else None
        self._counts = None if counted is None else counted.search
        self._thinks = THOUGHT.search if ask.openrouter and ask.protocol == "openai_chat" else None
        self._echoes: list[bytes] = []
        self._streams = False

    @property
    def full(self) -> bool:
        return self._answer.full

    async def drain(self) -> None:
        await self._answer.drain()

    def echo(self, body: bytes) -> None:
        """`body` is sent upstream."""
        debug = {"echo_upstream_body": Raw(msgspec.json.format(body, indent=-1))}
        if self._protocol == "openai_chat":
            self._echoes.append(frame(msgspec.json.encode({**self._head(), "choices": [], "debug": debug})))
        elif self._protocol == "openai_responses":
            event = {"type": "response.debug", "debug": debug, "sequence_number": 0}
            self._echoes.append(frame(msgspec.json.encode(event), "response.debug"))

    def start(self, status: int, head: Head) -> None:
        self._streams = head.streams
        self._answer.start(status, head)

    def send(self, data: bytes) -> bool:
        return self._answer.send(self._echoed() + self._noted(data))

    def finish(self, data: bytes = b"") -> None:
        if self._streams or not data:
            self._answer.finish(self._echoed() + self._noted(data))
        else:
            data = aloud(data) if self._thinks is not None and self._thinks(data) else data
            self._answer.finish(self._with_note(self._priced(data)))

    def _echoed(self) -> bytes:
        said = b"".join(self._echoes)
        self._echoes.clear()
        return said if self._streams else b""

    def _noted(self, data: bytes) -> bytes:
        """`data` with the note in its last event, if that is in it."""
        last = LAST.get(self._protocol)
        for finds, edit in ((self._thinks, aloud), (self._counts, self._priced)):
            if finds is not None and finds(data):
                data = b"".join(self._in_data(event, edit) if finds(event) else event for event in events(data))
        if self._metadata is None or last is None or not last.search(data):
            return data
        return b"".join(self._last(event) if last.search(event) else event for event in events(data))

    def _last(self, event: bytes) -> bytes:
        if DONE.search(event):
            assert self._metadata is not None
            chunk = {**self._head(), "choices": [], "openrouter_metadata": self._metadata()}
            return frame(msgspec.json.encode(chunk)) + event
        return self._in_data(event, self._with_note)

    def _in_data(self, event: bytes, edit: Callable[[bytes], bytes]) -> bytes:
        return _DATA.sub(lambda found: b"data: " + edit(found[1]), event, count=1)

    def _priced(self, data: bytes) -> bytes:
        """A JSON object whose usage tells what it cost; in Responses' events inside of `response`."""
        fields = load(data, dict[str, Raw]) if self._costs is not None else None
        if self._costs is None or fields is None:
            return data
        if "response" in fields:
            return join({**fields, "response": Raw(self._whole(self._priced(bytes(fields["response"]))))})
        usage = load(fields.get("usage", b""), dict[str, Raw])
        more = self._costs(*PARTS.get(self._protocol, CHATS)) if usage and "cost" not in usage else {}
        if self._protocol == "anthropic_messages" and usage and "service_tier" not in usage:
            more |= self._tier()
        return join({**fields, "usage": dump({**usage, **more})}) if usage and more else data

    def _whole(self, response: bytes) -> bytes:
        """A response in an event, with the fields without which OpenRouter's SDK takes the event for none."""
        fields = load(response, dict[str, Raw]) or {}
        missing = {name: dump(None) for name in EXPECTED["openai_responses"] if name not in fields}
        return join({**fields, **missing}) if fields and missing else response

    def _with_note(self, data: bytes) -> bytes:
        """A JSON object with the note in it; in Responses' events inside of `response`."""
        fields = load(data, dict[str, Raw])
        if self._metadata is None or fields is None:
            return data
        if "response" in fields:
            return join({**fields, "response": Raw(self._with_note(bytes(fields["response"])))})
        return join({**fields, "openrouter_metadata": Raw(msgspec.json.encode(self._metadata()))})
