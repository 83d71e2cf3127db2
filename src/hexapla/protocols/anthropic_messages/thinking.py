"""The wish to think, as Messages says it: `thinking`, and the effort of `output_config`.

Older models take a budget in tokens, newer ones think adaptively and take a level of effort; the client's own dialect says
either as it is.

Rules of this file: what of the wish cannot be said is a Loss that names it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hexapla.ir.content import AnyPart, ToolCall
from hexapla.ir.request import Message, ReasoningWish
from hexapla.protocols.anthropic_messages.turns import Turns
from hexapla.protocols.anthropic_messages.words import NAME
from hexapla.protocols.extras import lose_extras
from hexapla.protocols.levels import LEAST_BUDGET, budget_of

Json = dict[str, Any]


def render_thinking(wish: ReasoningWish, turns: Turns, max_tokens: int) -> tuple[Json | None, Json]:
    """(thinking, output_config)."""
    losses, own = turns.losses, turns.request.protocol == NAME
    if wish.exclude:
        losses.add("reasoning.exclude", "Messages cannot hide reasoning", "cosmetic")
    if wish.mode == "disabled" or wish.effort == "none":
        return turns.beside({"type": "disabled"}, wish.extras, "reasoning."), {}
    said = wish.effort is not None and (own or turns.target.adaptive_only)
    config: Json = {"effort": wish.effort} if said else {}
    mode = _mode(wish, turns)
    tokens = _budget(wish, turns, max_tokens) if mode == "enabled" and _thought_is_whole(turns) else None
    if mode is None or (mode == "enabled" and tokens is None):
        lose_extras(wish.extras, "reasoning.", "no reasoning is asked for", losses)
        if wish.summary is not None:
            losses.add("reasoning.summary", "no reasoning is asked for", "cosmetic")
        return None, config
    thinking: Json = {"type": mode} | ({} if tokens is None else {"budget_tokens": tokens})
    if wish.summary in ("summarized", "omitted", "updates"):
        thinking["display"] = wish.summary
    elif wish.summary is not None:
        losses.add("reasoning.summary", "Messages has no such form of summary", "cosmetic")
    return turns.beside(thinking, wish.extras, "reasoning."), config


def _mode(wish: ReasoningWish, turns: Turns) -> str | None:
    """The kind of thinking; None, which asks for none, where the client said no more than how it wants to see it."""
    if turns.target.adaptive_only:
        if wish.budget is not None:
            turns.losses.add("reasoning.budget", "the model thinks adaptively and takes no budget", "cosmetic")
        return "adaptive"
    if turns.request.protocol == NAME:
        return wish.mode
    return None if wish.mode is None and wish.effort is None and wish.budget is None else "enabled"


def _thought_is_whole(turns: Turns) -> bool:
    """Whether an open tool loop has the thought that began it.

    With a budget, a turn that called tools is taken back only if it begins with its thinking block: "Expected
    `thinking` or `redacted_thinking`, but found `tool_use`" (https://github.com/anomalyco/opencode/issues/3077).
    Clients that drop thought would meet a 400 at every result; without thinking, the loop goes on.
    """
    turn = _open_turn(turns.request.messages)
    if not any(isinstance(part, ToolCall) for part in turn) or any(map(turns.replayed, turn)):
        return True
    turns.losses.add("reasoning", "the reasoning before the open tool calls is missing; the model goes on without any")
    return False


def _open_turn(messages: Sequence[Message]) -> list[AnyPart]:
    """What the assistant said since the user last spoke for himself; words beside results do not end a tool loop."""
    said: list[AnyPart] = []
    before = ""
    for message in messages:
        if message.role == "user" and before != "tool":
            said = []
        elif message.role == "assistant":
            said += message.content
        before = message.role
    return said


def _budget(wish: ReasoningWish, turns: Turns, max_tokens: int) -> int | None:
    """The thinking budget: the client's, else the effort's share of max_tokens; always below max_tokens."""
    tokens = wish.budget
    if tokens is None:
        tokens = budget_of(wish.effort or "medium", max_tokens)
        turns.losses.add("reasoning", "effort was turned into a token budget", "cosmetic")
    if tokens < max_tokens:
        return tokens
    shrunk = max_tokens - 1
    if shrunk < LEAST_BUDGET:
        turns.losses.add("reasoning", "max_tokens leaves no room for thought")
        return None
    turns.losses.add("reasoning.budget", "the budget has to stay below max_tokens", "cosmetic")
    return shrunk
