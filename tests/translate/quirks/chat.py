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


def whole(said: dict[str, Any], finish: str | None = "stop", **fields: Any) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": None, **said}, "finish_reason": finish}
    head = {"id": "c1", "object": "chat.completion", "created": 1, "model": "up", "choices": [choice], "usage": USED}
    return json.dumps({name: value for name, value in {**head, **fields}.items() if value is not ...}).encode()


def call(index: int | None = 0, name: str | None = None, arguments: Any = None, **fields: Any) -> dict[str, Any]:
    """A delta with one piece of a call."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    numbered = {} if index is None else {"index": index}
    return {"tool_calls": [{**numbered, **fields, "function": function}]}


def begun(name: str = "get_weather", arguments: Any = "", *, index: int = 0, call_id: Any = "a") -> dict[str, Any]:
    """The first piece of a call, as OpenAI says it."""
    return call(index, name, arguments, id=call_id, type="function")


def both(*deltas: dict[str, Any]) -> dict[str, Any]:
    """One delta with the pieces of several."""
    return {"tool_calls": [piece for delta in deltas for piece in delta["tool_calls"]]}


def made(name: str = "get_weather", arguments: Any = ARGS, **fields: Any) -> dict[str, Any]:
    """A whole call."""
    return {"id": "a", "type": "function", **fields, "function": {"name": name, "arguments": arguments}}


ROLE = chunk({"role": "assistant", "content": ""})
COUNT = chunk(choices=[], usage=USED)
TOOLS_END, END = chunk(finish="tool_calls"), chunk(finish="stop")
BEGUN = begun()
TWO = Heard(calls=(Call("get_weather", {"city": "Bern"}), Call("get_weather", {"city": "Rome"})), stop="tool_calls")
ROME = '{"city":"Rome"}'


def calling(*deltas: dict[str, Any]) -> bytes:
    """A stream of these deltas, which ends for its calls."""
    return sse(ROLE, *map(chunk, deltas), TOOLS_END)


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
        stream=calling({**old("get_weather", ARGS), "tool_calls": None}),
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
        stream=calling(begun("get_"), call(0, "weather"), call(0, None, ARGS)),
    ),
    Quirk(
        "name in pieces, the last with arguments",
        CHAT,
        CALLED,
        stream=calling(call(0, "get_wea", id="a", type="function"), call(0, "ther", ARGS)),
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
        stream=calling(begun("get_"), call(0, "get_weather", ""), call(0, "get_weather", ARGS)),
    ),
    Quirk(
        "name again in every piece",
        CHAT,
        CALLED,
        stream=calling(BEGUN, begun(arguments='{"city":'), begun(arguments='"Bern"}')),
    ),
    Quirk(
        "a name that begins another's",
        CHAT,
        Heard(calls=(Call("get", {}),), stop="tool_calls"),
        stream=calling(begun("get"), call(0, None, "{}")),
    ),
    Quirk(
        "names of two calls in pieces, without arguments",
        CHAT,
        Heard(calls=(Call("get", {}), Call("run", {})), stop="tool_calls"),
        own=Heard(calls=(Call("get", ""), Call("run", "")), stop="tool_calls"),
        stream=calling(call(0, "g", "", id="a"), call(0, "et"), call(1, "r", "", id="b"), call(1, "un")),
    ),
    Quirk(
        "names of two calls in pieces, in turns",
        CHAT,
        Heard(calls=(Call("get_weather", {"city": "Bern"}), Call("run", {})), stop="tool_calls"),
        stream=calling(
            begun("get_"),
            begun("r", index=1, call_id="b"),
            both(call(0, "weather"), call(1, "un")),
            call(0, None, '{"city":'),
            call(1, None, "{}"),
            call(0, None, '"Bern"}'),
        ),
    ),
    Quirk(
        "names of two calls in pieces, in turns, without arguments",
        CHAT,
        Heard(calls=(Call("get", {}), Call("run", {})), stop="tool_calls"),
        own=Heard(calls=(Call("get", ""), Call("run", "")), stop="tool_calls"),
        stream=calling(begun("g"), begun("r", index=1, call_id="b"), call(0, "et"), call(1, "un")),
    ),
    Quirk(
        "a name in pieces before a text",
        CHAT,
        Heard("Hm.", (Call("run", {}),), "tool_calls"),
        own=Heard("Hm.", (Call("run", ""),), "tool_calls"),
        stream=calling(call(0, "ru", "", id="a"), call(0, "n"), {"content": "Hm."}),
    ),
    Quirk(
        "an unknown name",
        CHAT,
        Heard(calls=(Call("nobody", {}),), stop="tool_calls"),
        whole=whole({"tool_calls": [made("nobody", "{}")]}, "tool_calls"),
        stream=calling(begun("nobody"), call(0, None, "{}")),
    ),
    # calls
    Quirk(
        "another id in every piece",
        CHAT,
        CALLED,
        source="https://github.com/zai-org/GLM-4/issues/194",
        stream=calling(BEGUN, call(0, None, '{"city":', id="b"), call(0, None, '"Bern"}', id="c")),
    ),
    Quirk(
        "a piece after the last, with null arguments",
        CHAT,
        CALLED,
        source="https://github.com/QuantumNous/new-api/issues/3326",
        stream=calling(
            BEGUN,
            call(0, None, ARGS),
            {"tool_calls": [{"index": 0, "id": "", "type": "function", "function": {"name": "", "arguments": None}}]},
        ),
    ),
    Quirk(
        "arguments said twice",
        CHAT,
        CALLED,
        source="https://github.com/lidge-jun/opencodex/issues/361",
        stream=calling(BEGUN, call(0, None, ARGS), call(0, None, ARGS)),
    ),
    Quirk(
        "arguments said in pieces, and then whole",
        CHAT,
        CALLED,
        source="https://github.com/open-webui/open-webui/pull/22235",
        stream=calling(
            BEGUN, call(0, None, '{"city":'), call(0, None, '"Bern"}'), call(0, "get_weather", ARGS, id="a")
        ),
    ),
    Quirk(
        "a second call under the first one's index and id",
        CHAT,
        TWO,
        source="https://github.com/open-webui/open-webui/pull/22235",
        stream=calling(begun(arguments=ARGS), begun(arguments=ROME)),
    ),
    Quirk(
        "a second call under the first one's index, without an id",
        CHAT,
        TWO,
        stream=calling(begun(arguments=ARGS), call(0, "get_weather", ROME)),
    ),
    Quirk(
        "the last piece, the name and the end at once",
        CHAT,
        CALLED,
        source="https://github.com/vllm-project/vllm-ascend/issues/8327",
        stream=sse(
            ROLE,
            chunk(BEGUN),
            chunk(call(0, None, '{"city":')),
            chunk(begun(arguments='"Bern"}'), "tool_calls"),
        ),
    ),
    Quirk(
        "arguments before the name",
        CHAT,
        CALLED,
        source="https://github.com/vercel/ai/issues/14722",
        stream=calling(begun(None, '{"city":'), call(0, "get_weather"), call(0, None, '"Bern"}')),
    ),
    Quirk(
        "type after the arguments",
        CHAT,
        CALLED,
        source="https://github.com/vercel/ai/issues/5350",
        stream=calling(
            call(0, "get_weather", "", id="a"),
            call(0, None, ARGS),
            {"tool_calls": [{"index": 0, "type": "function", "function": {}}]},
        ),
    ),
    Quirk(
        "usage in every chunk of a call",
        CHAT,
        CALLED._replace(usage=(3, 2)),
        source="https://github.com/router-for-me/CLIProxyAPI/issues/5419",
        stream=sse(
            chunk({"role": "assistant"}, usage=USED | {"completion_tokens": 0}),
            chunk(BEGUN, usage=USED | {"completion_tokens": 1}),
            chunk(call(0, None, ARGS), usage=USED),
            chunk(finish="tool_calls", usage=USED),
        ),
    ),
    Quirk(
        "index -1",
        CHAT,
        CALLED,
        stream=calling(begun(index=-1), call(-1, None, ARGS)),
    ),
    Quirk(
        "index from 1, after a text",
        CHAT,
        Heard("Look.", WEATHER, "tool_calls"),
        stream=calling({"content": "Look."}, begun(index=1), call(1, None, ARGS)),
    ),
    Quirk("index as text", CHAT, CALLED, stream=calling({"tool_calls": [{"index": "0", **made()}]})),
    Quirk(
        "pieces of two calls in turns",
        CHAT,
        TWO,
        stream=calling(
            BEGUN,
            begun(index=1, call_id="b"),
            call(0, None, '{"city":'),
            call(1, None, '{"city":'),
            call(0, None, '"Bern"}'),
            call(1, None, '"Rome"}'),
        ),
    ),
    Quirk(
        "two calls in one delta, and their pieces too",
        CHAT,
        TWO,
        stream=calling(both(BEGUN, begun(index=1, call_id="b")), both(call(0, None, ARGS), call(1, None, ROME))),
    ),
    Quirk(
        "arguments as an object",
        CHAT,
        CALLED,
        whole=whole({"tool_calls": [made(arguments={"city": "Bern"})]}, "tool_calls"),
        stream=calling(begun(arguments={"city": "Bern"})),
    ),
    Quirk(
        "no arguments",
        CHAT,
        Heard(calls=(Call("run", {}),), stop="tool_calls"),
        whole=whole({"tool_calls": [{"id": "a", "type": "function", "function": {"name": "run"}}]}, "tool_calls"),
    ),
    Quirk(
        "null arguments",
        CHAT,
        Heard(calls=(Call("run", {}),), stop="tool_calls"),
        whole=whole({"tool_calls": [made("run", None)]}, "tool_calls"),
    ),
    Quirk(
        "empty arguments",
        CHAT,
        Heard(calls=(Call("run", {}),), stop="tool_calls"),
        own=Heard(calls=(Call("run", ""),), stop="tool_calls"),
        whole=whole({"tool_calls": [made("run", "")]}, "tool_calls"),
        stream=calling(begun("run")),
    ),
    Quirk(
        "id as a number",
        CHAT,
        CALLED,
        whole=whole({"tool_calls": [made(id=7)]}, "tool_calls"),
        stream=calling(begun(arguments=ARGS, call_id=7)),
    ),
    Quirk(
        "a call without a function around it",
        CHAT,
        CALLED,
        apart=True,
        whole=whole({"tool_calls": [{"name": "get_weather", "arguments": {"city": "Bern"}}]}, "tool_calls"),
        stream=calling({"tool_calls": [{"name": "get_weather", "arguments": {"city": "Bern"}}]}),
    ),
    Quirk(
        "calls in an object of their own",
        CHAT,
        CALLED,
        whole=whole({"tool_calls": made()}, "tool_calls"),
        stream=calling({"tool_calls": made()}),
    ),
    Quirk(
        "a call that ends for stop",
        CHAT,
        CALLED,
        own=CALLED._replace(stop="stop"),
        whole=whole({"tool_calls": [made()]}, "stop"),
        stream=sse(ROLE, chunk(begun(arguments=ARGS)), END),
    ),
    Quirk(
        "the end before the last piece",
        CHAT,
        CALLED,
        stream=sse(ROLE, chunk(BEGUN), chunk(call(0, None, '{"city":'), "tool_calls"), chunk(call(0, None, '"Bern"}'))),
    ),
    Quirk(
        "a type of Kimi's own",
        CHAT,
        CALLED,
        stream=calling(begun(arguments=ARGS, call_id="get_weather:0")),
    ),
    # texts
    Quirk(
        "an empty role in every delta",
        CHAT,
        HI,
        source="https://github.com/MiniMax-AI/MiniMax-M2.5/issues/2",
        stream=sse(
            ROLE,
            chunk({"role": "", "content": "H", "reasoning_content": ""}),
            chunk({"role": "", "content": "i"}),
            END,
            COUNT,
        ),
    ),
    Quirk(
        "the whole message at the end",
        CHAT,
        HI,
        source="https://platform.minimax.io/docs/api-reference/text-chat",
        stream=sse(
            ROLE,
            chunk({"content": "H"}),
            chunk({"content": "i"}),
            chunk(
                object="chat.completion",
                usage=USED,
                choices=[{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi"}}],
            ),
        ),
    ),
    Quirk(
        "the whole call at the end",
        CHAT,
        CALLED,
        stream=sse(
            ROLE,
            chunk(BEGUN),
            chunk(call(0, None, ARGS)),
            chunk(
                object="chat.completion",
                choices=[
                    {
                        "index": 0,
                        "finish_reason": "tool_calls",
                        "message": {"role": "assistant", "content": "", "tool_calls": [made()]},
                    }
                ],
            ),
        ),
    ),
    Quirk(
        "messages in place of deltas",
        CHAT,
        HI,
        source="https://github.com/higress-group/higress/pull/1024",
        stream=sse(
            *[
                chunk(
                    object="chat.completion",
                    usage=USED,
                    choices=[{"index": 0, "message": {"role": "assistant", "content": text}}],
                )
                for text in "Hi"
            ],
            chunk(
                object="chat.completion",
                usage=USED,
                choices=[{"index": 0, "message": {"role": "assistant"}, "finish_reason": "stop"}],
            ),
        ),
    ),
    Quirk(
        "a code that says success",
        CHAT,
        HI,
        whole=whole({"content": "Hi"}, code=0, message="Success", sid="cha000@dx", id=...),
        stream=sse(
            chunk({"role": "assistant", "content": "Hi"}, code=0, message="Success", sid="cha0", id=...),
            chunk({"content": ""}, "stop", code=0, message="Success", sid="cha0", usage=USED, id=...),
        ),
    ),
    Quirk(
        "thought in two fields",
        CHAT,
        Heard("Hi", thought="Hm."),
        whole=whole({"content": "Hi", "reasoning": "Hm.", "reasoning_content": "Hm."}),
        stream=sse(
            ROLE,
            chunk({"reasoning": "Hm", "reasoning_content": "Hm"}),
            chunk({"reasoning": ".", "reasoning_content": "."}),
            chunk({"content": "Hi"}),
            END,
        ),
    ),
    Quirk(
        "thought and text in one delta",
        CHAT,
        Heard("Hi", thought="Hm."),
        stream=sse(
            chunk({"role": "assistant", "reasoning_content": "Hm.", "content": "H"}),
            chunk({"content": "i", "reasoning_content": None}),
            END,
        ),
    ),
    Quirk(
        "thought as an item of the content",
        CHAT,
        Heard("Hi", thought="Hm."),
        apart=True,
        source="https://docs.databricks.com/aws/en/machine-learning/model-serving/query-reason-models",
        whole=whole(
            {
                "content": [
                    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm.", "signature": "s"}]},
                    {"type": "text", "text": "Hi"},
                ]
            }
        ),
        stream=sse(
            ROLE,
            chunk({"content": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]}]}),
            chunk({"content": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "."}]}]}),
            chunk({"content": "Hi"}),
            END,
        ),
    ),
    Quirk(
        "half a character at a time",
        CHAT,
        Heard("\U0001f600"),
        apart=True,
        stream=sse(
            ROLE,
            b'data: {"id":"c1","choices":[{"index":0,"delta":{"content":"\\ud83d"}}]}\n\n',
            b'data: {"id":"c1","choices":[{"index":0,"delta":{"content":"\\ude00"}}]}\n\n',
            END,
        ),
    ),
    Quirk(
        "events without data",
        CHAT,
        HI,
        stream=sse(
            b"event: ping\ndata: {}\n\n",
            b": wait\n\n",
            b"data:\n\n",
            ROLE,
            b"data: {}\n\n",
            b"data: null\n\n",
            chunk({"content": "Hi"}),
            b"event: heartbeat\ndata: \n\n",
            END,
            COUNT,
        ),
    ),
    Quirk(
        "event names, ids and CRLF",
        CHAT,
        HI,
        stream=sse(ROLE, chunk({"content": "Hi"}), END, COUNT)
        .replace(b"data: ", b"id:1\nevent:message\nretry: 9\ndata:")
        .replace(b"\n", b"\r\n"),
    ),
    Quirk(
        "a byte order mark",
        CHAT,
        HI,
        apart=True,
        whole=b"\xef\xbb\xbf" + whole({"content": "Hi"}),
        stream=b"\xef\xbb\xbf" + sse(ROLE, chunk({"content": "Hi"}), END, COUNT),
    ),
    Quirk(
        "no [DONE], no last blank line",
        CHAT,
        HI,
        stream=sse(ROLE, chunk({"content": "Hi"}), END, COUNT, done=False)[:-2],
    ),
    Quirk("[DONE] twice", CHAT, HI, stream=sse(ROLE, chunk({"content": "Hi"}), END, COUNT) + sse()),
    Quirk(
        "[DONE] without a space",
        CHAT,
        HI,
        stream=sse(ROLE, chunk({"content": "Hi"}), END, COUNT, done=False) + b"data:[DONE]\n\n",
    ),
    Quirk(
        "no index, no object, no id, numbers as text",
        CHAT,
        HI,
        apart=True,
        stream=sse(
            *[{"created": "2026-01-01", "model": None, "choices": [{"delta": {"content": text}}]} for text in "Hi"],
            {"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": USED},
        ),
    ),
    Quirk(
        "a null delta at the end",
        CHAT,
        HI,
        stream=sse(
            ROLE,
            chunk({"content": "Hi"}),
            chunk(choices=[{"index": 0, "delta": None, "finish_reason": "stop"}], usage=USED),
        ),
    ),
    Quirk(
        "no delta at the end",
        CHAT,
        HI,
        source="https://github.com/osaurus-ai/osaurus/pull/2150",  # DeepSeek
        stream=sse(ROLE, chunk({"content": "Hi"}), chunk(choices=[{"index": 0, "finish_reason": "stop"}], usage=USED)),
    ),
    Quirk(
        "null choices in the usage chunk",
        CHAT,
        HI,
        stream=sse(ROLE, chunk({"content": "Hi"}), END, chunk(choices=None, usage=USED)),
    ),
    Quirk(
        "the end said twice, usage in the second",
        CHAT,
        HI,
        stream=sse(ROLE, chunk({"content": "Hi"}), END, chunk(finish="stop", usage=USED)),
    ),
    Quirk(
        "text after the end",
        CHAT,
        HI,
        stream=sse(ROLE, chunk({"content": "H"}, "stop"), chunk({"content": "i"}), COUNT),
    ),
    Quirk(
        "usage that grows",
        CHAT,
        HI,
        stream=sse(
            chunk({"role": "assistant", "content": "H"}, usage=USED | {"completion_tokens": 1}),
            chunk({"content": "i"}, usage=USED),
            chunk(finish="stop", usage=USED),
        ),
    ),
    Quirk(
        "usage of floats",
        CHAT,
        HI,
        apart=True,
        whole=whole({"content": "Hi"}, usage={"prompt_tokens": 3.0, "completion_tokens": 2.0, "total_tokens": 5.0}),
    ),
    Quirk(
        "words of Cohere",
        CHAT,
        HI._replace(stop="length"),
        apart=True,
        whole=whole({"content": "Hi"}, "MAX_TOKENS"),
        stream=sse(ROLE, chunk({"content": "Hi"}), chunk(finish="MAX_TOKENS", usage=USED)),
    ),
    Quirk(
        "an end that Baidu calls normal",
        CHAT,
        HI,
        apart=True,
        whole=whole({"content": "Hi"}, "normal"),
        stream=sse(ROLE, chunk({"content": "Hi"}, "normal", usage=USED)),
    ),
    Quirk(
        "a whole answer of no message but a delta",
        CHAT,
        HI,
        apart=True,
        whole=json.dumps({"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}], "usage": USED}).encode(),
    ),
    Quirk("spaces before a whole answer", CHAT, HI, whole=b"\n\n  \n" + whole({"content": "Hi"})),
    Quirk(
        "a content of parts",
        CHAT,
        HI,
        apart=True,
        whole=whole({"content": [{"type": "text", "text": "H"}, {"type": "text", "text": "i"}]}),
        stream=sse(ROLE, chunk({"content": [{"type": "text", "text": "H"}]}), chunk({"content": ["i"]}), END, COUNT),
    ),
    Quirk(
        "a call under a null text, its list empty at the end",
        CHAT,
        CALLED,
        stream=sse(
            chunk({"role": "assistant", "content": None, "tool_calls": []}),
            chunk({"content": None, **BEGUN}),
            chunk({"content": None, **call(0, None, ARGS)}),
            chunk({"content": None, "tool_calls": []}, "tool_calls"),
        ),
    ),
    # failures
    Quirk(
        "an error in the middle",
        CHAT,
        Heard(stop="", error="boom"),
        stream=sse(ROLE, chunk({"content": "Hi"}), {"error": {"message": "boom", "code": 500}}, done=False),
    ),
    Quirk(
        "an error in the middle, and [DONE]",
        CHAT,
        Heard(stop="", error="boom"),
        stream=sse(ROLE, chunk({"content": "Hi"}), {"error": {"message": "boom", "type": "server_error"}}),
    ),
    Quirk(
        "an error whose code is all",
        CHAT,
        Heard(stop="", error="quota is used up"),
        stream=sse(ROLE, chunk({"content": "Hi"}), {"code": 10163, "message": "quota is used up", "sid": "x"}),
    ),
    Quirk(
        "an error of Ollama's",
        CHAT,
        Heard(stop="", error="model runner has unexpectedly stopped"),
        stream=sse(ROLE, chunk({"content": "Hi"}), {"error": "model runner has unexpectedly stopped"}, done=False),
    ),
    Quirk(
        "a stream that only ends",
        CHAT,
        Heard(stop="", error="ended before"),
        stream=sse(ROLE, chunk({"content": "Hi"}), done=False),
    ),
    Quirk(
        "a call that only ends",
        CHAT,
        Heard(stop="", error="ended before"),
        stream=sse(ROLE, chunk(BEGUN), chunk(call(0, None, '{"ci')), done=False),
    ),
]
