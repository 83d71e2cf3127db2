"""Chat answers as vendors have been seen to send them, or small servers might: whole, and as a stream."""

from __future__ import annotations

import json
from typing import Any

from hearing import CHAT, Call, Heard
from quirk import Quirk

WEATHER = (Call("get_weather", {"city": "Bern"}),)
ARGS = '{"city":"Bern"}'
CALLED = Heard(calls=WEATHER, stop="tool_calls")
USED = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
HI = Heard(text="Hi", usage=(3, 2))


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **fields: Any) -> dict[str, Any]:
    choice: dict[str, Any] = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "up", "choices": [choice]}
    return {name: value for name, value in {**head, **fields}.items() if value is not ...}


def sse(*chunks: dict[str, Any] | bytes, done: bool = True) -> bytes:
    said = [each if isinstance(each, bytes) else b"data: %b\n\n" % json.dumps(each).encode() for each in chunks]
    return b"".join(said) + (b"data: [DONE]\n\n" if done else b"")


def whole(message: dict[str, Any], finish: str | None = "stop", **fields: Any) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": None, **message}, "finish_reason": finish}
    head = {"id": "c1", "object": "chat.completion", "created": 1, "model": "up", "choices": [choice], "usage": USED}
    return json.dumps({name: value for name, value in {**head, **fields}.items() if value is not ...}).encode()


