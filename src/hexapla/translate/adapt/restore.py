"""The way back: events of the answer in the words that the client used.

Tool names get their original form, bridged calls become freeform or searches again, the arguments of an emulated structured
output become text, ids are fitted to the client's alphabet and to the ids that the conversation has, and reasoning is
stamped with the provider that thought it.  An end that means failure (Gemini's MALFORMED_FUNCTION_CALL) has no word in
other dialects but an error: it is never a success.

Rules of this file: whatever need not change passes as the same object.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from hexapla.errors import Kind
from hexapla.ir.content import Reasoning, Text, ToolCall
from hexapla.ir.event import (
    AnyEvent,
    BlockDelta,
    BlockStart,
    BlockStop,
    MessageStart,
    MessageStop,
    StreamError,
    TextDelta,
)
from hexapla.ir.response import GenerateResponse, ResponsePart, Stop
from hexapla.protocols.openai_responses.search import SEARCH, search_call
from hexapla.translate.adapt.custom import unwrap_input
from hexapla.translate.adapt.ids import fit_id, given_id
from hexapla.translate.adapt.tags import Tags
from hexapla.translate.distinct import Distinct

_RESTORED: frozenset[type] = frozenset({ToolCall, Reasoning})
"""What is another thing for the client."""


class Restore(Struct, eq=False):
    """Rewrites events one by one; most pass through untouched.

    provider     stamped on reasoning
    names        target name -> (name, namespace)
    custom       original names of the tools that were bridged
    searches     the client's own search for tools was bridged
    output_tool  target name of the tool whose arguments are the text
    id_pattern   alphabet of the client's tool ids; None takes any
    called       ids of the calls that the client knows already
    tools        target names of all tools
    """

    provider: str
    names: Mapping[str, tuple[str, str | None]] = {}
    custom: frozenset[str] = frozenset()
    searches: bool = False
    output_tool: str | None = None
    id_pattern: str | None = None
    called: Collection[str] = ()
    tools: Collection[str] = ()
    _calls: int = 0
    _seed: str | None = None  # the answer's id
    _ids: Distinct | None = None  # of its calls, once there is one
    _held: dict[int, list[str]] = {}  # bridged calls: argument pieces until the block stops
    _searching: dict[int, ToolCall] = {}  # those of the search, which comes whole

    @property
    def text_passes(self) -> bool:
        """Whether pieces of text are left as they are."""
        return not (self.custom or self.searches)

    def feed(self, event: AnyEvent) -> tuple[AnyEvent, ...]:
        """What `event` is for the client."""
        rule = (_BRIDGED if self.custom or self.searches else _RULES).get(type(event))
        return (event,) if rule is None else rule(self, event)

    def whole(self, response: GenerateResponse) -> GenerateResponse | None:
        """A whole answer for the client; None where only its events tell what it is."""
        stop = response.stop
        if stop is not None and stop.reason == "error":
            return None
        self._seed, self._ids = response.id, None
        if not _RESTORED.isdisjoint(map(type, response.content)):
            response = replace(response, content=tuple([self._whole_part(part) for part in response.content]))
        if self.output_tool is None or stop is None:
            return response
        return replace(response, stop=self._ended(stop))

    def all(self, events: Iterable[AnyEvent]) -> Iterator[AnyEvent]:
        """A whole stream restored."""
        for event in events:
            yield from self.feed(event)

    def _begin(self, event: MessageStart) -> tuple[AnyEvent, ...]:
        self._seed, self._ids = event.id, None
        return (event,)

    def _start(self, event: BlockStart) -> tuple[AnyEvent, ...]:
        if type(event.part) not in _RESTORED:
            return (event,)
        part = self._part(event.part)
        if isinstance(part, ToolCall) and self._searched(part):
            self._held[event.index], self._searching[event.index] = [part.arguments], part
            return ()
        if isinstance(part, ToolCall) and self._bridged(part):
            self._held[event.index] = [part.arguments]
            part = replace(part, kind="custom", arguments="")
        return (BlockStart(event.index, part),)

    def _part(self, part: ResponsePart) -> ResponsePart:
        """A thought or a call in the client's words."""
        if isinstance(part, Reasoning):
            known = part.origin.provider
            return part if known else replace(part, origin=replace(part.origin, provider=self.provider))
        if not isinstance(part, ToolCall):
            return part
        if part.name == self.output_tool:
            return Text(text=part.arguments)
        self._calls += 1
        name, namespace = self.names.get(part.name, (part.name, part.namespace))
        return replace(part, name=name, namespace=namespace, id=self._own_id(part.id))

    def _own_id(self, given: str) -> str:
        """The id under which the client knows a call.  One that is carried stays distinct in the vendor's own form."""
        if self._ids is None:
            self._ids = Distinct(frozenset([*self.called, *map(given_id, self.called)]), self._seed)
        if self.id_pattern is None:
            return self._ids.take(given)
        fitted = fit_id(given, self.id_pattern)
        return fit_id(self._ids.take(given), self.id_pattern) if given_id(fitted) == given else self._ids.take(fitted)

    def _whole_part(self, part: ResponsePart) -> ResponsePart:
        part = self._part(part)
        if isinstance(part, ToolCall) and self._searched(part):
            return search_call(part)
        if isinstance(part, ToolCall) and self._bridged(part):
            return replace(part, kind="custom", arguments=unwrap_input(part.arguments))
        return part

    def _searched(self, call: ToolCall) -> bool:
        return self.searches and call.name == SEARCH

    def _bridged(self, call: ToolCall) -> bool:
        return call.name in self.custom and call.kind == "function"

    def _delta(self, event: BlockDelta) -> tuple[AnyEvent, ...]:
        held = self._held.get(event.index)
        if held is None or not isinstance(event.delta, TextDelta):
            return (event,)
        held.append(event.delta.text)
        return ()

    def _block_stop(self, event: BlockStop) -> tuple[AnyEvent, ...]:
        held = self._held.pop(event.index, None)
        if held is None:
            return (event,)
        search = self._searching.pop(event.index, None)
        if search is not None:
            return (BlockStart(event.index, search_call(replace(search, arguments="".join(held)))), event)
        return (BlockDelta(event.index, TextDelta(unwrap_input("".join(held)))), event)

    def _stop(self, event: MessageStop) -> tuple[AnyEvent, ...]:
        stop = event.stop
        if stop is not None and stop.reason == "error":
            message = f"The provider ended the answer with {stop.native or 'an error'}."
            return (StreamError(kind=Kind.UPSTREAM_ERROR, message=message, code=stop.native),)
        if self.output_tool is None or stop is None:
            return (event,)
        return (replace(event, stop=self._ended(stop)),)

    def _ended(self, stop: Stop) -> Stop:
        """An answer whose only call was its text ends for no calls."""
        return replace(stop, reason="stop") if stop.reason == "tool_calls" and not self._calls else stop


class Tagged(Restore, kw_only=True, eq=False):
    """The way back of an answer whose text may begin with its thought, which `tags` finds."""

    tags: Tags

    @property
    def text_passes(self) -> bool:
        return False

    def feed(self, event: AnyEvent) -> tuple[AnyEvent, ...]:
        return tuple(said for each in self.tags.feed(event) for said in Restore.feed(self, each))

    def whole(self, response: GenerateResponse) -> None:
        return None


_RULES: dict[type, Callable[[Restore, Any], tuple[AnyEvent, ...]]] = {
    MessageStart: Restore._begin,
    BlockStart: Restore._start,
    MessageStop: Restore._stop,
}
_BRIDGED = _RULES | {BlockDelta: Restore._delta, BlockStop: Restore._block_stop}
