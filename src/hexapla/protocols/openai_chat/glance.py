"""What a whole answer that is only forwarded says of itself: id, model, tier, stop and usage.

Most answers are well, and their content is nobody's business here: types that leave it out read them in a third of the
time.  Whatever is unusual in an answer is read as for a client of another dialect (response.py).
"""

from __future__ import annotations

from typing import Any

import msgspec

from hexapla.ir.response import GenerateResponse
from hexapla.protocols.openai_chat.response import calls_of, checked
from hexapla.protocols.openai_chat.schema import Delta
from hexapla.protocols.openai_chat.usage import usage_of
from hexapla.protocols.openai_chat.words import FINISH, stop_of


class _Message(msgspec.Struct, gc=False):
    tool_calls: Any = None
    function_call: Any = None


class _Choice(msgspec.Struct, gc=False):
    finish_reason: str
    message: _Message
    native_finish_reason: str | None = None
    stop_reason: str | int | None = None
    usage: dict[str, Any] | None = None
    error: None = None


class _Answer(msgspec.Struct, gc=False):
    """An answer in which nothing is unusual."""

    choices: list[_Choice]
    id: str | int | None = None
    model: str | None = None
    usage: dict[str, Any] | None = None
    service_tier: str | None = None
    error: None = None
    x_groq: None = None
    output: None = None


_decode = msgspec.json.Decoder(_Answer).decode
_EMPTY = Delta()


def glance(body: bytes) -> GenerateResponse:
    """See protocols/base.py."""
    try:
        if not body.isascii():
            body.decode()  # what is left out is not looked at
        answer = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _looked(body)
    if len(answer.choices) != 1:
        return _looked(body)
    choice = answer.choices[0]
    message = choice.message
    if message.function_call is not None or choice.finish_reason not in FINISH:
        return _looked(body)
    return GenerateResponse(
        id=str(answer.id) if answer.id else None,
        model=answer.model or None,
        service_tier=answer.service_tier,
        stop=stop_of(choice, calls=bool(message.tool_calls)),
        usage=usage_of(answer.usage) or usage_of(choice.usage),
    )


def _looked(body: bytes) -> GenerateResponse:
    answer, choice = checked(body)
    return GenerateResponse(
        id=str(answer.id) if answer.id else None,
        model=answer.model or None,
        service_tier=answer.service_tier,
        stop=stop_of(choice, calls=bool(calls_of(choice.message or choice.delta or _EMPTY))),
        usage=usage_of(answer.usage) or usage_of(choice.usage),
    )
