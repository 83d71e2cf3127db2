"""LiteLLM as a library at a gateway: `python litellm_sdk.py URL DOOR…`, by the Python of `tools/aside.py litellm`.

Aider and many more speak through it.  Prints one JSON object: what was asked for, in which way, through which door, in one
piece or as a stream -> "ok", or the complaint.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # it fetches a price list otherwise, when it is imported

import litellm
from pydantic import BaseModel

URL, *DOORS = sys.argv[1:]
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
}
TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": PARAMETERS}}]


class Place(BaseModel):
    """Where."""

    name: str
    people: int


class Way(NamedTuple):
    """How it is pointed at the gateway, and asks for thought; what it has not heard of it has to be told to send."""

    prefix: str
    base: str
    thinking: dict[str, Any]


BUDGET = {"type": "enabled", "budget_tokens": 2048}
WAYS = (
    Way("openai", f"{URL}/v1", {"reasoning_effort": "high", "allowed_openai_params": ["reasoning_effort"]}),
    Way("anthropic", URL, {"thinking": BUDGET, "max_tokens": 4096, "allowed_openai_params": ["thinking"]}),
)


def ask(way: Way, model: str, history: list[Any], *, stream: bool, **more: Any) -> Any:
    """The answer, put together of its chunks where it came as a stream."""
    answer = litellm.completion(
        f"{way.prefix}/{model}", history, api_base=way.base, api_key="any", max_retries=0, stream=stream, **more
    )
    return litellm.stream_chunk_builder(list(answer), messages=history) if stream else answer


def loop(way: Way, model: str, calls: int, *, stream: bool, **more: Any) -> None:
    """Calls, their results, and the words; LiteLLM's own message goes back, but for what strict servers refuse of it."""
    history: list[Any] = [{"role": "user", "content": "Weather?"}]
    said = ask(way, model, history, stream=stream, tools=TOOLS, **more).choices[0].message
    assert len(said.tool_calls) == calls, said
    history.append(said.model_dump(exclude_none=True, exclude={"provider_specific_fields"}))
    for call in said.tool_calls:
        city = json.loads(call.function.arguments)["city"]
        history.append({"role": "tool", "tool_call_id": call.id, "content": f"{city}: 21 °C"})
    text = ask(way, model, history, stream=stream, tools=TOOLS, **more).choices[0].message.content
    assert text.count(": 21 °C") == calls, text


def structured(way: Way, model: str, *, stream: bool) -> None:
    asked = [{"role": "user", "content": "Where?"}]
    text = ask(way, model, asked, stream=stream, response_format=Place).choices[0].message.content
    assert Place.model_validate_json(text) == Place(name="Zürich", people=7), text


CASES: dict[str, Callable[[Way, str, bool], None]] = {
    "two calls": lambda way, door, stream: loop(way, f"{door}/parallel", 2, stream=stream),
    "thought": lambda way, door, stream: loop(way, f"{door}/think-tool", 1, stream=stream, **way.thinking),
    "hidden thought": lambda way, door, stream: loop(
        way, f"{door}/think-hidden-tool", 1, stream=stream, **way.thinking
    ),
    "structured": lambda way, door, stream: structured(way, f"{door}/structured", stream=stream),
}


def verdict(case: Callable[[Way, str, bool], None], way: Way, door: str, stream: bool) -> str:
    """What becomes of one case."""
    try:
        case(way, door, stream)
    except Exception as error:  # whatever it is, it is a complaint
        return f"{type(error).__name__}: {error}"[:1000]
    return "ok"


if __name__ == "__main__":
    # it leaves a stream to the collector after [DONE], and httpcore 1.0 waits for itself when that comes while it holds its
    # pool's lock (_sync/connection_pool.py, PoolByteStream.close): on a busy machine one run in three stood still
    gc.disable()
    litellm.suppress_debug_info = True
    told = {
        f"{name}, {way.prefix}, {door}, {'stream' if stream else 'whole'}": verdict(case, way, door, stream)
        for name, case in CASES.items()
        for way in WAYS
        for door in DOORS
        for stream in (False, True)
    }
    print(json.dumps(told))
