"""How a Responses server is asked to think: reasoning {effort, summary}.

Responses takes a level of effort and no budget (`levels.py` makes one of the other); OpenRouter's takes a budget too.  The
other dialects show thought unless told not to, Responses shows none unless asked, so their clients' wishes ask for a
summary.

Rules of this file: where less is said than was wished, a Loss names the part of the wish.
"""

from __future__ import annotations

from typing import Any

from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest, ReasoningWish
from hexapla.ir.target import Target
from hexapla.protocols.levels import USUAL_LIMIT, level_of, nearest
from hexapla.protocols.openai_responses.words import NAME

Json = dict[str, Any]

_MESSAGES_SUMMARIES = frozenset({"summarized", "omitted", "updates"})


def wants_thought(request: GenerateRequest) -> bool:
    """Whether the client asked the model to think."""
    wish = request.reasoning
    return wish is not None and wish.mode != "disabled" and wish.effort != "none"


def render_effort(request: GenerateRequest, target: Target, losses: LossLog) -> Json | None:
    """The reasoning object, without the fields that only Responses knows; None asks for nothing."""
    wish = request.reasoning
    if wish is None:
        return None
    if target.reasoning_style == "none":
        on = wants_thought(request)
        losses.add("reasoning", "the target cannot be asked for reasoning", "parameter" if on else "cosmetic")
        return None
    if target.reasoning_style == "openrouter":
        said = _openrouter(wish, losses)
    else:
        said = {"effort": _level(wish, request, target, losses)}
    said["summary"] = _summary(wish, request, target, losses)
    return {name: value for name, value in said.items() if value is not None}


def _openrouter(wish: ReasoningWish, losses: LossLog) -> Json:
    """OpenRouter's Responses take what its Chat Completions take (https://openrouter.ai/docs/api/responses, 2026-08)."""
    said: Json = {"effort": wish.effort, "max_tokens": wish.budget, "exclude": wish.exclude}
    if wish.effort is not None and wish.budget is not None:
        del said["effort"]
        losses.add("reasoning.effort", "OpenRouter takes a level or a budget", "cosmetic")
    if wish.mode == "adaptive":
        losses.add("reasoning.mode", "OpenRouter takes on or off", "cosmetic")
    if wish.mode is not None:
        said["enabled"] = wish.mode != "disabled"
    return said


def _level(wish: ReasoningWish, request: GenerateRequest, target: Target, losses: LossLog) -> str | None:
    """The effort that the wish amounts to, the nearest that the model knows; None leaves it to the model."""
    if wish.mode is not None or wish.budget is not None:
        losses.add("reasoning", "Responses takes a level of effort", "cosmetic")
    if wish.exclude is not None:
        losses.add("reasoning.exclude", "Responses shows summaries only", "cosmetic")
    effort = _wanted(wish, request.max_tokens or target.max_output or USUAL_LIMIT)
    return None if effort is None else nearest(effort, target.effort_levels, losses)


def _wanted(wish: ReasoningWish, limit: int) -> str | None:
    if wish.mode == "disabled":
        return "none"
    if wish.effort is not None:
        return wish.effort
    if wish.budget is not None:
        return level_of(wish.budget, limit)
    return "medium" if wish.mode == "enabled" else None


def _summary(wish: ReasoningWish, request: GenerateRequest, target: Target, losses: LossLog) -> str | None:
    summary = wish.summary
    if summary in _MESSAGES_SUMMARIES:
        losses.add("reasoning.summary", "this form of summary is Anthropic's", "cosmetic")
    elif summary is not None or request.protocol == NAME or wish.exclude:
        return summary
    shown = summary != "omitted" and wants_thought(request) and "reasoning.summary" not in target.unsupported
    return "auto" if shown else None
