"""Messages answers of servers that speak it after Anthropic."""

from __future__ import annotations

import json
import re
from typing import Any

from hearing import MESSAGES, Call, Heard
from quirk import Quirk

USED = {"input_tokens": 3, "output_tokens": 2}
BERN, ROME = {"city": "Bern"}, {"city": "Rome"}
TWO = Heard(calls=(Call("get_weather", BERN), Call("get_weather", ROME)), stop="tool_calls", usage=(3, 2))
HI = Heard("Hi", usage=(3, 2))
ONE = Heard(calls=(Call("get_weather", BERN),), stop="tool_calls", usage=(3, 2))


def whole(*content: dict[str, Any], reason: str | None = "tool_use", **fields: Any) -> bytes:
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "up", "content": list(content)}
    return json.dumps(head | {"stop_reason": reason, "stop_sequence": None, "usage": USED} | fields).encode()


def use(given: Any, use_id: Any = "get_weather:0") -> dict[str, Any]:
    own = {} if use_id is ... else {"id": use_id}
    return {"type": "tool_use", **own, "name": "get_weather", "input": given}


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def started(**usage: int) -> bytes:
    return event("message_start", message={**START, "usage": {"input_tokens": 3, "output_tokens": 0, **usage}})


START = {"id": "msg_1", "type": "message", "role": "assistant", "model": "up", "content": [], "stop_reason": None,
         "stop_sequence": None}  # fmt: skip


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def start(index: int, block: dict[str, Any]) -> bytes:
    return event("content_block_start", index=index, content_block=block)


def piece(index: int, said: str, kind: str = "text", field: str = "text") -> bytes:
    return event("content_block_delta", index=index, delta={"type": f"{kind}_delta", field: said})


def argue(index: int, said: str) -> bytes:
    return piece(index, said, "input_json", "partial_json")


def stop(index: int) -> bytes:
    return event("content_block_stop", index=index)


def saying(index: int, said: str, begun: str = "") -> bytes:
    """A text, letter by letter.  `begun`: what its start holds of it."""
    return start(index, text(begun)) + b"".join([piece(index, letter) for letter in said]) + stop(index)


def thinking(index: int, said: str) -> bytes:
    block = {"type": "thinking", "thinking": "", "signature": ""}
    return start(index, block) + piece(index, said, "thinking", "thinking") + stop(index)


def using(index: int, given: dict[str, Any], use_id: Any = "get_weather:0") -> bytes:
    said = json.dumps(given)
    return start(index, use({}, use_id)) + argue(index, said[:5]) + argue(index, said[5:]) + stop(index)


def ended(reason: str = "tool_use", **fields: Any) -> bytes:
    """The end, with its counts.  `fields` are said in their place; `...` leaves one out."""
    said = {"delta": {"stop_reason": reason, "stop_sequence": None}, "usage": {"output_tokens": 2}, **fields}
    told = {name: value for name, value in said.items() if value is not ...}
    return event("message_delta", **told) + event("message_stop")


def twice(*ids: Any) -> dict[str, bytes]:
    """Two calls, under these ids, whole and streamed."""
    first, second = ids
    stream = started() + using(0, BERN, first) + using(1, ROME, second) + ended()
    return {"whole": whole(use(BERN, first), use(ROME, second)), "stream": stream}


