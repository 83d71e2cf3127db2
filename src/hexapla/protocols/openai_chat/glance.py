"""What a whole answer that is only forwarded says of itself: id, model, tier, stop and usage.

Most answers are well, and their content is nobody's business here: types that leave it out read them in a third of the
time.  Whatever is unusual in an answer is read as for a client of another dialect (response.py).

Rules of this file: in doubt `_looked`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar

import msgspec

from hexapla.ir.response import Usage
from hexapla.protocols.base import Glance
from hexapla.protocols.openai_chat.response import calls_of, checked
from hexapla.protocols.openai_chat.schema import Delta
from hexapla.protocols.openai_chat.usage import Counts, counted, usage_of
from hexapla.protocols.openai_chat.words import FINISH, stop_of
from hexapla.wire.rawjson import UNDECODABLE


class _Message(msgspec.Struct, gc=False):
    tool_calls: Any = None
    function_call: None = None


class _Choice(msgspec.Struct, gc=False):
    finish_reason: str
    message: _Message
    native_finish_reason: str | None = None
    stop_reason: str | int | None = None
    usage: dict[str, Any] | None = None
    error: None = None


_U = TypeVar("_U")


class _Answer(msgspec.Struct, Generic[_U], gc=False):
    """An answer in which nothing is unusual."""

    choices: Annotated[list[_Choice], msgspec.Meta(min_length=1, max_length=1)]
    id: str | int | None = None
    model: str | None = None
    usage: _U | None = None
    service_tier: str | None = None
    error: None = None
    x_groq: None = None
    output: None = None


_WAYS: tuple[tuple[Callable[[bytes], _Answer[Any]], Callable[[Any], Usage | None]], ...] = (
    (msgspec.json.Decoder(_Answer[Counts]).decode, counted),
    (msgspec.json.Decoder(_Answer[dict[str, Any]]).decode, usage_of),
)
"""How a usual answer is read, and its usage: OpenAI's form first, then any."""

_EMPTY = Delta()


def glance(body: bytes) -> Glance:
    """See protocols/base.py."""
    try:
        if not body.isascii():
            body.decode()  # what is left out is not looked at
    except UnicodeDecodeError:
        return _looked(body)
    for decode, count in _WAYS:
        try:
            answer = decode(body)
        except UNDECODABLE:
            continue
        choice, name = answer.choices[0], answer.id
        if choice.finish_reason not in FINISH:
            break
        calls = bool(choice.message.tool_calls)
        return Glance(
            str(name) if name else None,
            answer.model or None,
            answer.service_tier,
            stop_of(choice, calls=calls),
            count(answer.usage) or usage_of(choice.usage),
            not calls,
        )
    return _looked(body)


def _looked(body: bytes) -> Glance:
    answer, choice = checked(body)
    return Glance(
        str(answer.id) if answer.id else None,
        answer.model or None,
        answer.service_tier,
        stop_of(choice, calls=bool(calls_of(choice.message or choice.delta or _EMPTY))),
        usage_of(answer.usage) or usage_of(choice.usage),
    )
