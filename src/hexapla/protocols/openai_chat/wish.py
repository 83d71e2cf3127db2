"""A Chat client's wish to think, in whichever words.

    reasoning_effort                  OpenAI
    reasoning {}                      OpenRouter
    thinking {}                       DeepSeek, Z.ai, Ark, Kimi
    enable_thinking, thinking_budget  DashScope, SiliconFlow

Rules of this file: reading only (`effort.py` writes); where two of them speak, the one that says more is believed.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hexapla.errors import ProtocolError
from hexapla.ir.request import ReasoningWish
from hexapla.protocols.openai_chat.schema import NAME
from hexapla.protocols.typed import Reader, is_text


class Asked(msgspec.Struct, kw_only=True):
    """The fields of a request that ask for thought."""

    reasoning_effort: str | None = None
    reasoning: Raw = Raw()
    thinking: Raw = Raw()
    enable_thinking: bool | None = None
    thinking_budget: int | None = None


class WireReasoning(msgspec.Struct, forbid_unknown_fields=True):
    enabled: bool | None = None
    effort: str | None = None
    max_tokens: int | None = None
    summary: str | None = None
    exclude: bool | None = None


class WireThinking(msgspec.Struct, forbid_unknown_fields=True):
    type: str | None = None
    budget_tokens: int | None = None


_REASONING, _THINKING = Reader(WireReasoning), Reader(WireThinking)

_MODES: dict[str, Literal["enabled", "disabled", "adaptive"]] = {
    "enabled": "enabled",
    "disabled": "disabled",
    "adaptive": "adaptive",
    "auto": "adaptive",  # Ark
}


def parse_wish(asked: Asked) -> ReasoningWish | None:
    """The wish; None where nothing is said of it.  Raises ProtocolError."""
    said: dict[str, Any] = {"effort": asked.reasoning_effort}
    if asked.enable_thinking is not None or asked.thinking_budget is not None:
        said |= _switch(asked)
    if asked.thinking and not is_text(asked.thinking):
        said |= _thinking(asked.thinking)
    if asked.reasoning:
        said |= _openrouter(asked.reasoning)
    if said == _NOTHING:
        return None
    wish = ReasoningWish(**said)
    return None if replace(wish, form="") == ReasoningWish() else wish


_NOTHING = {"effort": None}


def _switch(asked: Asked) -> dict[str, Any]:
    mode = _switched(asked.enable_thinking)
    return _known(mode=mode, budget=asked.thinking_budget, form="enable_thinking")


def _thinking(raw: Raw) -> dict[str, Any]:
    thinking, rest = _THINKING.maybe(raw, "$.thinking")
    if thinking is None:
        return {}
    kind = thinking.type
    if kind is not None and kind not in _MODES:
        why = f"{kind!r} is no way to think; use {', '.join(_MODES)}"
        raise ProtocolError(why, path="$.thinking.type")
    mode = None if kind is None else _MODES[kind]
    extras = {NAME: rest} if rest else None
    return _known(mode=mode, budget=thinking.budget_tokens, form="thinking", extras=extras)


def _openrouter(raw: Raw) -> dict[str, Any]:
    reasoning, rest = _REASONING.maybe(raw, "$.reasoning")
    if reasoning is None:
        return {}
    return _known(
        mode=_switched(reasoning.enabled),
        effort=reasoning.effort,
        budget=reasoning.max_tokens,
        summary=reasoning.summary,
        exclude=reasoning.exclude,
        extras={NAME: rest} if rest else None,
    )


def _switched(on: bool | None) -> Literal["enabled", "disabled"] | None:
    return None if on is None else "enabled" if on else "disabled"


def _known(**said: object) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value is not None}
