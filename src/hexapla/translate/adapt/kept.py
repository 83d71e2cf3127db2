"""Conversations that a vendor keeps.

A Responses client may send its next turn alone and name what was said before.  Another dialect's server has never heard of
that; it would answer the turn as if it were the first, which looks like an answer and is none.  So it is refused.
"""

from __future__ import annotations

from hexapla.errors import ClientError, Kind
from hexapla.ir.request import GenerateRequest

_RESPONSES = "openai_responses"
_KEPT = ("conversation", "prompt")


def refuse_kept(request: GenerateRequest) -> None:
    """Raise ClientError for a Responses request whose beginning stands at its vendor; another dialect is to answer it."""
    own = request.extras.get(_RESPONSES, {})
    name = "previous_response_id" if request.continues is not None else next((n for n in _KEPT if n in own), None)
    if name is None:
        return
    message = (
        f"{name} names what its own vendor keeps, which this target cannot read. Send the whole conversation in input."
    )
    code = "previous_response_not_found" if request.continues is not None else None
    raise ClientError(Kind.UNSUPPORTED, message, param=name, code=code)
