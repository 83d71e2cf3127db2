"""Random streams of three dialects through the Verbatim lane, cut anywhere, with and without their end.

What is legal leaves as it came, up to one last event; what is nearly legal says the same, and each of its calls has an id.
What is counted is what a whole answer of the same words counts; and nothing that breaks off before it says why it ended is
ever a success.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from hexapla.ir.content import ToolCall
from hexapla.ir.fold import fold
from hexapla.ir.response import GenerateResponse, ResponsePart
from hexapla.protocols import PROTOCOLS
from hexapla.protocols.base import Reply
from hexapla.translate.calls import Calls
from hexapla.translate.peek import Peek, peek
from hexapla.translate.summary import Summary
from hexapla.translate.verbatim import VerbatimStream
from hexapla.wire.sse import SSEDecoder
from server.wire import CHAT, DIALECTS, MESSAGES, RESPONSES, ask

Json = dict[str, Any]

REPLY = Reply(id="gen-1", created=1, model="m")
STREAMS, BROKEN = range(40), range(3)
TEXTS = (
    *(
        "Hi",
        " there.",
        "",
        "\n\n",
        "data: [DONE]\n\n",
        "event: message_stop\r\r",
        "\u2028 é 🦊",
        '{"usage":{"a":1}}',
        "\\",
        "\0",
    ),
    *('"tool_calls":[{', '"finish_reason":"stop"', '"type":"tool_use"', "response.completed", "}\n\n", ": ", "x" * 300),
)
TOOL = {"name": "run", "description": "d"}
TOOLS: Json = {
    CHAT: [{"type": "function", "function": TOOL}],
    RESPONSES: [{"type": "function"} | TOOL],
    MESSAGES: [TOOL | {"input_schema": {"type": "object"}}],
}
ENDS = {  # what a client takes for an answer's end, by what stands in its event
    CHAT: (b"[DONE]", b'"error":{'),
    RESPONSES: (b'"type":"response.completed"', b'"type":"response.failed"'),
    MESSAGES: (b'"type":"message_stop"', b'"type":"error"'),
}


class Said(NamedTuple):
    """A stream.

    events  each with its blank line, up to the last one
    counts  place of the event that is hidden from whoever did not ask for it; -1: there is none
    reason  place of the event that says why the answer ended
    after   what comes behind the last event
    usage   what it says of it, as a whole answer does; None: nothing
    calls   (name, arguments)
    """

    events: list[bytes]
    counts: int
    reason: int
    after: bytes
    usage: Json | None
    calls: list[tuple[str, str]]

    @property
    def data(self) -> bytes:
        return b"".join(self.events)


class Writer:
    """Writes one stream, in a manner of its own."""

    def __init__(self, protocol: str, chance: Random) -> None:
        self.protocol = protocol
        self.chance = chance
        self.spaced = (", ", ": ") if chance.random() < 0.3 else (",", ":")
        self.ascii = chance.random() < 0.3
        self.line = chance.choices((b"\n", b"\r\n", b"\r"), (8, 1, 1))[0]
        self.lead = b"data:" if chance.random() < 0.2 else b"data: "
        self.named = protocol != CHAT and chance.random() < 0.8
        self.numbered = chance.random() < 0.2
        self.padded = chance.random() < 0.2
        self.noisy = chance.random() < 0.5
        self.bends: tuple[Callable[[Json], object], ...] = ()
        self.events: list[bytes] = []

    def add(self, said: Json | bytes) -> int:
        """Say an event, and perhaps something that is none before it; return the event's place."""
        if self.noisy and self.chance.random() < 0.15:
            comment = b'event: ping\ndata: {"type":"ping"}\n\n' if self.protocol == MESSAGES else b": PROCESSING\n\n"
            self.events.append(comment.replace(b"\n", self.line))
        lines = []
        if self.named and isinstance(said, dict):
            lines.append(b"event: %b" % said["type"].encode())
        if self.numbered:
            lines.append(b"id: %d" % len(self.events))
        if isinstance(said, dict):
            said = json.loads(json.dumps(said)) if self.bends else said  # parts of it may be said elsewhere as well
            for bend in self.bends:
                bend(said)
            if self.padded:
                said["obfuscation"] = "".join(self.chance.choices("abcXYZ09", k=self.chance.randrange(12)))
            said = json.dumps(said, separators=self.spaced, ensure_ascii=self.ascii).encode()
        lines.append(self.lead + said)
        self.events.append(self.line.join([*lines, b"", b""]))
        return len(self.events) - 1

    def pieces(self, text: str) -> list[str]:
        """A text in some pieces."""
        cuts = sorted(self.chance.randrange(len(text) + 1) for _ in range(self.chance.randrange(4)))
        return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]

    def text(self) -> str:
        return "".join(self.chance.choices(TEXTS, k=self.chance.randrange(1, 8)))

    def arguments(self) -> str:
        return json.dumps({"q": self.text()} if self.chance.random() < 0.8 else {})

    def counts(self) -> tuple[int, int]:
        return self.chance.randrange(1, 99), self.chance.randrange(1, 99)

    def after(self) -> bytes:
        """Sometimes more comes; half an event, the end once more, words of nobody."""
        more = (
            self.events[-1],
            self.events[self.chance.randrange(len(self.events))],
            b": bye\n\n",
            b'data: {"type":"err',
        )
        return b"".join(self.chance.choices(more, k=self.chance.randrange(3))) if self.chance.random() < 0.5 else b""


