"""How a Chat provider is asked to think: one spelling for each family (providers.md of the research, 2026-08).

""               reasoning_effort                       OpenAI, Groq, xAI, Cerebras, Ollama ...
openrouter       reasoning {effort | max_tokens, exclude, enabled}
enable_thinking  enable_thinking, thinking_budget       SiliconFlow, DashScope
thinking         thinking {type}, reasoning_effort      DeepSeek, Z.ai, Ark, Kimi
none             nothing is asked; the wish is a Loss
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest, ReasoningWish
from hexapla.ir.target import Target
from hexapla.protocols.openai_chat.schema import NAME

Json = dict[str, Any]

# OpenRouter's published shares of max_tokens (https://openrouter.ai/docs/use-cases/reasoning-tokens, 2026-08)
SHARES = {"max": 0.95, "xhigh": 0.95, "high": 0.8, "medium": 0.5, "low": 0.2, "minimal": 0.1}
LEVELS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
LEAST_BUDGET = 1024
USUAL_LIMIT = 32_768  # output tokens assumed for the share when neither the request nor the catalogue says


def render_effort(request: GenerateRequest, target: Target, losses: LossLog) -> Json:
    """The fields that ask for thought."""
    wish = request.reasoning
    if wish is None:
        return {}
    for field in ("summary", "extras"):
        if getattr(wish, field) and target.reasoning_style != "openrouter":
            losses.add(f"reasoning.{field}", "Chat Completions cannot ask for this form of thought", "cosmetic")
    return _STYLES[target.reasoning_style](wish, request, target, losses)


def level(wish: ReasoningWish, request: GenerateRequest, target: Target) -> str | None:
    """The effort level that a wish amounts to, the nearest one that the model knows."""
    effort = wish.effort
    if wish.mode == "disabled":
        effort = "none"
    elif effort is None and wish.budget is not None:
        share = wish.budget / (request.max_tokens or target.max_output or USUAL_LIMIT)
        effort = min(("minimal", "low", "medium", "high", "xhigh"), key=lambda name: abs(SHARES[name] - share))
    elif effort is None and wish.mode is not None:
        effort = "medium"
    if effort is None or not target.effort_levels or effort in target.effort_levels or effort not in LEVELS:
        return effort
    place = LEVELS.index(effort)
    return min(target.effort_levels, key=lambda name: abs(LEVELS.index(name) - place) if name in LEVELS else 99)


def budget(wish: ReasoningWish, request: GenerateRequest, target: Target) -> int | None:
    """The token budget that a wish amounts to; None where it names neither budget nor level."""
    if wish.budget is not None:
        return wish.budget
    if wish.effort is None or wish.effort == "none":
        return None
    most = request.max_tokens or target.max_output or USUAL_LIMIT
    return max(LEAST_BUDGET, int(most * SHARES.get(wish.effort, 0.5)))


def _effort(wish: ReasoningWish, request: GenerateRequest, target: Target, losses: LossLog) -> Json:
    said = level(wish, request, target)
    if wish.budget is not None:
        losses.add("reasoning.budget", "the target takes a level of effort, not a budget", "cosmetic")
    if wish.mode is not None:
        losses.add("reasoning.mode", "the target takes a level of effort only", "cosmetic")
    if wish.effort is not None and said != wish.effort:
        losses.add("reasoning.effort", f"the model knows no effort {wish.effort}; {said} is nearest", "cosmetic")
    if wish.exclude:
        losses.add("reasoning.exclude", "the target cannot hide its thought", "cosmetic")
    return {"reasoning_effort": said} if said is not None else {}


def _openrouter(wish: ReasoningWish, request: GenerateRequest, target: Target, losses: LossLog) -> Json:
    said: Json = {"effort": wish.effort, "max_tokens": wish.budget, "exclude": wish.exclude, "summary": wish.summary}
    if wish.mode is not None and wish.effort is None and wish.budget is None:
        said["enabled"] = wish.mode != "disabled"
    if wish.mode is not None:
        losses.add("reasoning.mode", "OpenRouter knows on and off only", "cosmetic")
    said = {name: value for name, value in said.items() if value is not None}
    return {"reasoning": said | dict(wish.extras.get(NAME, {}))}


def _switch(wish: ReasoningWish, request: GenerateRequest, target: Target, losses: LossLog) -> Json:
    on = wish.mode != "disabled" and wish.effort != "none"
    said: Json = {"enable_thinking": on}
    tokens = budget(wish, request, target)
    if on and tokens is not None:
        said["thinking_budget"] = tokens
    if wish.effort is not None or wish.mode == "adaptive":
        losses.add("reasoning", "the target takes on or off and a budget", "cosmetic")
    return said


def _thinking(wish: ReasoningWish, request: GenerateRequest, target: Target, losses: LossLog) -> Json:
    on = wish.mode != "disabled" and wish.effort != "none"
    said: Json = {"thinking": {"type": "enabled" if on else "disabled"}}
    effort = level(wish, request, target)
    if on and target.effort_levels and effort is not None:
        said["reasoning_effort"] = effort
    elif wish.effort is not None or wish.budget is not None or wish.mode == "adaptive":
        losses.add("reasoning", "the target takes thinking on or off only", "cosmetic")
    return said


def _none(wish: ReasoningWish, request: GenerateRequest, target: Target, losses: LossLog) -> Json:
    if wish.mode != "disabled" and wish.effort != "none":
        losses.add("reasoning", "the target cannot be asked to think")
    return {}


_STYLES: dict[str, Callable[[ReasoningWish, GenerateRequest, Target, LossLog], Json]] = {
    "": _effort,
    "openrouter": _openrouter,
    "enable_thinking": _switch,
    "thinking": _thinking,
    "none": _none,
}