QUIRKS = [
    Quirk(
        "one id for two calls",
        MESSAGES,
        TWO,
        **twice("get_weather:0", "get_weather:0"),
        source="https://github.com/HKUDS/nanobot/issues/4473",
    ),
    Quirk("no id for two calls", MESSAGES, TWO, **twice("", "")),
    Quirk("one id for two calls that is an Anthropic id", MESSAGES, TWO, **twice("toolu_1", "toolu_1")),
    # ends
    Quirk(
        "calls that end for end_turn",
        MESSAGES,
        ONE,
        own=ONE._replace(stop="stop"),
        whole=whole(use(BERN, "a"), reason="end_turn"),
        stream=started() + using(0, BERN, "a") + ended("end_turn"),
    ),
    Quirk("no reason in a whole answer", MESSAGES, HI, apart=True, whole=whole(text("Hi"), reason=None)),
    Quirk(
        "no message_stop",
        MESSAGES,
        HI,
        stream=(started() + saying(0, "Hi") + ended("end_turn")).rpartition(b"event:")[0],
    ),
    Quirk(
        "[DONE] at the end", MESSAGES, HI, stream=started() + saying(0, "Hi") + ended("end_turn") + b"data: [DONE]\n\n"
    ),
    Quirk(
        "no event lines",
        MESSAGES,
        HI,
        apart=True,
        stream=re.sub(rb"event: .*\n", b"", started() + saying(0, "Hi") + ended("end_turn")),
    ),
    Quirk(
        "CRLF and no spaces",
        MESSAGES,
        HI,
        stream=(started() + saying(0, "Hi") + ended("end_turn")).replace(b": {", b":{").replace(b"\n", b"\r\n"),
    ),
    Quirk(
        "two message_deltas",
        MESSAGES,
        HI,
        stream=started()
        + saying(0, "Hi")
        + event("message_delta", delta={"stop_reason": None}, usage={"output_tokens": 1})
        + ended("end_turn"),
    ),
    Quirk(
        "a message_delta without usage",
        MESSAGES,
        HI._replace(usage=None),
        source="https://github.com/earendil-works/pi/issues/6567",
        stream=started() + saying(0, "Hi") + ended("end_turn", usage=...),
    ),
    Quirk(
        "a message_delta whose usage is null",
        MESSAGES,
        HI._replace(usage=None),
        stream=started() + saying(0, "Hi") + ended("end_turn", usage=None),
    ),
    Quirk(
        "all usage at the end",
        MESSAGES,
        HI,
        stream=started(input_tokens=0) + saying(0, "Hi") + ended("end_turn", usage=USED),
    ),
    Quirk(
        "usage null at the start",
        MESSAGES,
        HI,
        apart=True,
        stream=event("message_start", message={**START, "usage": None})
        + saying(0, "Hi")
        + ended("end_turn", usage=USED),
    ),
    Quirk(
        "usage inside the delta",
        MESSAGES,
        HI,
        apart=True,
        stream=started() + saying(0, "Hi") + ended(delta={"stop_reason": "end_turn", "usage": USED}, usage=...),
    ),
    Quirk(
        "a beginning again and again",
        MESSAGES,
        HI,
        source="https://github.com/MoonshotAI/Kimi-K2.5/issues/33",
        stream=started() * 3 + saying(0, "Hi") + started() + ended("end_turn"),
    ),
    # blocks
    Quirk(
        "a text that stands in its start already",
        MESSAGES,
        HI,
        apart=True,
        stream=started() + saying(0, "", "Hi") + ended("end_turn"),
    ),
    Quirk(
        "a text that stands in its start, and comes again",
        MESSAGES,
        HI,
        apart=True,
        source="https://github.com/cline/cline/pull/9215",
        stream=started() + start(0, text("Hi")) + piece(0, "Hi") + stop(0) + ended("end_turn"),
    ),
    Quirk(
        "a text whose beginning stands in its start",
        MESSAGES,
        HI,
        stream=started() + saying(0, "i", "H") + ended("end_turn"),
    ),
    Quirk(
        "a call whose input stands in its start",
        MESSAGES,
        ONE,
        stream=started() + start(0, use(BERN, "a")) + stop(0) + ended(),
    ),
    Quirk(
        "a call whose input stands in its start, and comes again",
        MESSAGES,
        ONE,
        stream=started() + start(0, use(BERN, "a")) + argue(0, json.dumps(BERN)) + stop(0) + ended(),
    ),
    Quirk(
        "a call without input",
        MESSAGES,
        ONE._replace(calls=(Call("get_weather", {}),)),
        stream=started() + start(0, use({}, "a")) + argue(0, "") + stop(0) + ended(),
    ),
    Quirk("input as text", MESSAGES, ONE, apart=True, whole=whole(use(json.dumps(BERN), "a"))),
    Quirk(
        "input null", MESSAGES, ONE._replace(calls=(Call("get_weather", {}),)), apart=True, whole=whole(use(None, "a"))
    ),
    Quirk(
        "no id for a call", MESSAGES, ONE, whole=whole(use(BERN, ...)), stream=started() + using(0, BERN, ...) + ended()
    ),
    Quirk(
        "blocks that nobody stops",
        MESSAGES,
        HI,
        apart=True,
        stream=started() + start(0, text("")) + piece(0, "Hi") + ended("end_turn"),
    ),
    Quirk(
        "a block that nobody starts",
        MESSAGES,
        HI,
        apart=True,
        stream=started() + piece(0, "Hi") + stop(0) + ended("end_turn"),
    ),
    Quirk(
        "indexes with a gap",
        MESSAGES,
        HI._replace(calls=ONE.calls, stop="tool_calls"),
        apart=True,
        stream=started() + saying(0, "Hi") + using(2, BERN, "a") + ended(),
    ),
    Quirk(
        "one index for two blocks",
        MESSAGES,
        HI._replace(calls=ONE.calls, stop="tool_calls"),
        apart=True,
        stream=started() + saying(0, "Hi") + using(0, BERN, "a") + ended(),
    ),
    Quirk(
        "two blocks open at once",
        MESSAGES,
        TWO,
        apart=True,
        stream=started()
        + b"".join([start(at, use({}, f"t{at}")) for at in (0, 1)])
        + b"".join(
            [
                argue(at, json.dumps(city)[cut])
                for cut in (slice(5), slice(5, 99))
                for at, city in enumerate((BERN, ROME))
            ]
        )
        + b"".join([stop(at) for at in (0, 1)])
        + ended(),
    ),
    Quirk(
        "a thought without a signature",
        MESSAGES,
        HI._replace(thought="Hm."),
        whole=whole({"type": "thinking", "thinking": "Hm.", "signature": ""}, text("Hi"), reason="end_turn"),
        stream=started() + thinking(0, "Hm.") + saying(1, "Hi") + ended("end_turn"),
    ),
    Quirk(
        "an empty text before a call",
        MESSAGES,
        ONE,
        whole=whole(text(""), use(BERN, "a")),
        stream=started() + saying(0, "") + using(1, BERN, "a") + ended(),
    ),
    Quirk(
        "content that is a text",
        MESSAGES,
        HI,
        apart=True,
        whole=json.dumps({**START, "content": "Hi", "stop_reason": "end_turn", "usage": USED}).encode(),
    ),
    Quirk(
        "fields that nobody knows",
        MESSAGES,
        HI,
        whole=whole({**text("Hi"), "citations": None, "x": 1}, reason="end_turn", base_resp={"status_code": 0}),
        stream=started() + event("x_new_event", x=1) + saying(0, "Hi") + ended("end_turn"),
    ),
    # failures
    Quirk(
        "an error in the middle",
        MESSAGES,
        Heard(stop="", error="Overloaded"),
        stream=started()
        + saying(0, "Hi")
        + event("error", error={"type": "overloaded_error", "message": "Overloaded"}),
    ),
    Quirk(
        "an error in OpenAI's form",
        MESSAGES,
        Heard(stop="", error="boom"),
        stream=started() + saying(0, "Hi") + b'data: {"error":{"message":"boom","type":"server_error"}}\n\n',
    ),
    Quirk(
        "a stream that only ends", MESSAGES, Heard(stop="", error="ended before"), stream=started() + saying(0, "Hi")
    ),
]