def chat(writer: Writer) -> Said:
    chance = writer.chance
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "up"}
    into, out = writer.counts()
    usage = {"prompt_tokens": into, "completion_tokens": out, "total_tokens": into + out}
    place = chance.choice(("alone", "with the reason", "everywhere", "nowhere"))
    nulls = {"usage": None} if chance.random() < 0.5 else {}

    def chunk(finish: str | None = None, **delta: Any) -> Json:
        counted = {"usage": usage} if place == "everywhere" or (finish and place == "with the reason") else nulls
        return head | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]} | counted

    if chance.random() < 0.8:
        writer.add(chunk(role="assistant", content=""))
    for _ in range(chance.randrange(3)):
        field = chance.choice(("content", "content", "reasoning_content"))
        for piece in writer.pieces(writer.text()):
            writer.add(chunk(**{field: piece}))
    calls = [("run", writer.arguments()) for _ in range(chance.choice((0, 0, 1, 2)))]
    for index, (name, arguments) in enumerate(calls):
        first, *rest = writer.pieces(arguments)
        begun = {"index": index, "id": f"id{index}", "type": "function", "function": {"name": name, "arguments": first}}
        writer.add(chunk(tool_calls=[begun]))
        for piece in rest:
            writer.add(chunk(tool_calls=[{"index": index, "function": {"arguments": piece}}]))
    reason = writer.add(chunk("tool_calls" if calls else "stop"))
    counts = writer.add(head | {"choices": [], "usage": usage}) if place == "alone" else -1
    writer.add(b"[DONE]")
    return Said(writer.events, counts, reason, writer.after(), None if place == "nowhere" else usage, calls)


def messages(writer: Writer) -> Said:
    chance = writer.chance
    into, out = writer.counts()
    counted = {"input_tokens": into, "cache_read_input_tokens": 3} if chance.random() < 0.8 else {"input_tokens": 0}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "up", "content": []}
    writer.add(
        {"type": "message_start", "message": message | {"stop_reason": None, "usage": {**counted, "output_tokens": 1}}}
    )
    calls: list[tuple[str, str]] = []
    for index in range(chance.randrange(4)):
        kind = chance.choice(("text", "thinking", "tool_use"))
        block: Json = {"type": kind, kind: ""}
        name, field, text = f"{kind}_delta", kind, writer.text()
        if kind == "tool_use":
            block, name, field = (
                {"type": kind, "id": f"t{index}", "name": "run", "input": {}},
                "input_json_delta",
                "partial_json",
            )
            text = writer.arguments()
            calls.append(("run", text))
        writer.add({"type": "content_block_start", "index": index, "content_block": block})
        for piece in writer.pieces(text):
            writer.add({"type": "content_block_delta", "index": index, "delta": {"type": name, field: piece}})
        writer.add({"type": "content_block_stop", "index": index})
    later = {"output_tokens": out} if chance.random() < 0.7 else {"output_tokens": out, "input_tokens": into + 1}
    delta = {"stop_reason": "tool_use" if calls else "end_turn", "stop_sequence": None}
    reason = writer.add({"type": "message_delta", "delta": delta, "usage": later})
    writer.add({"type": "message_stop"})
    return Said(writer.events, -1, reason, writer.after(), {**counted, **later}, calls)


