"""An answer that one attempt begins and another one ends, in every dialect."""

from __future__ import annotations

import json

import pytest

from hexapla.catalog.schema import Quirks
from hexapla.ir.content import Origin, Reasoning, Text, ToolCall
from hexapla.ir.event import (
    AnyEvent,
    BlockDelta,
    BlockStart,
    BlockStop,
    MessageStart,
    MessageStop,
    StreamError,
    TextDelta,
    UsageReport,
)
from hexapla.ir.fold import fold
from hexapla.ir.grammar import check
from hexapla.ir.response import Stop, Usage
from hexapla.ir.target import Target
from hexapla.protocols import PROTOCOLS
from hexapla.protocols.base import Reply
from hexapla.translate.continuation import GO_ON
from hexapla.translate.lane import Lane, is_content
from hexapla.translate.open import Translation
from hexapla.translate.peek import peek
from hexapla.translate.resume import Telling
from server.wire import CHAT, GEMINI, MESSAGES, RESPONSES, ask

CLIENTS = (CHAT, RESPONSES, MESSAGES, GEMINI)
ERROR = StreamError(kind="upstream_truncated", message="cut")


def body(protocol: str, **more: object) -> bytes:
    if protocol == GEMINI:
        return json.dumps({"contents": [{"role": "user", "parts": [{"text": "Hello"}]}], **more}).encode()
    return ask(protocol, "m", stream=True, **more)


def translation(protocol: str, *, marks: bool = False, **more: object) -> Translation:
    reply = Reply(id="gen-1", created=1, model="m", include_usage=True)
    return Translation(
        peek(protocol, body(protocol, **more), model="m", stream=True), reply, telling=Telling(marks=marks)
    )


def at(opened: Translation, protocol: str = CHAT, name: str = "p") -> Lane:
    return opened.open(Target(origin=Origin(protocol, name), model="m"), Quirks())


def upstream(protocol: str, *events: AnyEvent) -> bytes:
    """What a vendor of the dialect sends."""
    encoder = PROTOCOLS[protocol].encoder(Reply(id="up", created=1, model="m", include_usage=True))
    return b"".join(map(encoder.encode, events))


def text(*pieces: str, index: int = 0) -> list[AnyEvent]:
    return [BlockStart(index, Text(text="")), *(BlockDelta(index, TextDelta(piece)) for piece in pieces)]


START = MessageStart(id="up", model="m", usage=Usage(input=7, output=0))
END: list[AnyEvent] = [
    BlockStop(0),
    UsageReport(Usage(input=9, output=4)),
    MessageStop(stop=Stop(reason="stop", native="stop")),
]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("first", [CHAT, MESSAGES])
@pytest.mark.parametrize("second", [CHAT, RESPONSES, MESSAGES])
def test_the_client_hears_one_answer(client: str, first: str, second: str) -> None:
    """One beginning, one text, one end, and the usage of both; the second one is told what the first one said."""
    opened = translation(client)
    begun = at(opened, first).stream()
    heard = begun.feed(upstream(first, START, *text("Once upon ", "a time")))
    assert begun.committed
    heard += begun.close()
    assert begun.failed and begun.breaks()
    lane = at(opened, second)
    assert b"Once upon a time" in lane.body and (GO_ON.encode() in lane.body) == (second != MESSAGES)
    ended = lane.stream()
    heard += ended.feed(upstream(second, START, *text(" there was", " a gateway."), *END)) + ended.close()
    assert not ended.failed
    decoder = PROTOCOLS[client].decoder()
    events = [*decoder.feed(heard), *decoder.close()]
    check(events)
    response = fold(events)
    assert [part.text for part in response.content if isinstance(part, Text)] == [
        "Once upon a time there was a gateway."
    ]
    assert len(response.content) == 1
    assert response.usage is not None and response.usage.output == 4 + 4
    assert response.stop is not None and response.stop.reason == "stop"


