"""All bends in order: a request in, the request that the target takes and the way back out.

Rules of this file: the order of the bends, and which protocol needs which; each bend stands in a file of its own.
"""

from __future__ import annotations

from functools import partial

from hexapla.ir.content import Opaque, ToolCall
from hexapla.ir.loss import LossLog
from hexapla.ir.request import SYSTEM, GenerateRequest, Tool
from hexapla.ir.target import Target
from hexapla.ir.texts import Texts
from hexapla.protocols.anthropic_messages.settle import settle
from hexapla.protocols.openai_responses.search import bridge_search, searches
from hexapla.translate.adapt.custom import bridge_custom, custom_names
from hexapla.translate.adapt.foreign import BILLING, leave_billing, say_foreign
from hexapla.translate.adapt.ids import distinct_ids, fit_ids, fit_user, unpack_ids
from hexapla.translate.adapt.kept import refuse_kept
from hexapla.translate.adapt.names import Name, fit_name, fit_names
from hexapla.translate.adapt.output import emulate_output
from hexapla.translate.adapt.pairs import pair_calls
from hexapla.translate.adapt.parts import TOOLED, Kinds, kinds_of, parts_of
from hexapla.translate.adapt.restore import Restore, Tagged
from hexapla.translate.adapt.shape import (
    alternate,
    join_system,
    limit_marks,
    limit_output,
    marks_of,
    offer_all,
    speak_up,
)
from hexapla.translate.adapt.tags import Tags

CLIENT_IDS: dict[str, str] = {"anthropic_messages": r"^[a-zA-Z0-9_-]{1,64}$"}
"""Alphabets that a dialect demands of tool ids."""

RESPONSES = "openai_responses"

TARGET_IDS: dict[str, str] = {
    "anthropic_messages": r"^[a-zA-Z0-9_-]{1,64}$",
    # OpenAI: "string too long, expected at most 64" (pi-mono normalizeToolCallId; platform.openai.com, 2026-08)
    "openai_responses": r"^[^\s]{1,64}$",
}

DISTINCT = frozenset({"anthropic_messages", "openai_responses"})
"""Protocols whose vendors refuse a conversation in which two calls have one id, even in different turns
(https://github.com/BerriAI/litellm/issues/23510, 2026-03)."""

USERS: dict[str, int] = {
    # longest names of users; OpenAI's limit is published nowhere, but enforced
    # (https://github.com/maximhq/bifrost/pull/1000, 2025-12); Anthropic's stands in its spec
    "openai_chat": 64,
    "openai_responses": 64,
    "anthropic_messages": 512,
}

SPOKEN = frozenset({"anthropic_messages", "gemini_generate"})
"""Protocols in which system text stands beside the conversation, which must not be empty."""

PAIRING = frozenset({"openai_chat", "anthropic_messages", "gemini_generate"})
"""Protocols in which every conversation is whole, so that vendors refuse calls and results that do not match; only
Responses to Responses may continue a stored one."""


def adapt(
    request: GenerateRequest, target: Target, losses: LossLog, *, think_tags: bool = False
) -> tuple[GenerateRequest, Restore]:
    """Bend `request` to `target`.  Raises ClientError for what no bending can mend.

    think_tags  the answer's text may begin with its thought
    """
    searching = target.origin.protocol != RESPONSES == request.protocol and searches(request)
    if searching:
        request = bridge_search(request, losses)
    parts = parts_of(request)
    kinds, marks = kinds_of(parts), marks_of(parts, request)
    called = [part.id for part in parts if type(part) is ToolCall] if ToolCall in kinds else []
    if request.protocol != target.origin.protocol:
        request = _for_another(request, kinds, target, losses)
    output_tool: str | None = None
    if request.output is not None:
        request, output_tool = emulate_output(request, target, losses)
    names: dict[str, Name] = {}
    custom: frozenset[str] = frozenset()
    if request.tools or not kinds.isdisjoint(TOOLED):
        request, names, custom = _tools(request, target, losses)
    if target.single_system:
        request = join_system(request, losses)
    if target.alternation:
        request = alternate(request, losses)
    if marks > target.cache_marks:
        request = limit_marks(request, target.cache_marks, losses)
    back = partial(Tagged, tags=Tags(target.origin)) if think_tags else Restore
    return request, back(
        target.origin.provider,
        names=names,
        custom=custom,
        searches=searching,
        output_tool=fit_name(output_tool, target.tool_name_pattern) if output_tool else None,
        id_pattern=CLIENT_IDS.get(request.protocol),
        called=called,
        tools=[tool.name for tool in request.tools if isinstance(tool, Tool)] if request.tools else (),
    )


def leaves(said: Texts, target: Target) -> bool:
    """Whether `adapt` leaves a request of texts as it is: one in which the user speaks last, which is not looked into."""
    first, last, most = said.messages[0], said.messages[-1], target.max_output
    if last.role != "user" or target.alternation:
        return False
    if first.role == "system" and first.content.startswith(BILLING):
        return False
    return most is None or said.max_tokens is None or said.max_tokens <= most


def _for_another(request: GenerateRequest, kinds: Kinds, target: Target, losses: LossLog) -> GenerateRequest:
    """Bends between two dialects.  `kinds`: what the conversation is made of."""
    protocol = target.origin.protocol
    if request.protocol == RESPONSES:
        refuse_kept(request)
    if request.protocol == "anthropic_messages":
        request = settle(leave_billing(request, losses))
    if protocol in SPOKEN and request.messages and request.messages[-1].role in SYSTEM:
        request = speak_up(request, losses)
    if Opaque in kinds:
        request = say_foreign(request, protocol, losses)
    if request.tools:
        request = offer_all(request, losses)
    if target.max_output is not None:
        request = limit_output(request, target.max_output, losses)
    if request.user is not None and protocol in USERS:
        request = fit_user(request, USERS[protocol], losses)
    return request


Tooled = tuple[GenerateRequest, dict[str, Name], frozenset[str]]
"""A request, the names to give back, the freeform tools that were bridged."""


def _tools(request: GenerateRequest, target: Target, losses: LossLog) -> Tooled:
    """Bends of tools, calls and results."""
    protocol = target.origin.protocol
    request = unpack_ids(request)
    custom: frozenset[str] = frozenset()
    if not _known(target.custom_tools, protocol) and (custom := custom_names(request)):
        request = bridge_custom(request, losses)
    flatten = not _known(target.namespaces, protocol)
    request, names = fit_names(request, target.tool_name_pattern, losses, flatten=flatten)
    if protocol in DISTINCT:
        request = distinct_ids(request)
    if pattern := target.tool_id_pattern or TARGET_IDS.get(protocol):
        request = fit_ids(request, pattern)
    if target.pairs_required or protocol in PAIRING or request.protocol in PAIRING:
        request = pair_calls(request, losses)
    return request, names, custom


def _known(said: bool | None, protocol: str) -> bool:
    """Freeform and namespace tools are Responses' own; elsewhere only a quirk can say that they are known."""
    return protocol == RESPONSES if said is None else said