def responses(writer: Writer) -> Said:
    chance, numbers = writer.chance, iter(range(1000))
    into, out = writer.counts()
    usage = {"input_tokens": into, "output_tokens": out, "total_tokens": into + out}
    answer: Json = {"id": "resp_1", "object": "response", "model": "up", "created_at": 1, "error": None}

    def add(kind: str, **fields: Any) -> int:
        return writer.add({"type": kind, "sequence_number": next(numbers), **fields})

    for kind in ("response.created", "response.in_progress"):
        add(kind, response=answer | {"status": "in_progress", "output": []})
    output, calls = [], []
    for index in range(chance.randrange(3)):
        if chance.random() < 0.5:
            text = writer.text()
            part = {"type": "output_text", "text": text, "annotations": []}
            item: Json = {
                "id": f"m{index}",
                "type": "message",
                "role": "assistant",
                "status": "completed",
                "content": [part],
            }
            add("response.output_item.added", output_index=index, item=item | {"status": "in_progress", "content": []})
            at = {"item_id": item["id"], "output_index": index, "content_index": 0}
            add("response.content_part.added", **at, part=part | {"text": ""})
            for piece in writer.pieces(text):
                add("response.output_text.delta", **at, delta=piece)
            add("response.output_text.done", **at, text=text)
            add("response.content_part.done", **at, part=part)
        else:
            text = writer.arguments()
            calls.append(("run", text))
            item = {
                "id": f"f{index}",
                "type": "function_call",
                "call_id": f"c{index}",
                "name": "run",
                "arguments": text,
            }
            add("response.output_item.added", output_index=index, item=item | {"arguments": ""})
            for piece in writer.pieces(text):
                add("response.function_call_arguments.delta", item_id=item["id"], output_index=index, delta=piece)
            add("response.function_call_arguments.done", item_id=item["id"], output_index=index, arguments=text)
        add("response.output_item.done", output_index=index, item=item)
        output.append(item)
    last = add("response.completed", response=answer | {"status": "completed", "output": output, "usage": usage})
    return Said(writer.events, -1, last, writer.after(), usage, calls)


def _choice(said: Json) -> Json:
    return dict(said["choices"][0]) if said.get("choices") else {}


def _calls(said: Json, *, first: bool | None = None) -> list[Json]:
    """The pieces of calls in a chunk, or in a Responses event its calls.  `first`: those that begin one, or that do not."""
    if "choices" in said:
        found = _choice(said).get("delta", {}).get("tool_calls", [])
    else:
        items = [said.get("item", {}), *said.get("response", {}).get("output", ())]
        found = [item for item in items if item.get("type") == "function_call"]
    return [call for call in found if first in (None, "name" in call.get("function", {}))]


def _each(change: Callable[[Json], object], *, first: bool | None = None) -> Callable[[Json], object]:
    return lambda said: [change(call) for call in _calls(said, first=first)]


def _of_choice(change: Callable[[Json], object]) -> Callable[[Json], object]:
    return lambda said: [change(choice) for choice in said.get("choices") or ()]


def _of_block(change: Callable[[Json], object]) -> Callable[[Json], object]:
    return lambda said: change(said["content_block"]) if said["type"] == "content_block_start" else None


def _of_last(change: Callable[[Json], object]) -> Callable[[Json], object]:
    return lambda said: change(said["response"]) if said["type"] == "response.completed" else None


