"""A whole answer that is a text, or calls, or both, and nothing else, read at once.

Nearly every answer of a model that does not think aloud is one: types in which whatever would need a closer look must be
absent read it in two thirds of the time.  `response.py` reads all others, and reads these the same
(tests/protocols/openai_chat/test_plain.py).

Rules of this file: what does not stand here is unusual, be it known to `schema.py` or to nobody.
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec

from hexapla.protocols.openai_chat.usage import Counts
from hexapla.protocols.openai_chat.words import FINISH
from hexapla.wire.rawjson import UNDECODABLE


class _Function(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    name: Annotated[str, msgspec.Meta(min_length=1)]
    arguments: Annotated[str, msgspec.Meta(pattern=r"^(?!\{\}\{)")]  # see `filled` (calls.py)
    thought_signature: None = None


class Call(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    id: Annotated[str, msgspec.Meta(min_length=1)]
    function: _Function
    type: Literal["function"] = "function"
    index: Any = None
    custom: None = None
    extra_content: None = None


class _Message(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    content: str | None = None
    tool_calls: list[Call] | None = None
    role: Any = None
    refusal: None = None
    function_call: None = None
    reasoning_content: None = None
    reasoning: None = None
    thinking: None = None
    reasoning_text: None = None
    thought: None = None
    reasoning_details: None = None
    reasoning_opaque: None = None
    annotations: Annotated[list[Any], msgspec.Meta(max_length=0)] | None = None  # OpenAI's are empty
    images: None = None
    audio: None = None
    extra_content: None = None


class _Choice(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    message: _Message
    finish_reason: str
    index: Any = None
    native_finish_reason: str | None = None
    stop_reason: str | int | None = None
    delta: None = None
    text: None = None
    logprobs: None = None
    usage: None = None
    error: None = None
    token_ids: None = None  # vLLM


_U = TypeVar("_U")


class Answer(msgspec.Struct, Generic[_U], forbid_unknown_fields=True, gc=False):
    """An answer in which nothing is unusual."""

    choices: Annotated[list[_Choice], msgspec.Meta(min_length=1, max_length=1)]
    id: str | None = None
    object: Any = None
    model: str | None = None
    created: int | None = None
    usage: _U | None = None
    service_tier: str | None = None
    system_fingerprint: str | None = None
    provider: str | None = None
    error: None = None
    x_groq: None = None
    citations: None = None
    web_search: None = None
    output: None = None
    prompt_logprobs: None = None  # vLLM
    prompt_token_ids: None = None
    kv_transfer_params: None = None


_usual = msgspec.json.Decoder(Answer[Counts]).decode
_other = msgspec.json.Decoder(Answer[dict[str, Any]]).decode
"""With usage in OpenAI's form, which is counted in an eighth of the time, and with any."""


def plain(body: bytes) -> Answer[Counts] | Answer[dict[str, Any]] | None:
    """The answer, if it is one of these."""
    answer: Answer[Counts] | Answer[dict[str, Any]]
    try:
        answer = _usual(body)
    except UNDECODABLE:
        try:
            answer = _other(body)
        except UNDECODABLE:
            return None
    choice = answer.choices[0]
    calls = choice.message.tool_calls
    if choice.finish_reason not in FINISH or (calls and len({call.id for call in calls}) < len(calls)):
        return None
    return answer