@pytest.mark.parametrize(
    ("said", "again", "heard"),
    [
        ("He", "Hello", "Hello"),  # who has been told no more begins anew
        ("He", "llo", "Hello"),
        ("1.", "1. One", "1. One"),
        ("你好", "你好，世界", "你好，世界"),
        ("He ", "He said", "He said"),
        ("He", "Hi", "HeHi"),  # what cannot be taken back stands
        ("I", "I think", "II think"),  # one sign may well be meant twice
        ("1", "1", "11"),
        ("##", "## Title", "#### Title"),
        ("哈哈", "哈哈！", "哈哈哈哈！"),
        ("Oh he", "he said", "Oh hehe said"),  # of a longer text, two letters are none of its end
        ("Oh hello", "hello, said", "Oh hello, said"),
    ],
)
@pytest.mark.parametrize("cut", [1, 2, 99])
def test_a_short_beginning_is_said_once(said: str, again: str, heard: str, cut: int) -> None:
    """All of it is a repetition however short it is, wherever that can be told from going on."""
    opened = translation(CHAT)
    begun = at(opened).stream()
    told = begun.feed(upstream(CHAT, START, *text(said)))
    assert begun.breaks()
    ended = at(opened).stream()
    pieces = [again[place : place + cut] for place in range(0, len(again), cut)]
    told += ended.feed(upstream(CHAT, START, *text(*pieces), *END)) + ended.close()
    decoder = PROTOCOLS[CHAT].decoder()
    response = fold([*decoder.feed(told), *decoder.close()])
    assert "".join(part.text for part in response.content if isinstance(part, Text)) == heard


def test_ids_and_sequence_numbers_run_on() -> None:
    """Responses: one id, one item, sequence numbers without a gap."""
    opened = translation(RESPONSES)
    begun = at(opened).stream()
    heard = begun.feed(upstream(CHAT, START, *text("Once")))
    assert begun.breaks()
    ended = at(opened, MESSAGES).stream()
    heard += ended.feed(upstream(MESSAGES, START, *text(" more"), *END)) + ended.close()
    said = [json.loads(line[6:]) for line in heard.decode().splitlines() if line.startswith("data: {")]
    assert [event["sequence_number"] for event in said] == list(range(len(said)))
    assert len({event["response"]["id"] for event in said if "response" in event}) == 1
    assert len({event["item_id"] for event in said if "item_id" in event}) == 1


def test_the_seam_is_marked_where_the_client_asked_for_it() -> None:
    """A comment, which is no event of any dialect."""
    opened = translation(MESSAGES, marks=True)
    begun = at(opened).stream()
    assert b": resumed" not in begun.feed(upstream(CHAT, START, *text("Once")))
    assert begun.breaks()
    heard = at(opened, CHAT, "other").stream().feed(upstream(CHAT, START, *text(" more")))
    assert heard.startswith(b": resumed at other/m\n\n")


def calls() -> list[AnyEvent]:
    call = ToolCall(id="c1", name="f", arguments="")
    return [*text("Let me see."), BlockStop(0), BlockStart(1, call), BlockDelta(1, TextDelta('{"a'))]


def thought(*more: AnyEvent) -> list[AnyEvent]:
    part = Reasoning(text="", form="reasoning_content", origin=Origin(CHAT))
    return [BlockStart(0, part), BlockDelta(0, TextDelta("Hmm.")), *more]


@pytest.mark.parametrize(
    ("said", "able"),
    [
        (text("Once"), True),
        (calls(), False),
        (thought(), False),
        (thought(BlockStop(0), *text("Once", index=1)), True),
    ],
    ids=["text", "call", "thinking", "thought"],
)
def test_only_text_is_continued(said: list[AnyEvent], able: bool) -> None:
    """Not a call, nor half a thought; otherwise the error is told at once, as the dialect's own."""
    stream = at(translation(CHAT)).stream()
    stream.feed(upstream(CHAT, START, *said))
    assert stream.breaks() is able
    assert b"cut" in stream.fail(ERROR) and stream.fail(ERROR) == b""


