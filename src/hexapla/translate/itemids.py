"""The calls of Responses answers that pass by, each under a `call_id` that no earlier call has.

A program sends `call_id` back with what its tool said; servers that followed OpenAI leave it out or null, and know the call
by its item (https://github.com/openai/openai-agents-python/pull/1959, 2025-10).  The Hub lane takes the item's id as well.
Where a model counts its calls anew in every turn, the same id comes again (distinct.py).

Rules of this file: what has ids of its own leaves here byte for byte; a call is said several times, under the same id.
"""

from __future__ import annotations

import re

from msgspec import Raw

from hexapla.translate.distinct import Called, Distinct, stand_in
from hexapla.translate.peek import Peek
from hexapla.wire.rawjson import NULL, dump, join, load

Json = dict[str, Raw]

_CALL = re.compile(rb'"type":\s*"(?:function_call|custom_tool_call)"')
_CALL_ID = re.compile(rb'"call_id":\s*"([^"]+)"')
_KINDS = (b'"function_call"', b'"custom_tool_call"')


class ItemIds:
    """The call_ids of one answer.

    seed  the answer's id
    """

    __slots__ = ("_called", "_ids", "_made", "seed")

    def __init__(self, asked: Peek | None = None) -> None:
        self._called = Called(asked)
        self._ids = Distinct(self._called)
        self._made: dict[str, str] = {}  # by what the vendor calls it
        self.seed = ""

    def lack(self, data: bytes) -> bool:
        """Whether calls in `data` may be without a call_id of their own."""
        if b'_call"' not in data:
            return False
        given = _CALL_ID.findall(data)
        return len(_CALL.findall(data)) > len(given) or any(
            each.decode("utf-8", "replace") in self._called for each in given
        )

    def item(self, item: Raw, place: int) -> Raw:
        """An item that says its call_id, if it is a call.  `place`: in the answer, by which one without any id is known."""
        fields = load(item, Json) or {}
        if bytes(fields.get("type", NULL)) not in _KINDS:
            return item
        given = load(fields.get("call_id", NULL), str)
        known = given or load(fields.get("id", NULL), str) or stand_in(self.seed, place)
        if known not in self._made:
            self._made[known] = self._ids.take(known)
        made = self._made[known]
        return item if made == given else Raw(join({**fields, "call_id": dump(made)}))

    def items(self, answer: Json) -> Json:
        """A Response object whose calls all say their call_id."""
        output = load(answer.get("output", NULL), list[Raw])
        if output is None:
            return answer
        self.seed = load(answer.get("id", NULL), str) or self.seed
        return {**answer, "output": dump([self.item(item, place) for place, item in enumerate(output)])}


def with_call_ids(body: bytes, asked: Peek | None) -> bytes:
    """A whole answer whose calls all say their call_id."""
    ids = ItemIds(asked)
    return join(ids.items(load(body, Json) or {})) if ids.lack(body) else body
