"""Gemini answers of Google's own and of gateways that speak its dialect."""

from __future__ import annotations

import json
from typing import Any

from hearing import GEMINI, Call, Heard
from quirk import Quirk

USED = {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}
HI = Heard("Hi", usage=(3, 2))
BERN = {"city": "Bern"}
ONE = Heard(calls=(Call("get_weather", BERN),), stop="tool_calls", usage=(3, 2))
TWO = Heard(calls=(Call("get_weather", BERN), Call("get_weather", {"city": "Rome"})), stop="tool_calls", usage=(3, 2))


def chunk(*parts: dict[str, Any], end: str | None = None, **fields: Any) -> dict[str, Any]:
    ended = {} if end is None else {"finishReason": end}
    candidate = {"content": {"parts": list(parts), "role": "model"}, "index": 0, **ended}
    head = {"candidates": [candidate], "modelVersion": "up", "responseId": "r1"}
    return {name: value for name, value in {**head, **fields}.items() if value is not ...}


def whole(*parts: dict[str, Any], end: str | None = "STOP", **fields: Any) -> bytes:
    return json.dumps(chunk(*parts, end=end, **{"usageMetadata": USED, **fields})).encode()


def sse(*chunks: dict[str, Any]) -> bytes:
    return b"".join(b"data: %b\r\n\r\n" % json.dumps(each).encode() for each in chunks)


def text(said: str, **fields: Any) -> dict[str, Any]:
    return {"text": said, **fields}


def called(args: Any = BERN, **fields: Any) -> dict[str, Any]:
    own = {} if args is ... else {"args": args}
    return {"functionCall": {"name": "get_weather", **own, **fields}}


LAST = chunk(text(""), end="STOP", usageMetadata=USED)
ROME = {"city": "Rome"}

QUIRKS = [
    Quirk(
        "usage and an end in every chunk",
        GEMINI,
        HI,
        apart=True,
        stream=sse(*[chunk(text(letter), end="STOP", usageMetadata=USED) for letter in "Hi"]),
    ),
    Quirk(
        "two calls of one name without ids",
        GEMINI,
        TWO,
        whole=whole(called(), called(ROME)),
        stream=sse(chunk(called(), called(ROME)), LAST),
    ),
    Quirk("two calls in two chunks", GEMINI, TWO, stream=sse(chunk(called()), chunk(called(ROME)), LAST)),
    Quirk(
        "one id for two calls",
        GEMINI,
        TWO,
        whole=whole(called(id="a"), called(ROME, id="a")),
        stream=sse(chunk(called(id="a")), chunk(called(ROME, id="a")), LAST),
    ),
    Quirk("an empty id", GEMINI, ONE, whole=whole(called(id="")), stream=sse(chunk(called(id="")), LAST)),
    Quirk(
        "no args",
        GEMINI,
        ONE._replace(calls=(Call("get_weather", {}),)),
        whole=whole(called(...)),
        stream=sse(chunk(called(...)), LAST),
    ),
    Quirk(
        "null args",
        GEMINI,
        ONE._replace(calls=(Call("get_weather", {}),)),
        apart=True,
        whole=whole(called(None)),
        stream=sse(chunk(called(None)), LAST),
    ),
    Quirk(
        "a thought and a text",
        GEMINI,
        HI._replace(thought="Hm."),
        whole=whole(text("Hm.", thought=True), text("Hi")),
        stream=sse(chunk(text("Hm", thought=True)), chunk(text(".", thought=True)), chunk(text("Hi")), LAST),
    ),
    Quirk(
        "a text before a call",
        GEMINI,
        ONE._replace(text="Look."),
        whole=whole(text("Look."), called()),
        stream=sse(chunk(text("Look.")), chunk(called()), LAST),
    ),
    Quirk(
        "no parts in the last chunk",
        GEMINI,
        HI,
        stream=sse(
            chunk(text("Hi")),
            {"candidates": [{"content": {"role": "model"}, "finishReason": "STOP", "index": 0}], "usageMetadata": USED},
        ),
    ),
    Quirk(
        "no content in the last chunk",
        GEMINI,
        HI,
        stream=sse(chunk(text("Hi")), {"candidates": [{"finishReason": "STOP", "index": 0}], "usageMetadata": USED}),
    ),
    Quirk(
        "usage in a chunk of its own",
        GEMINI,
        HI,
        stream=sse(chunk(text("Hi")), chunk(text(""), end="STOP"), {"usageMetadata": USED, "modelVersion": "up"}),
    ),
    Quirk("[DONE] at the end", GEMINI, HI, apart=True, stream=sse(chunk(text("Hi")), LAST) + b"data: [DONE]\n\n"),
    Quirk(
        "cut off",
        GEMINI,
        HI._replace(stop="length"),
        whole=whole(text("Hi"), end="MAX_TOKENS"),
        stream=sse(chunk(text("Hi")), chunk(text(""), end="MAX_TOKENS", usageMetadata=USED)),
    ),
    Quirk(
        "blocked",
        GEMINI,
        HI._replace(stop="content_filter"),
        whole=whole(text("Hi"), end="SAFETY"),
        stream=sse(chunk(text("Hi")), chunk(end="SAFETY", usageMetadata=USED)),
    ),
    Quirk(
        "thoughts that are counted apart",
        GEMINI,
        HI._replace(usage=(3, 6)),
        whole=whole(text("Hi"), usageMetadata=USED | {"thoughtsTokenCount": 4, "totalTokenCount": 9}),
    ),
    Quirk(
        "an error in the middle",
        GEMINI,
        Heard(stop="", error="Overloaded"),
        stream=sse(chunk(text("Hi")), {"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}}),
    ),
    Quirk(
        "a call that could not be made",
        GEMINI,
        Heard(stop="", error="MALFORMED_FUNCTION_CALL"),
        apart=True,
        whole=whole(end="MALFORMED_FUNCTION_CALL"),
    ),
    Quirk(
        "a stream that only ends",
        GEMINI,
        Heard(stop="", error="ended before"),
        apart=True,
        stream=sse(chunk(text("Hi"))),
    ),
]