def call(index: int | None = 0, name: str | None = None, arguments: Any = None, **fields: Any) -> dict[str, Any]:
    """A delta with one piece of a call."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    numbered = {} if index is None else {"index": index}
    return {"tool_calls": [{**numbered, **fields, "function": function}]}


def made(name: str = "get_weather", arguments: Any = ARGS, **fields: Any) -> dict[str, Any]:
    """A whole call."""
    return {"id": "a", "type": "function", **fields, "function": {"name": name, "arguments": arguments}}


ROLE = chunk({"role": "assistant", "content": ""})
COUNT = chunk(choices=[], usage=USED)
TOOLS_END, END = chunk(finish="tool_calls"), chunk(finish="stop")
BEGUN = call(0, "get_weather", "", id="a", type="function")
TWO = Heard(calls=(Call("get_weather", {"city": "Bern"}), Call("get_weather", {"city": "Rome"})), stop="tool_calls")
ROME = '{"city":"Rome"}'


def old(name: str | None = None, arguments: str | None = None) -> dict[str, Any]:
    said = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    return {"function_call": said}


QUIRKS = [
    # the call of 2023
    Quirk(
        "old call",
        CHAT,
        CALLED,
        whole=whole(old("get_weather", ARGS), "function_call"),
        stream=sse(
            ROLE,
            chunk(old("get_weather", "")),
            chunk(old(None, '{"city":')),
            chunk(old(None, '"Bern"}')),
            chunk(finish="function_call"),
        ),
    ),
    Quirk(
        "old call, name in every piece",
        CHAT,
        CALLED,
        stream=sse(
            ROLE,
            chunk(old("get_weather", '{"city":')),
            chunk(old("get_weather", '"Bern"}')),
            chunk(finish="function_call"),
        ),
    ),
    Quirk(
        "old call after a text",
        CHAT,
        Heard("Look:", WEATHER, "tool_calls"),
        whole=whole({"content": "Look:", **old("get_weather", ARGS)}, "function_call"),
        stream=sse(
            ROLE,
            chunk({"content": "Look"}),
            chunk({"content": ":"}),
            chunk(old("get_weather", ARGS)),
            chunk(finish="function_call"),
        ),
    ),
    Quirk(
        "old call, all in one chunk with the end",
        CHAT,
        CALLED,
        stream=sse(chunk({"role": "assistant", **old("get_weather", ARGS)}, "function_call")),
    ),
    Quirk(
        "old call that ends for tool_calls, and null beside",
        CHAT,
        CALLED,
        whole=whole({**old("get_weather", ARGS), "tool_calls": None}, "tool_calls"),
        stream=sse(ROLE, chunk({**old("get_weather", ARGS), "tool_calls": None}), TOOLS_END),
    ),
    Quirk(
        "old call beside an empty list",
        CHAT,
        CALLED,
        whole=whole({**old("get_weather", ARGS), "tool_calls": []}, "function_call"),
        stream=sse(ROLE, chunk({**old("get_weather", ARGS), "tool_calls": []}), chunk(finish="function_call")),
    ),
    Quirk(
        "a call of today that ends for function_call",
        CHAT,
        CALLED,
        whole=whole({"tool_calls": [made()]}, "function_call"),
        stream=sse(ROLE, chunk(BEGUN), chunk(call(0, None, ARGS)), chunk(finish="function_call")),
    ),
    Quirk(
        "function_call null everywhere",
        CHAT,
        HI,
        whole=whole({"content": "Hi", "function_call": None, "tool_calls": None}),
        stream=sse(ROLE, chunk({"content": "Hi", "function_call": None, "tool_calls": None}), END, COUNT),
    ),
    # usage after the end
    Quirk(
        "usage after [DONE]",
        CHAT,
        HI,
        stream=sse(ROLE, chunk({"content": "Hi"}), END) + sse(COUNT, done=False),
        late=True,
    ),
    Quirk(
        "usage after [DONE], and [DONE] again",
        CHAT,
        HI,
        stream=sse(ROLE, chunk({"content": "Hi"}), END) + sse(COUNT),
        late=True,
    ),
    Quirk(
        "usage before and after [DONE]",
        CHAT,
        HI,
        stream=sse(ROLE, chunk({"content": "Hi"}), END, COUNT) + sse(COUNT, done=False),
    ),
    # names
    Quirk(
        "name in pieces",
        CHAT,
        CALLED,
        stream=sse(
            ROLE,
            chunk(call(0, "get_", "", id="a", type="function")),
            chunk(call(0, "weather")),
            chunk(call(0, None, ARGS)),
            TOOLS_END,
        ),
    ),
    Quirk(
        "name in pieces, the last with arguments",
        CHAT,
        CALLED,
        stream=sse(ROLE, chunk(call(0, "get_wea", id="a", type="function")), chunk(call(0, "ther", ARGS)), TOOLS_END),
    ),
    Quirk(
        "name in pieces of one letter",
        CHAT,
        CALLED,
        stream=sse(
            *[chunk(call(0, letter, id="a" if at == 0 else None)) for at, letter in enumerate("get_weather")],
            chunk(call(0, None, ARGS)),
            TOOLS_END,
        ),
    ),
    Quirk(
        "name that grows",
        CHAT,
        CALLED,
        stream=sse(
            ROLE,
            chunk(call(0, "get_", "", id="a", type="function")),
            chunk(call(0, "get_weather", "")),
            chunk(call(0, "get_weather", ARGS)),
            TOOLS_END,
        ),
    ),
    Quirk(
        "name again in every piece",
        CHAT,
        CALLED,
        stream=sse(
            ROLE,
            chunk(BEGUN),
            chunk(call(0, "get_weather", '{"city":', id="a", type="function")),
            chunk(call(0, "get_weather", '"Bern"}', id="a", type="function")),
            TOOLS_END,
        ),
    ),
    Quirk(
        "a name that begins another's",
        CHAT,
        Heard(calls=(Call("get", {}),), stop="tool_calls"),
        stream=sse(ROLE, chunk(call(0, "get", "", id="a", type="function")), chunk(call(0, None, "{}")), TOOLS_END),
    ),
    Quirk(
        "names of two calls in pieces, without arguments",
        CHAT,
        Heard(calls=(Call("get", {}), Call("run", {})), stop="tool_calls"),
        own=Heard(calls=(Call("get", ""), Call("run", "")), stop="tool_calls"),
        stream=sse(
            ROLE,
            chunk(call(0, "g", "", id="a")),
            chunk(call(0, "et")),
            chunk(call(1, "r", "", id="b")),
            chunk(call(1, "un")),
            TOOLS_END,
        ),
    ),
    Quirk(
        "a name in pieces before a text",
        CHAT,
        Heard("Hm.", (Call("run", {}),), "tool_calls"),
        own=Heard("Hm.", (Call("run", ""),), "tool_calls"),
        stream=sse(ROLE, chunk(call(0, "ru", "", id="a")), chunk(call(0, "n")), chunk({"content": "Hm."}), TOOLS_END),
    ),
    Quirk(
        "an unknown name",
        CHAT,
        Heard(calls=(Call("nobody", {}),), stop="tool_calls"),
        whole=whole({"tool_calls": [made("nobody", "{}")]}, "tool_calls"),
        stream=sse(ROLE, chunk(call(0, "nobody", "", id="a", type="function")), chunk(call(0, None, "{}")), TOOLS_END),
    ),
]
