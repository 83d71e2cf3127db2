"""Which lane a request takes to an endpoint: a pure, cheap decision, so that routing can ask it for every candidate.

Same protocol means Verbatim, or Patch when the endpoint has top-level quirks.  Some facts about a target concern the
inside of the conversation (no developer role, no developer tools, another way to ask for reasoning); they send a
request through the Hub only when the request has anything to do with them, which one substring search tells.

Rules of this file: no parsing; in doubt the Hub, which costs time, where a wrong Verbatim would cost the answer.
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from typing import Literal

from hexapla.catalog.schema import Quirks
from hexapla.ir.envelope import MARK
from hexapla.ir.target import Target
from hexapla.translate.peek import Peek
from hexapla.translate.prefill import begun_in

LaneName = Literal["verbatim", "patch", "hub"]

CONCERNS: tuple[tuple[str, object, tuple[bytes, ...]], ...] = (
    # Target field, its harmless value, bytes without which the field does not concern a request
    ("developer_role", True, (b'"developer"',)),
    ("system_role", True, (b'"system"',)),
    ("single_system", False, (b'"system"', b'"developer"')),
    ("mid_system", True, (b'"role":"system"', b'"role": "system"')),
    ("alternation", False, (b'"role"',)),
    ("content_strings", False, (b'"type":"text"', b'"type": "text"')),
    ("prefill", True, (b'"assistant"',)),
    ("media_urls", True, (b'"image_url"', b'"url"', b'"file_url"')),
    ("tool_result_media", True, (b'"tool_result"', b'"tool"', b'"function_call_output"')),
    ("custom_tools", None, (b'"custom"',)),
    ("namespaces", None, (b'"namespace"',)),
    ("strict_tools", True, (b'"strict"',)),
    ("tool_choice_required", True, (b'"tool_choice"',)),
    ("tool_id_pattern", None, (b'"tool_call_id"', b'"tool_use_id"', b'"call_id"')),
    ("reasoning_style", "", (b'"reasoning_effort"', b'"reasoning":', b'"thinking":')),
    ("reasoning_field", "", (b'"reasoning_details"',)),
    ("effort_levels", (), (b'"reasoning_effort"', b'"effort"')),
    ("adaptive_only", False, (b'"budget_tokens"',)),
    ("json_schema", "native", (b'"json_schema"',)),
    ("json_object", True, (b'"json_object"',)),
    ("sampling", True, (b'"temperature"', b'"top_p"', b'"top_k"')),
)

_OTHERS = {"reasoning": (b'"reasoning_content"',)}
"""By a target's `reasoning_field`: thought in a field that it refuses, by which programs bring it back all the same."""

# a regular expression, because bytes.find slows down tenfold where a text repeats the pattern's letters;
# Chat carries no envelopes
_envelope = re.compile(re.escape(f'"{MARK}').encode()).search
_wrapped = re.compile(b'"' + base64.b64encode(MARK.encode())[:6]).search  # Gemini's signatures are base64
_ENVELOPES = {
    "anthropic_messages": _envelope,
    "openai_responses": _envelope,
    "gemini_generate": _wrapped,
}


def choose_lane(peeked: Peek, protocol: str, quirks: Quirks, target: Target) -> LaneName:
    """The first lane that fits."""
    if peeked.protocol != protocol or quirks.think_tags or quirks.reencode:
        return "hub"
    if concerned(peeked, protocol, quirks, marks_of(target)):
        return "hub"
    return "patch" if edits(quirks) else "verbatim"


def concerned(peeked: Peek, protocol: str, quirks: Quirks, marks: tuple[bytes, ...]) -> bool:
    """Whether the inside of a request in the target's own dialect is the target's concern.

    marks  the target's own
    """
    find = _ENVELOPES.get(protocol)
    if find is not None and find(peeked.body):
        return True  # foreign thought comes back to a vendor that would refuse our envelope
    for mark in marks:
        if mark in peeked.body:
            return True
    return quirks.continuation is not None and begun_in(peeked, quirks.continuation)


def unconcerned(protocol: str, quirks: Quirks, marks: tuple[bytes, ...]) -> bool:
    """Whether no request at all can be `concerned`."""
    return not marks and protocol not in _ENVELOPES and quirks.continuation is None


def edits(quirks: Quirks) -> bool:
    """Whether top-level fields are changed on the way."""
    return bool(quirks.rename or quirks.strip or quirks.set or quirks.default or quirks.clamp)


@lru_cache(maxsize=4096)
def marks_of(target: Target) -> tuple[bytes, ...]:
    """The bytes in a request that make its inside this target's concern; usually none."""
    marks = tuple(mark for field, harmless, marks in CONCERNS if getattr(target, field) != harmless for mark in marks)
    return (*marks, *_OTHERS.get(target.reasoning_field, ()))
