"""Ids that a target accepts: those of tool calls, and the user's.

An id that fits is kept.  Any other is carried inside of one that fits, and unpacked when it comes back: Kimi writes
`functions.name:0`, and breaks off or writes its calls into the text where its own ids come back as others
(https://github.com/getkimchi/kimchi/pull/1066, https://github.com/vybestack/llxprt-code/issues/713; 2026-08).  What is too
long for that becomes a hash of itself.  Either way the same id gives the same form in the call, in its result and in every
later turn, and nothing has to be remembered.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from functools import partial

from msgspec.structs import replace

from hexapla.errors import ClientError, Kind
from hexapla.ir.content import AnyPart, ToolCall, ToolResult
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest, Message
from hexapla.translate.adapt.parts import TOOLED, bend_parts
from hexapla.translate.cached import cached
from hexapla.translate.distinct import Distinct

_SIGN = "hxi_"


@cached(8192)
def fit_id(call_id: str, pattern: str) -> str:
    """`call_id` if it matches `pattern`, else a stable stand-in that does."""
    if re.match(pattern, call_id):
        return call_id
    digest = hashlib.sha256(call_id.encode("utf-8", "surrogatepass")).hexdigest()
    # Mistral takes nine alphanumerics
    for stand_in in (_carried(call_id), f"call_{digest[:24]}", digest[:24], digest[:9]):
        if re.match(pattern, stand_in):
            return stand_in
    raise ClientError(
        Kind.INVALID_REQUEST, f"No tool call id fits the pattern {pattern}; correct the provider's quirk."
    )


def _carried(call_id: str) -> str:
    """`call_id` inside of an id of letters, digits, - and _; "" for none."""
    if not call_id:
        return ""
    return _SIGN + base64.urlsafe_b64encode(call_id.encode("utf-8", "surrogatepass")).decode().rstrip("=")


def given_id(call_id: str) -> str:
    """The id that `call_id` carries; itself where it carries none."""
    if not call_id.startswith(_SIGN):
        return call_id
    packed = call_id.removeprefix(_SIGN)
    try:
        given = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode("utf-8", "surrogatepass")
    except ValueError:
        return call_id
    return given if _carried(given) == call_id else call_id


def fit_user(request: GenerateRequest, most: int, losses: LossLog) -> GenerateRequest:
    """`request` with the user named in at most `most` characters.  Claude Code's name is a JSON object of 150."""
    user = request.user
    if user is None or len(user) <= most:
        return request
    losses.add("user", f"the target takes user names of {most} characters; a hash replaces this one", "cosmetic")
    return replace(request, user=hashlib.sha256(user.encode("utf-8", "surrogatepass")).hexdigest()[:most])


def unpack_ids(request: GenerateRequest) -> GenerateRequest:
    """`request` with every call id as its vendor gave it."""
    ids = [part.id for message in request.messages for part in message.content if type(part) is ToolCall]
    if not any(call_id.startswith(_SIGN) for call_id in ids):
        return request
    return bend_parts(request, TOOLED, partial(_part, given_id))


def fit_ids(request: GenerateRequest, pattern: str) -> GenerateRequest:
    """`request` with every call id in the target's alphabet."""
    parts = [part for message in request.messages for part in message.content]
    called = [part.id for part in parts if type(part) is ToolCall]
    answered = [part.call_id for part in parts if type(part) is ToolResult]
    if all(map(re.compile(pattern).match, [*called, *answered])):
        return request
    return bend_parts(request, TOOLED, partial(_part, lambda call_id: fit_id(call_id, pattern)))


def distinct_ids(request: GenerateRequest) -> GenerateRequest:
    """`request` in which no two turns have calls of one id; a result belongs to the last call of its id."""
    called = [part.id for message in request.messages for part in message.content if type(part) is ToolCall]
    if len({*called}) == len(called):
        return request
    ids, known = Distinct(), dict[str, str]()
    messages = [replace(message, content=_own(message, ids, known)) for message in request.messages]
    return replace(request, messages=tuple(messages))


def _own(message: Message, ids: Distinct, known: dict[str, str]) -> tuple[AnyPart, ...]:
    """A turn's parts under their own ids.  `known`: id -> that of the last call with it, which grows."""
    called = dict.fromkeys(part.id for part in message.content if type(part) is ToolCall)
    known |= {call_id: ids.take(call_id) for call_id in called}
    return tuple([_renamed(part, known) for part in message.content])


def _renamed(part: AnyPart, known: Mapping[str, str]) -> AnyPart:
    if type(part) is ToolCall:
        return replace(part, id=known[part.id])
    return replace(part, call_id=known.get(part.call_id, part.call_id)) if type(part) is ToolResult else part


def _part(form: Callable[[str], str], part: AnyPart) -> AnyPart:
    if isinstance(part, ToolCall) and (fitted := form(part.id)) != part.id:
        return replace(part, id=fitted)
    if isinstance(part, ToolResult) and (fitted := form(part.call_id)) != part.call_id:
        return replace(part, call_id=fitted)
    return part
