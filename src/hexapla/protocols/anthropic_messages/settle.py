"""What a Messages client says about its turns, worked out for targets that have no words for it.

So that nothing that was cached before changes, a client may change its mind in the middle: a system turn sets the effort
from there on, is shown for one turn of the user only, offers a tool or takes one away
(https://platform.claude.com/docs/build-with-claude/effort-per-message,
https://platform.claude.com/docs/build-with-claude/mid-conversation-system-messages, 2026-11; Claude Code asks for all of it
in its beta headers).  To another dialect only the sum can be said: what is in force at the end.

Rules of this file: what was worked out is taken from its turn, and a turn of which nothing is left is left out; whatever
else stands there stays, and becomes a Loss where it is rendered.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hexapla.ir.content import AnyPart, Opaque, Unknown
from hexapla.ir.request import GenerateRequest, Message, ReasoningWish, ServerTool, Tool
from hexapla.protocols.anthropic_messages.request import parse_tool
from hexapla.protocols.anthropic_messages.words import NAME
from hexapla.wire.rawjson import join, load

CONFIG, CLEAR, EFFORT = "output_config", "clear_at", "effort"
ADDED, REMOVED = "tool_addition", "tool_removal"


class _Named(msgspec.Struct):
    """Which tool is meant: `tool_reference` names it, `tool_definition` holds it."""

    type: str
    name: str = ""
    definition: Raw = Raw()


class _Change(msgspec.Struct):
    tool: _Named


def settle(request: GenerateRequest) -> GenerateRequest:
    """`request` as it stands after its last turn.  Raises ProtocolError for a tool that is none."""
    for message in request.messages:
        if message.role == "system" and (message.extras or any(type(part) is Opaque for part in message.content)):
            return _Settling(request).settled()
    return request


class _Settling:
    """One walk through the turns."""

    def __init__(self, request: GenerateRequest) -> None:
        self._request = request
        self._tools: dict[str, Tool | ServerTool] = {tool.name or str(i): tool for i, tool in enumerate(request.tools)}
        self._gone: dict[str, Tool | ServerTool] = {}
        self._effort: str | None = None
        self._heard = max((i for i, m in enumerate(request.messages) if m.role in ("user", "tool")), default=-1)

    def settled(self) -> GenerateRequest:
        request = self._request
        turns = [self._turn(index, message) for index, message in enumerate(request.messages)]
        request = replace(request, messages=tuple(turn for turn in turns if turn is not None))
        tools = tuple(self._tools.values())
        if tools != request.tools:
            request = replace(request, tools=tools)
        if request.tools == () and self._request.tools:  # what is said about tools means nothing without any
            request = replace(request, tool_choice=None, parallel_tool_calls=None)
        if self._effort is not None:
            request = replace(request, reasoning=replace(request.reasoning or ReasoningWish(), effort=self._effort))
        return request

    def _turn(self, index: int, message: Message) -> Message | None:
        """What is left of a turn."""
        if message.role != "system":
            return message
        own = dict(message.extras.get(NAME, {}))
        shown = not _for_one_turn(own.pop(CLEAR, None)) or index > self._heard
        self._take_effort(own)
        content = tuple(part for part in message.content if not self._changes_tools(part)) if shown else ()
        if not content and (message.extras or message.content):
            return replace(message, content=(), extras={NAME: own}) if own else None
        return replace(message, content=content, extras={NAME: own} if own else {})

    def _take_effort(self, own: dict[str, Unknown]) -> None:
        config = own.get(CONFIG)
        fields = (load(config, dict[str, Raw]) or {}) if isinstance(config, Raw) else {}
        effort = load(fields.get(EFFORT, Raw()), str)
        if effort is None:
            return
        self._effort = effort
        del fields[EFFORT], own[CONFIG]
        if fields:
            own[CONFIG] = Raw(join(fields))

    def _changes_tools(self, part: AnyPart) -> bool:
        """Whether `part` offers a tool or takes one away; then it is done."""
        if not isinstance(part, Opaque) or part.type not in (ADDED, REMOVED):
            return False
        change = load(part.data, _Change)
        if change is None:
            return False
        tool = change.tool
        if part.type == ADDED and tool.type == "tool_definition" and tool.definition:
            defined = parse_tool(tool.definition, "$.definition")
            self._tools[defined.name or ""] = defined
            return True
        return tool.type == "tool_reference" and self._move(tool.name, offered=part.type == ADDED)

    def _move(self, name: str, *, offered: bool) -> bool:
        """Offer a tool again, or take it away; False where nobody knows it."""
        known = self._tools.get(name) or self._gone.get(name)
        if known is None:
            return False
        (self._gone if offered else self._tools).pop(name, None)
        (self._tools if offered else self._gone)[name] = replace(known, deferred=None) if type(known) is Tool else known
        return True


def _for_one_turn(said: Unknown | None) -> bool:
    return isinstance(said, Raw) and load(said, str) == "next_user_message"