BENDS: dict[str, tuple[tuple[Callable[[Json], object], ...], ...]] = {
    CHAT: (
        (
            _each(lambda call: call.pop("id", None)),
            _each(lambda call: call.update(id=""), first=True),
            _each(lambda call: call.update(id="x"), first=True),
            _each(lambda call: call.update(id=f"id{call['index']}")),
            _each(lambda call: call.update(id=None, type=None), first=False),
            _each(lambda call: call["function"].update(name=None), first=False),
            _each(lambda call: call["function"].update(name="run")),
            _each(lambda call: call.pop("index")),
            _each(lambda call: call.update(index=0)),
            _each(lambda call: call.update(index=call["index"] + 5)),
            _each(lambda call: call.pop("type", None)),
        ),
        (
            lambda said: said.pop("object"),
            lambda said: said.update(object=""),
            lambda said: said.update(object="chat.completion"),
        ),
        (
            lambda said: said.update(choices=said["choices"] or None),
            _of_choice(lambda choice: choice.update(finish_reason=choice["finish_reason"] or "")),
            _of_choice(lambda choice: choice["finish_reason"] and choice.pop("delta")),
            _of_choice(lambda choice: choice["finish_reason"] and choice.update(delta=None)),
            _of_choice(lambda choice: choice.update(logprobs=None, native_finish_reason=choice["finish_reason"])),
            lambda said: said.get("usage") and _choice(said) and said["choices"][0].update(usage=said.pop("usage")),
            lambda said: said.update(x_groq={"id": "r", "usage": said.get("usage")}),
        ),
    ),
    MESSAGES: (
        (
            _of_block(lambda block: block.update(id="x")),
            _of_block(lambda block: block.update(id="")),
            _of_block(lambda block: block.pop("id", None)),
            lambda said: said.get("message", {}).update(stop_reason=None, content=None),
            lambda said: said["type"] == "message_delta" and said.pop("usage"),
            lambda said: said["type"] == "message_delta" and said.update(usage=None),
            lambda said: said.update(x={"deep": [1]}),
        ),
    ),
    RESPONSES: (
        (
            _each(lambda call: call.pop("call_id")),
            _each(lambda call: call.update(call_id=None)),
            _each(lambda call: call.update(call_id="")),
        ),
        (
            lambda said: said.pop("sequence_number"),
            _of_last(lambda response: response.update(output=[])),
            _of_last(lambda response: response.pop("output")),
            _of_last(lambda response: response.update(status=None)),
            lambda said: said.update(x={"deep": [1]}),
        ),
    ),
}
"""What servers do to their dialect, of each kind at most one at once."""


WRITE = {CHAT: chat, MESSAGES: messages, RESPONSES: responses}
WHOLE: dict[str, Json] = {
    CHAT: {"id": "c1", "choices": [{"index": 0, "message": {"content": "x"}, "finish_reason": "stop"}]},
    MESSAGES: {"id": "m", "type": "message", "content": [{"type": "text", "text": "x"}], "stop_reason": "end_turn"},
    RESPONSES: {"id": "r", "object": "response", "status": "completed", "output": []},
}


def written(protocol: str, seed: int) -> tuple[Said, Random]:
    chance = Random(f"{protocol} {seed}")
    return WRITE[protocol](Writer(protocol, chance)), chance


def bent(protocol: str, seed: int) -> tuple[Said, Random]:
    """A stream that is nearly legal, perhaps without its last event, or that one's blank line."""
    chance = Random(f"bent {protocol} {seed}")
    writer = Writer(protocol, chance)
    writer.bends = tuple(chance.choice(kind) for kind in BENDS[protocol] if chance.random() < 0.8)
    said = WRITE[protocol](writer)
    ending = chance.randrange(4)
    if ending == 0 and protocol != RESPONSES:
        said = said._replace(events=said.events[:-1], after=b"")
    elif ending == 1:
        said = said._replace(events=[*said.events[:-1], said.events[-1].rstrip(b"\r\n")], after=b"")
    return said, chance


def asked(protocol: str) -> Peek:
    return peek(protocol, ask(protocol, "m", stream=True, tools=TOOLS[protocol]))


def heard(protocol: str, pieces: list[bytes], *, hide: bool = False, calls: bool = False) -> tuple[bytes, Summary]:
    """What a client hears of bytes that arrive so, and what is noted."""
    peeked = asked(protocol)
    summary = Summary(calls=Calls(peeked, protocol) if calls else None)
    stream = VerbatimStream(PROTOCOLS[protocol], REPLY, summary, hide_usage=hide, asked=peeked)
    out = [stream.feed(piece) for piece in pieces]
    return b"".join(out) + stream.close(), summary


def cuts(data: bytes, chance: Random) -> list[list[bytes]]:
    """The same bytes: at once, one by one, and in random pieces."""
    places = sorted(chance.randrange(len(data) + 1) for _ in range(12))
    some = [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]
    return [[data], [data[at : at + 1] for at in range(len(data))], some]


def ends(protocol: str, said: bytes) -> list[bytes]:
    """The ends of an answer in what a client hears, as a client finds them."""
    frames = SSEDecoder().feed(said)
    dense = (b"".join(frame.data.split(b" ")) for frame in frames)
    begins = (data if data == b"[DONE]" else b"".join(data.partition(b"}")[:2]) for data in dense)
    return [
        end for data in begins for end in ENDS[protocol] if (data == end if end == b"[DONE]" else end in data[:200])
    ]


