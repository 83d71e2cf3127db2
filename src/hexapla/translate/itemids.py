"""The calls of Responses answers that pass by: one without a `call_id` gets its item's id as one.

A program sends `call_id` back with what its tool said; servers that followed OpenAI leave it out or null, and know the call
by its item (https://github.com/openai/openai-agents-python/pull/1959, 2025-10).  The Hub lane takes the item's id as well.

Rules of this file: only what is missing is added; what has all its ids leaves here byte for byte.
"""

from __future__ import annotations

import hashlib
import re

from msgspec import Raw

from hexapla.protocols.typed import NULL
from hexapla.wire.rawjson import dump, join, load

Json = dict[str, Raw]

_CALL = re.compile(rb'"type":\s*"(?:function_call|custom_tool_call)"')
_CALL_ID = re.compile(rb'"call_id":\s*"[^"]')
_KINDS = (b'"function_call"', b'"custom_tool_call"')


def lack(data: bytes) -> bool:
    """Whether calls in `data` may be without a call_id."""
    return b'_call"' in data and len(_CALL.findall(data)) > len(_CALL_ID.findall(data))


def with_call_id(item: Raw, seed: str, place: int) -> Raw:
    """An item that says its call_id, if it is a call.

    seed   the answer's id;  place  of the item in it: what a call is known by that has no id at all
    """
    fields = load(item, Json) or {}
    known = load(fields.get("call_id", NULL), str)
    if known or bytes(fields.get("type", NULL)) not in _KINDS:
        return item
    made = hashlib.sha256(f"{seed}:{place}".encode("utf-8", "surrogatepass")).hexdigest()[:24]
    return Raw(join({**fields, "call_id": dump(load(fields.get("id", NULL), str) or f"call_{made}")}))


def with_items(answer: Json) -> Json:
    """A Response object whose calls all say their call_id."""
    output = load(answer.get("output", NULL), list[Raw])
    if output is None:
        return answer
    seed = load(answer.get("id", NULL), str) or ""
    return {**answer, "output": dump([with_call_id(item, seed, place) for place, item in enumerate(output)])}


def with_call_ids(body: bytes, asked: bytes) -> bytes:
    """A whole answer whose calls all say their call_id."""
    return join(with_items(load(body, Json) or {})) if lack(body) else body
