"""What a Response object repeats of its request.

The SDK's types demand tools, tool_choice and parallel_tool_calls in every answer, and clients read instructions, text and
reasoning there.  The request is rendered once more, for ourselves: as we understood it, not as the upstream was told.

Rules of this file: a field that the client did not send has OpenAI's own default (`_DEFAULTS`).
"""

from __future__ import annotations

from typing import Any

from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest
from hexapla.ir.target import Target
from hexapla.protocols.openai_responses.render import Body
from hexapla.protocols.openai_responses.words import NAME, ORIGIN

Json = dict[str, Any]

_DEFAULTS: Json = {
    # https://platform.openai.com/docs/api-reference/responses/object, 2026-08
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "store": False,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": None,
    "truncation": "disabled",
    "user": None,
    "metadata": {},
}
_EXTRAS = ("background", "max_tool_calls", "truncation", "prompt_cache_retention")
"""Fields of a request that the answer repeats and that nobody else knows."""


def echo(request: GenerateRequest | None) -> Json:
    """The fields, in the order in which OpenAI sends them."""
    if request is None:
        return dict(_DEFAULTS)
    target = Target(origin=ORIGIN, model=request.model, tool_name_pattern="")
    body = Body(request, target, LossLog()).parameters()
    said = {name: value for name in _DEFAULTS if (value := body.get(name)) is not None}
    if "tools" in said:
        said["tools"] = [_complete(tool) for tool in said["tools"]]
    for name in ("text", "reasoning"):
        if name in said:
            said[name] = _DEFAULTS[name] | said[name]
    own = request.extras.get(NAME, {})
    return {**_DEFAULTS, **said, **{name: own[name] for name in _EXTRAS if name in own}}


def _complete(tool: Any) -> Any:
    """A tool with the fields that the SDK's strict types demand of an echoed one."""
    kind = tool.get("type") if isinstance(tool, dict) else None
    if kind == "function":
        return {"parameters": None, "strict": None} | tool
    if kind == "namespace":
        return {"description": ""} | tool | {"tools": [_complete(inner) for inner in tool["tools"]]}
    return tool
