"""Tool calls, put together from the deltas of a stream.

A delta names its call by index, by id, or not at all; indexes are missing (Mistral, Ollama, Google), repeat for different
calls, or begin at 5; ids come late, repeat, or are emptied later on.  `Calls.find` is the one place that decides which
call a delta belongs to; nothing that comes later overwrites an id or a name that stands.

A name comes whole, and from many servers whole again in every delta (Fireworks, NVIDIA's MiniMax, vLLM for Ascend:
https://github.com/NousResearch/hermes-agent/issues/8089, https://github.com/Tencent/WeKnora/pull/914, 2026-04).  Few have
been seen to send it in pieces (https://github.com/continuedev/continue/pull/5849, 2025-05), and SDKs join those.  So what
is no repetition is more of the name.

Rules of this file: no events, no blocks; the decoder asks, and says what it sees.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hexapla.ir.content import Extras
from hexapla.protocols.openai_chat.parts import call_id, json_text
from hexapla.protocols.openai_chat.schema import ToolDelta
from hexapla.wire.rawjson import load


class Call:
    """A call that is being put together.

    key    names its block;  open: the block was opened
    given  the id that the wire gave, "" until it does
    extras what the vendor hangs on it
    empty  its arguments begin with a whole {}: all there are, or a place for those that come next
    """

    __slots__ = ("arguments", "custom", "empty", "extras", "given", "key", "name", "open")

    def __init__(self, key: int) -> None:
        self.key = ("call", key)
        self.given = ""
        self.name = ""
        self.extras: Extras = {}
        self.custom = self.empty = False
        self.arguments: list[str] = []
        self.open = False

    def named(self, said: str | None) -> str:
        """Take in a name that was said; return what it adds to the name so far, "" for a repetition."""
        more = (said or "").removeprefix(self.name)
        self.name += more
        return more

    def again(self, text: str) -> bool:
        """Whether `text` says once more what are all the arguments already (https://github.com/lidge-jun/opencodex/issues/361,
        https://github.com/open-webui/open-webui/pull/22235; 2026)."""
        return _begins(text) and self.whole and text.strip() == "".join(self.arguments).strip()

    @property
    def hollow(self) -> bool:
        """Whether {} is all that was said (relays of Claude begin so: https://github.com/BerriAI/litellm/issues/4537,
        https://github.com/envoyproxy/ai-gateway/issues/1465)."""
        return self.empty and not self.arguments

    @property
    def whole(self) -> bool:
        """Whether the arguments are a complete JSON object, so that nothing more of them can follow."""
        if not self.arguments or self.custom:
            return self.hollow
        return load("".join(self.arguments).encode(), dict[str, Any]) is not None


class Calls:
    """All calls of one answer, in order of appearance."""

    __slots__ = ("_by_index", "_listed")

    def __init__(self) -> None:
        self._listed: list[Call] = []
        self._by_index: dict[int, Call] = {}

    def __bool__(self) -> bool:
        return bool(self._listed)

    def __iter__(self) -> Iterator[Call]:
        return iter(self._listed)

    def find(self, delta: ToolDelta) -> Call:
        """The call that `delta` belongs to: by index, else by id, else the last one; else a new one."""
        index = delta.index
        known = self._by_index.get(index) if index is not None else self._unnumbered(delta)
        if known is None or _another(known, delta):
            fresh = Call(len(self._listed))
            if known is not None and name_of(delta) is None:
                fresh.name = known.name
            self._listed.append(fresh)
            if index is not None:
                self._by_index[index] = fresh
            return fresh
        return known

    def place(self, call: Call) -> int:
        """The call's number, counted from 0 in order of appearance."""
        return self._listed.index(call)

    def _unnumbered(self, delta: ToolDelta) -> Call | None:
        if delta.id:
            return next((call for call in self._listed if call.given == str(delta.id)), None)
        return None if name_of(delta) or not self._listed else self._listed[-1]

    def unique_id(self, call: Call, seed: str | None) -> str:
        """The call's id; one made of its position when it has none, or one that another call has.

        seed  the answer's id
        """
        taken = any(other.given == call.given for other in self._listed if other is not call)
        return call.given if call.given and not taken else call_id(seed, self.place(call), call.name)


def name_of(delta: ToolDelta) -> str | None:
    """The tool's name, if this delta says it."""
    return (delta.function.name if delta.function else None) or (delta.custom.name if delta.custom else None) or None


def _another(known: Call, delta: ToolDelta) -> bool:
    """Whether a delta under a known index or id begins another call: it has a name, and another id; or arguments that begin
    anew where those of the call are whole (Google's compatible endpoint numbers every call 0 and gives no ids)."""
    named = name_of(delta) is not None
    if named and delta.id and known.given and str(delta.id) != known.given:
        return True
    more = json_text(delta.function.arguments) if delta.function is not None else ""
    if not (_begins(more) and known.whole):
        return False
    if known.hollow and (not named or (delta.id and str(delta.id) == known.given)):
        return False
    return (named and not delta.id and not known.given) or not known.again(more)


def filled(arguments: str) -> str:
    """Arguments without a {} that only kept their place; a relay may put both together
    (https://github.com/Wei-Shaw/sub2api/issues/6336, 2026-08)."""
    rest = arguments.removeprefix("{}")
    if rest == arguments or not load(rest.encode("utf-8", "replace"), dict[str, Any]):
        return arguments
    return rest


def _begins(text: str) -> bool:
    """Whether arguments begin so.  Few pieces do, and nothing more is looked at in the others."""
    return text.lstrip().startswith("{")
