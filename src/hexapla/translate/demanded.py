"""A look for turns with calls whose thought is missing, for vendors that refuse them without it, or answer worse.

A request in the vendor's own dialect passes as it came, and so does one that lacks thought, unless that matters:

    DeepSeek, Kimi  go on after a tool's result only where the thought before the call stands beside it, in Chat as
                    `reasoning_content`, in Messages as a thinking block
                    (https://api-docs.deepseek.com/guides/thinking_mode, 2026-11-22;
                    https://github.com/decolua/9router/issues/2397, 2026-07)
    Claude          refuses a call of an open loop without the thought before it while it thinks within a budget, and
                    LlamaIndex, CrewAI, AutoGen, AG2 and others bring none
                    (https://github.com/run-llama/llama_index/issues/20072, 2025-10;
                    https://github.com/crewAIInc/crewAI/issues/3964, 2025-11)
    Gemini          wants the signature that hangs on a call, and from Gemini 3 on refuses a call of the current turn
                    without it
                    (https://ai.google.dev/gemini-api/docs/thought-signatures, 2026-11)
    Responses       thinks anew where nothing is stored and the client brings no reasoning items between its calls
                    (https://developers.openai.com/api/docs/guides/reasoning, 2026-11); who stores nothing and does not ask
                    for encrypted content could not bring any, so it is asked for

Rules of this file: a first look; what cannot be read lacks nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Raw

from hexapla.ir.target import Target
from hexapla.protocols.openai_responses.render import ENCRYPTED
from hexapla.translate.peek import CONVERSATION, Peek
from hexapla.wire.rawjson import dump, load

_NOTHING = (Raw(), Raw(b"null"), Raw(b'""'), Raw(b"[]"))
_FALSE = Raw(b"false")
_BROUGHT = {
    "anthropic_messages": (b'"signature"', b'"redacted_thinking"'),
    "openai_responses": (b'"encrypted_content"',),
    "gemini_generate": (b'"thoughtSignature"', b'"thought_signature"'),
}
"""What a client says that brings back what it has heard."""


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


class _Part(msgspec.Struct, gc=False):
    """Google takes names in either form."""

    functionCall: Raw = Raw()  # noqa: N815
    function_call: Raw = Raw()
    thoughtSignature: Raw = Raw()  # noqa: N815
    thought_signature: Raw = Raw()


class _Content(msgspec.Struct, gc=False):
    parts: list[_Part] | None = None

    @property
    def bare(self) -> bool:
        parts = self.parts or ()
        calls = any(part.functionCall or part.function_call for part in parts)
        return calls and not any(part.thoughtSignature or part.thought_signature for part in parts)


class _Item(msgspec.Struct, gc=False):
    type: str = ""
    role: str = ""
    encrypted_content: str | None = None


def _bare(turns: list[Any]) -> bool:
    return any(turn.bare for turn in turns)


def _unthought(items: list[_Item]) -> bool:
    """Whether a call follows no thought since somebody else spoke."""
    thought = False
    for item in items:
        if item.type.endswith("_call_output") or item.role == "user":
            thought = False
        elif item.encrypted_content:
            thought = True
        elif item.type.endswith("_call") and not thought:
            return True
    return False


_LACKS: Mapping[str, tuple[Any, Callable[[list[Any]], bool]]] = {
    "openai_chat": (list[_ChatTurn], _bare),
    "anthropic_messages": (list[_Turn], _bare),
    "gemini_generate": (list[_Content], _bare),
    "openai_responses": (list[_Item], _unthought),
}


def minds_thought(peeked: Peek, target: Target) -> bool:
    """Whether `target`, which speaks the request's dialect, should see calls again with their thought."""
    minds = _MINDS.get(peeked.protocol)
    return target.demands_thought or (minds is not None and minds(peeked.fields, target))


def _budgets(fields: Mapping[str, Raw], target: Target) -> bool:
    """Whether a Messages target is asked to think within a budget."""
    return b'"enabled"' in bytes(fields.get("thinking", b""))


def _forgets(fields: Mapping[str, Raw], target: Target) -> bool:
    """Whether a Responses target thinks, and keeps nothing of it."""
    stored = target.stores and fields.get("store") != _FALSE
    silent = b'"none"' in bytes(fields.get("reasoning", b"")) or "include" in target.unsupported
    return target.thinks and not stored and not silent


_MINDS = {"anthropic_messages": _budgets, "openai_responses": _forgets}


def lacks_thought(peeked: Peek) -> bool:
    """Whether a turn with calls has none of its thought."""
    kind, lacks = _LACKS[peeked.protocol]
    turns = load(peeked.fields.get(CONVERSATION[peeked.protocol], Raw()), kind)
    return turns is not None and lacks(turns)


def brings_thought(peeked: Peek) -> bool:
    """Whether the client is seen to bring back what it has heard, so that nobody need remember it."""
    return any(mark in peeked.body for mark in _BROUGHT.get(peeked.protocol, ()))


def asked_for(peeked: Peek) -> dict[str, Raw]:
    """The fields of a request that asks for thought that can come back; none where it does so itself."""
    if peeked.protocol != "openai_responses":
        return {}
    said = load(peeked.fields.get("include", Raw()), list[str]) or []
    return {} if ENCRYPTED in said else {"include": dump([*said, ENCRYPTED])}
