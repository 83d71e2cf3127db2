"""What an answer's tool calls are worth: whether each names a tool of the request, with arguments that can be read and fit.

Providers that serve the same model differ in how well their calls are made, and the difference shows in the answers that
pass by.  So an attempt for a request with tools has a notebook, as often as statistics need one (routing/health.py); when
it is over and the client has everything, the notes are read and judged, in OpenRouter's words:

    InvalidJson     the arguments are not JSON
    UnknownName     the request has no tool of this name
    SchemaMismatch  the arguments do not fit the tool's schema (conforms.py)
    NoCall          ours: a call was demanded, and the answer ended without one

An answer is flawed if any of its calls is (https://openrouter.ai/docs/guides/routing/auto-exacto, 2026-08-22).  One that
was cut short, by its limit or by a failure, tells nothing.

Rules of this file: a request without tools never comes here; nothing is judged before the client has its answer; who cannot
be judged for certain is not judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hexapla.errors import HexaplaError
from hexapla.ir.content import ToolCall
from hexapla.ir.event import AnyEvent, BlockDelta, BlockStart, TextDelta
from hexapla.ir.request import GenerateRequest, ServerTool, Tool
from hexapla.ir.response import ResponsePart
from hexapla.protocols import PROTOCOLS
from hexapla.translate.conforms import conforms
from hexapla.translate.peek import Peek
from hexapla.wire.rawjson import UNDECODABLE, join, load

MOST = 256 * 1024  # characters of arguments in one answer; whoever writes more is not judged

ASIDE = frozenset({"length", "content_filter", "refusal", "pause", "error"})
"""Ends of an answer after which its calls tell nothing."""

WISHES = ("tools", "tool_choice", "toolConfig", "tool_config")
"""Where the dialects speak of tools."""

_SOMEBODY = [{"role": "user", "content": "."}]
EMPTY: dict[str, dict[str, Any]] = {
    "openai_chat": {"model": ".", "messages": _SOMEBODY},
    "openai_responses": {"model": ".", "input": "."},
    "anthropic_messages": {"model": ".", "max_tokens": 1, "messages": _SOMEBODY},
    "gemini_generate": {"contents": [{"role": "user", "parts": [{"text": "."}]}]},
}
"""The smallest request of a dialect: beside what is said of tools nothing need be read again."""


class _Named(msgspec.Struct):
    name: str = ""


class _ChatTool(msgspec.Struct):
    function: _Named | None = None
    custom: _Named | None = None


class Calls:
    """The notebook of one attempt.

    upstream  the protocol in which the answer comes
    forced    a call may be demanded there; elsewhere the demand was dropped on the way
    stop      why the answer ended;  body: all of it, where nobody has read it
    """

    __slots__ = ("_forced", "_made", "_peeked", "_text", "_upstream", "body", "stop")

    def __init__(self, peeked: Peek, upstream: str, *, forced: bool = True) -> None:
        self._peeked = peeked
        self._upstream = upstream
        self._forced = forced
        self._made: dict[int, tuple[ToolCall, list[str]]] = {}  # by block: the call, and more of its arguments
        self._text = 0
        self.stop: str | None = None
        self.body = b""

    @property
    def names(self) -> frozenset[str]:
        """Names of tools, by which the pieces of one are known in a Chat stream."""
        tools = load(self._peeked.fields.get("tools", Raw()), list[_ChatTool]) or ()
        return frozenset(each.name for tool in tools for each in (tool.function, tool.custom) if each is not None)

    def hear(self, event: AnyEvent) -> None:
        """Take in what is said."""
        if isinstance(event, BlockStart):
            if isinstance(event.part, ToolCall):
                self._made[event.index] = event.part, []
        elif isinstance(event, BlockDelta) and event.index in self._made and isinstance(event.delta, TextDelta):
            self._text += len(event.delta.text)
            if self._text <= MOST:
                self._made[event.index][1].append(event.delta.text)

    def take(self, parts: Iterable[ResponsePart]) -> None:
        """Take in an answer that is complete."""
        for index, part in enumerate(parts):
            if isinstance(part, ToolCall):
                self._made[index] = part, []

    def flaw(self) -> str | None:
        """What is wrong with the calls; "" is nothing, None is that there is nothing to tell."""
        if self.stop in ASIDE or self._text > MOST or not self._read():
            return None
        if not self._made and not (self._forced and self.stop == "stop"):
            return None
        tools = _tools(self._peeked)
        if tools is None:
            return None
        if not self._made:
            return "NoCall" if tools.demanded else None
        calls = (replace(call, arguments="".join((call.arguments, *more))) for call, more in self._made.values())
        return next((flaw for call in calls if (flaw := tools.flaw(call))), "")

    def _read(self) -> bool:
        """Read the answer that nobody has read, if it can be."""
        try:
            self.take(PROTOCOLS[self._upstream].parse_response(self.body).content if self.body else ())
        except HexaplaError:
            return False
        return True


def _tools(peeked: Peek) -> _Tools | None:
    """What a request says of tools; None where that cannot be read."""
    said = {name: peeked.fields[name] for name in WISHES if name in peeked.fields}
    empty = {name: Raw(msgspec.json.encode(value)) for name, value in EMPTY[peeked.protocol].items()}
    try:
        return _Tools(PROTOCOLS[peeked.protocol].parse_request(join(empty | said)))
    except HexaplaError:
        return None


class _Tools:
    """The tools of one request.  `demanded`: the answer must call one of them."""

    def __init__(self, request: GenerateRequest) -> None:
        self._tools: Mapping[str, Tool] = {tool.name: tool for tool in request.tools if isinstance(tool, Tool)}
        # what a vendor's own tool calls itself is the vendor's business
        self._open = any(isinstance(tool, ServerTool) for tool in request.tools)
        choice = request.tool_choice
        self.demanded = choice is not None and choice.mode in ("required", "named") and not self._open

    def flaw(self, call: ToolCall) -> str:
        """What is wrong with one call; "" is nothing."""
        tool = self._tools.get(call.name)
        if tool is None:
            return "" if self._open else "UnknownName"
        if call.kind == "custom" or tool.kind == "custom":
            return ""  # free text
        try:
            arguments = msgspec.json.decode(call.arguments or "{}")  # a call without arguments may say nothing
        except (*UNDECODABLE, UnicodeEncodeError):
            return "InvalidJson"
        return "" if conforms(arguments, _schema(tool)) else "SchemaMismatch"


def _schema(tool: Tool) -> Any:
    """The tool's schema; where it has none, or one that is none, everything fits."""
    try:
        return msgspec.json.decode(tool.parameters) if tool.parameters is not None else True
    except UNDECODABLE:
        return True