def test_what_cannot_be_continued_stays_in_its_own_lane() -> None:
    """A structured output, several answers, a whole answer: nothing is held back, nothing rewritten."""
    schema = {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}}
    assert at(translation(CHAT, response_format=schema)).name == "verbatim"
    assert at(translation(CHAT, n=2)).name == "verbatim"
    peeked = peek(CHAT, ask(CHAT, "m"))
    assert at(Translation(peeked, Reply(id="g", created=1, model="m"), telling=Telling())).name == "verbatim"
    assert at(translation(CHAT)).name == "hub"


def test_a_tool_call_may_follow_the_seam() -> None:
    """The text is closed, the call has the next index; thought after the seam is not told again."""
    opened = translation(MESSAGES)
    begun = at(opened).stream()
    heard = begun.feed(upstream(CHAT, START, *text("Let me")))
    assert begun.breaks()
    call: list[AnyEvent] = [
        BlockStop(0),
        BlockStart(1, ToolCall(id="c1", name="f", arguments="")),
        BlockDelta(1, TextDelta("{}")),
        BlockStop(1),
        MessageStop(stop=Stop(reason="tool_calls", native="tool_calls")),
    ]
    ended = at(opened).stream()
    heard += ended.feed(upstream(CHAT, START, *thought(*call))) + ended.close()
    decoder = PROTOCOLS[MESSAGES].decoder()
    events = [*decoder.feed(heard), *decoder.close()]
    check(events)
    content = fold(events).content
    assert [type(part) for part in content] == [Text, ToolCall]
    assert isinstance(content[0], Text) and content[0].text == "Let me"


def test_max_tokens_are_what_is_left() -> None:
    """Of 64, about two were said; of the dialects' least there are always some."""
    opened = translation(CHAT, max_tokens=64)
    begun = at(opened).stream()
    begun.feed(upstream(CHAT, START, *text("12345678")))
    assert begun.breaks()
    assert json.loads(at(opened, MESSAGES).body)["max_tokens"] == 62
    begun = at(opened).stream()
    begun.feed(upstream(CHAT, START, *text("x" * 400)))
    assert begun.breaks()
    assert json.loads(at(opened, MESSAGES).body)["max_tokens"] == 16


def test_an_attempt_without_content_changes_nothing() -> None:
    """A second attempt that fails before it says anything leaves the seam to the third."""
    opened = translation(RESPONSES)
    begun = at(opened).stream()
    heard = begun.feed(upstream(CHAT, START, *text("Once")))
    assert begun.breaks()
    idle = at(opened, MESSAGES).stream()
    assert idle.feed(upstream(MESSAGES, START)) == b"" and not idle.committed and not idle.breaks()
    ended = at(opened).stream()
    heard += ended.feed(upstream(CHAT, START, *text(" more"), *END)) + ended.close()
    decoder = PROTOCOLS[RESPONSES].decoder()
    events = [*decoder.feed(heard), *decoder.close()]
    check(events)
    assert sum(map(is_content, events)) >= 2
    assert fold(events).content[0].text == "Once more"  # type: ignore[union-attr]


WORDS = [f" word{number}" for number in range(60)]


@pytest.mark.parametrize("client", CLIENTS)
def test_an_answer_survives_a_break_after_every_token(client: str) -> None:
    """Sixty tokens, broken off after each of them, continued by a dialect that goes on and by one that is asked to."""
    for place in range(1, len(WORDS) + 1):
        for second in (MESSAGES, CHAT):
            opened = translation(client)
            begun = at(opened).stream()
            heard = begun.feed(upstream(CHAT, START, *text(*WORDS[:place])))
            assert begun.breaks()
            ended = at(opened, second).stream()
            rest = WORDS[place:] or [""]
            heard += ended.feed(upstream(second, START, *text(*rest), *END)) + ended.close()
            decoder = PROTOCOLS[client].decoder()
            events = [*decoder.feed(heard), *decoder.close()]
            check(events)
            [said] = fold(events).content
            assert isinstance(said, Text) and said.text == "".join(WORDS), (place, second)
