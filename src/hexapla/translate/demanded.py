"""A look for turns with calls whose thought is missing, for vendors that refuse them without it.

DeepSeek and Kimi go on after a tool's result only where the thought before the call stands beside it, in Chat as
`reasoning_content`, in Messages as a thinking block (https://api-docs.deepseek.com/guides/thinking_mode, 2026-11-22;
https://github.com/decolua/9router/issues/2397, 2026-07); Google's compatible endpoint wants the signature that hangs on a
call.  A request in the vendor's own dialect passes as it came, so this tells whether there may be anything to put back.

Rules of this file: a first look; what cannot be read lacks nothing.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from hexapla.translate.peek import Peek
from hexapla.wire.rawjson import load

_NOTHING = (Raw(), Raw(b"null"), Raw(b'""'), Raw(b"[]"))


class _Call(msgspec.Struct, gc=False):
    extra_content: Raw = Raw()


class _ChatTurn(msgspec.Struct, gc=False):
    tool_calls: list[_Call] | None = None
    reasoning_content: Raw = Raw()
    reasoning: Raw = Raw()
    reasoning_details: Raw = Raw()

    @property
    def bare(self) -> bool:
        if not self.tool_calls:
            return False
        signed = [call.extra_content for call in self.tool_calls]
        return all(
            said in _NOTHING for said in (self.reasoning_content, self.reasoning, self.reasoning_details, *signed)
        )


class _Block(msgspec.Struct, gc=False):
    type: str = ""


class _Turn(msgspec.Struct, gc=False):
    content: str | list[_Block] | None = None

    @property
    def bare(self) -> bool:
        kinds = {block.type for block in self.content or () if isinstance(block, _Block)}
        return "tool_use" in kinds and kinds.isdisjoint(("thinking", "redacted_thinking"))


_TURNS: dict[str, Any] = {"openai_chat": list[_ChatTurn], "anthropic_messages": list[_Turn]}


def lacks_thought(peeked: Peek) -> bool:
    """Whether a turn with calls has none of its thought."""
    kind = _TURNS.get(peeked.protocol)
    turns = load(peeked.fields.get("messages", Raw()), kind) if kind is not None else None
    return any(turn.bare for turn in turns or ())