@pytest.mark.parametrize("seed", STREAMS)
@pytest.mark.parametrize("protocol", DIALECTS)
def test_a_legal_stream(protocol: str, seed: int) -> None:
    """Its bytes, one end, its usage and its calls, however it is cut and whatever comes after it."""
    said, chance = written(protocol, seed)
    whole = json.dumps(WHOLE[protocol] | ({"usage": said.usage} if said.usage is not None else {})).encode()
    counted = PROTOCOLS[protocol].parse_response(whole).usage
    hide = chance.random() < 0.5
    kept = b"".join(event for place, event in enumerate(said.events) if not (hide and place == said.counts))
    for pieces in cuts(said.data + said.after, chance):
        out, summary = heard(protocol, pieces, hide=hide, calls=True)
        assert out == kept and summary.error is None
        assert summary.usage == counted
        assert summary.stop == ("tool_calls" if said.calls else "stop")
        assert summary.calls is not None and ends(protocol, out) == [ENDS[protocol][0]]
        made = [(call.name, "".join((call.arguments, *more))) for call, more in summary.calls._made.values()]
        assert [(name, arguments or "{}") for name, arguments in made] == said.calls
    plain, summary = heard(protocol, [said.data])
    assert plain == said.data and summary.usage == counted


@pytest.mark.parametrize("write", [written, bent])
@pytest.mark.parametrize("seed", BROKEN)
@pytest.mark.parametrize("protocol", DIALECTS)
def test_a_stream_that_breaks_off_anywhere(
    protocol: str, seed: int, write: Callable[[str, int], tuple[Said, Random]]
) -> None:
    """Before its reason was said it failed, and the client hears so; after that the answer is whole, and ends as one."""
    said, chance = write(protocol, seed)
    data, before = said.data, b"".join(said.events[: said.reason])
    told = len(before) + len(said.events[said.reason].rstrip(b"\r\n"))
    for end in sorted({*chance.sample(range(len(data)), 200), *range(told - 60, len(data))}):
        half = chance.randrange(end + 1)
        out, summary = heard(protocol, [data[:half], data[half:end]])
        assert (summary.error is not None) == (end < told), end
        assert ends(protocol, out) == [ENDS[protocol][end < told]], end
        passed = sum(map(len, said.events[: _whole_events(said.events, end)]))
        assert write is bent or out.startswith(data[:passed])


@pytest.mark.parametrize("seed", STREAMS)
@pytest.mark.parametrize("protocol", DIALECTS)
def test_a_nearly_legal_stream(protocol: str, seed: int) -> None:
    """It says the same words, calls, reason and counts, each call under an id of its own, and ends once."""
    said, chance = bent(protocol, seed)
    truth = answer_of(protocol, said.data)
    told = [heard(protocol, pieces) for pieces in cuts(said.data + said.after, chance)]
    first, *others = [(out, note.error, note.usage, note.stop) for out, note in told]
    assert all(other == first for other in others)
    out, error, usage, stop = first
    assert error is None and usage == truth.usage and ends(protocol, out) == [ENDS[protocol][0]]
    found = answer_of(protocol, out)
    ids = [part.id for part in found.content if isinstance(part, ToolCall)]
    assert all(ids) and len({*ids}) == len(ids)
    assert [_nameless(part) for part in found.content] == [_nameless(part) for part in truth.content]
    assert found.stop == truth.stop and (stop == found.stop.reason if found.stop is not None else stop is None)


def answer_of(protocol: str, data: bytes) -> GenerateResponse:
    decoder = PROTOCOLS[protocol].decoder()
    return fold([*decoder.feed(data), *decoder.close()])


def _nameless(part: ResponsePart) -> ResponsePart:
    return replace(part, id="", arguments=part.arguments or "{}") if isinstance(part, ToolCall) else part


def _whole_events(events: list[bytes], size: int) -> int:
    """How many events end within so many bytes."""
    number = 0
    for event in events:
        size -= len(event)
        if size < 0:
            break
        number += 1
    return number


@pytest.mark.parametrize("seed", STREAMS)
@pytest.mark.parametrize("protocol", DIALECTS)
def test_the_client_hears_the_answer(protocol: str, seed: int) -> None:
    """What a decoder makes of the bytes that came is what it makes of those that left."""
    said, _ = written(protocol, seed)
    out, _ = heard(protocol, [said.data + said.after])
    answer = answer_of(protocol, out)
    assert answer == answer_of(protocol, said.data)
    assert [(part.name, part.arguments or "{}") for part in answer.content if isinstance(part, ToolCall)] == said.calls
