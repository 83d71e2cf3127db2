"""How a Chat provider is asked to think: one spelling for each family (vendors' pages, 2026-08).

""               reasoning_effort                       OpenAI, Groq, xAI, Cerebras, Ollama ...
openrouter       reasoning {effort | max_tokens, exclude, enabled}
enable_thinking  enable_thinking, thinking_budget       SiliconFlow, DashScope
thinking         thinking {type}, reasoning_effort      DeepSeek, Z.ai, Ark, Kimi
none             nothing is asked; the wish is a Loss

Levels and budgets stand for one another by OpenRouter's published shares of max_tokens
(https://openrouter.ai/docs/use-cases/reasoning-tokens, 2026-08).

Rules of this file: pure arithmetic and one function for each style; where a style says less than was wished, a Loss names
the part of the wish.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest, ReasoningWish
from hexapla.ir.target import Target
from hexapla.protocols.extras import beside, lose_extras
from hexapla.protocols.openai_chat.schema import NAME

Json = dict[str, Any]

SHARES = {"max": 0.95, "xhigh": 0.95, "high": 0.8, "medium": 0.5, "low": 0.2, "minimal": 0.1}
LEVELS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
LEAST_BUDGET = 1024
USUAL_LIMIT = 32_768  # output tokens assumed for the share when neither the request nor the catalogue says


def render_effort(wish: ReasoningWish, request: GenerateRequest, target: Target, losses: LossLog) -> Json:
    """The fields that ask for thought."""
    if not target.reasoning_style and wish.form and request.protocol == NAME:
        return _own_words(wish, losses)
    return _STYLES[target.reasoning_style](_Wish(wish, request, target, losses))


def _own_words(wish: ReasoningWish, losses: LossLog) -> Json:
    """A Chat client that speaks to a Chat server of which nothing is known is passed on in its own words."""
    said: Json = {"reasoning_effort": wish.effort}
    if wish.form == "thinking":
        kind = "auto" if wish.mode == "adaptive" else wish.mode
        thinking = _known({"type": kind, "budget_tokens": wish.budget})
        said["thinking"] = beside(thinking, wish.extras, NAME, "reasoning.", losses)
    else:
        lose_extras(wish.extras, "reasoning.", "a switch has nothing beside it", losses)
        on = None if wish.mode is None else wish.mode == "enabled"
        said |= {"enable_thinking": on, "thinking_budget": wish.budget}
    return _known(said)


def _known(fields: Json) -> Json:
    return {name: value for name, value in fields.items() if value is not None}


class _Wish:
    """A wish beside everything that bears on how it is said."""

    def __init__(self, wish: ReasoningWish, request: GenerateRequest, target: Target, losses: LossLog) -> None:
        self.wish = wish
        self.target = target
        self.losses = losses
        self.most = request.max_tokens or target.max_output or USUAL_LIMIT
        self.on = wish.mode != "disabled" and wish.effort != "none"
        if not self.on and target.reasoning_style != "openrouter":
            self._contradicted()

    def _contradicted(self) -> None:
        """What else a wish not to think says is not said."""
        for name, meant in (("mode", "disabled"), ("effort", "none"), ("budget", None)):
            if getattr(self.wish, name) not in (None, meant):
                self.losses.add(f"reasoning.{name}", "the wish not to think overrules it", "cosmetic")

    def lost(self, *names: str) -> None:
        """Parts of the wish that this style cannot say."""
        for name in names:
            if getattr(self.wish, name):
                self.losses.add(f"reasoning.{name}", f"the target cannot be asked for this {name}", "cosmetic")

    def bare(self) -> None:
        """This style has no place for what the client said beside its wish."""
        lose_extras(self.wish.extras, "reasoning.", "the target cannot be told of it", self.losses)

    def beside(self, fields: Json) -> Json:
        """`fields` with what a Chat client said beside its wish."""
        return beside(fields, self.wish.extras, NAME, "reasoning.", self.losses)

    def level(self) -> str | None:
        """The effort that the wish amounts to, the nearest that the model knows; None leaves it to the model."""
        effort = self._wanted()
        known = self.target.effort_levels
        if effort is None or not known or effort in known or effort not in LEVELS:
            return effort
        if effort == "none":
            self.losses.add("reasoning.effort", "the model cannot be kept from thinking")
        place = LEVELS.index(effort)
        awake = [name for name in known if name in LEVELS and name != "none"]
        nearest = min(awake, key=lambda name: abs(LEVELS.index(name) - place), default=None)
        self.losses.add("reasoning.effort", f"the model knows no effort {effort}; {nearest} is nearest", "cosmetic")
        return nearest

    def _wanted(self) -> str | None:
        if not self.on:
            return "none"
        if self.wish.effort is not None:
            return self.wish.effort
        if self.wish.budget is not None:
            share = self.wish.budget / self.most
            return min(("minimal", "low", "medium", "high", "xhigh"), key=lambda name: abs(SHARES[name] - share))
        return "medium" if self.wish.mode == "enabled" else None

    def budget(self) -> int | None:
        """The token budget that the wish amounts to, below max_tokens; None where it names neither budget nor level."""
        if self.wish.budget is not None:
            return self.wish.budget
        if self.wish.effort is None or not self.on:
            return None
        return min(max(LEAST_BUDGET, int(self.most * SHARES.get(self.wish.effort, 0.5))), max(1, self.most - 1))


def _effort(wish: _Wish) -> Json:
    wish.lost("mode", "budget", "summary", "exclude")
    wish.bare()
    level = wish.level()
    return {} if level is None else {"reasoning_effort": level}


def _openrouter(wish: _Wish) -> Json:
    said = wish.wish
    fields: Json = {"effort": said.effort, "max_tokens": said.budget, "exclude": said.exclude, "summary": said.summary}
    if said.effort is not None and said.budget is not None:
        del fields["effort"]
        wish.losses.add("reasoning.effort", "OpenRouter takes a level or a budget", "cosmetic")
    if said.mode == "adaptive":
        wish.lost("mode")
    if said.mode is not None:
        fields["enabled"] = said.mode != "disabled"
    return {"reasoning": wish.beside(_known(fields))}


def _switch(wish: _Wish) -> Json:
    wish.lost("summary", "exclude")
    wish.bare()
    said, tokens = wish.wish, wish.budget()
    if said.mode is None or said.mode == "adaptive":
        wish.losses.add("reasoning.mode", "the target takes on or off", "cosmetic")
    wish.lost("effort")
    if said.budget is None and tokens is not None:
        wish.losses.add("reasoning.budget", "the level of effort is said as a budget", "cosmetic")
    return {"enable_thinking": wish.on} | ({"thinking_budget": tokens} if wish.on and tokens is not None else {})


def _thinking(wish: _Wish) -> Json:
    wish.lost("summary", "exclude", "budget")
    if wish.wish.mode is None or wish.wish.mode == "adaptive":
        wish.losses.add("reasoning.mode", "the target takes on or off", "cosmetic")
    fields: Json = {"thinking": wish.beside({"type": "enabled" if wish.on else "disabled"})}
    level = wish.level() if wish.on and wish.target.effort_levels else None
    if level is None:
        wish.lost("effort")
        return fields
    if wish.wish.effort is None:
        wish.losses.add("reasoning.effort", "the wish is said as a level of effort", "cosmetic")
    return fields | {"reasoning_effort": level}


def _none(wish: _Wish) -> Json:
    wish.losses.add("reasoning", "the target cannot be asked to think", "parameter" if wish.on else "cosmetic")
    return {}


_STYLES: dict[str, Callable[[_Wish], Json]] = {
    "": _effort,
    "openrouter": _openrouter,
    "enable_thinking": _switch,
    "thinking": _thinking,
    "none": _none,
}
