"""How a Chat provider is asked to think: one spelling for each family (vendors' pages, 2026-08).

""               reasoning_effort                       OpenAI, Groq, xAI, Cerebras, Ollama ...
openrouter       reasoning {effort | max_tokens, exclude, enabled}
enable_thinking  enable_thinking, thinking_budget       SiliconFlow, DashScope
thinking         thinking {type}, reasoning_effort      DeepSeek, Z.ai, Ark, Kimi
none             nothing is asked; the wish is a Loss

Rules of this file: one function for each style (`levels.py` does the arithmetic); where a style says less than was
wished, a Loss names the part of the wish.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest, ReasoningWish
from hexapla.ir.target import Target
from hexapla.protocols.extras import beside, lose_extras
from hexapla.protocols.levels import USUAL_LIMIT, budget_of, level_of, nearest
from hexapla.protocols.openai_chat.schema import NAME

Json = dict[str, Any]


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
        lose_extras(wish.extras, "reasoning.", "a switch takes no further fields", losses)
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
                self.losses.add(f"reasoning.{name}", "turning reasoning off overrules it", "cosmetic")

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
        return None if effort is None else nearest(effort, self.target.effort_levels, self.losses)

    def _wanted(self) -> str | None:
        if not self.on:
            return "none"
        if self.wish.effort is not None:
            return self.wish.effort
        if self.wish.budget is not None:
            return level_of(self.wish.budget, self.most)
        return "medium" if self.wish.mode == "enabled" else None

    def budget(self) -> int | None:
        """The token budget that the wish amounts to, below max_tokens; None where it names neither budget nor level."""
        if self.wish.budget is not None:
            return self.wish.budget
        if self.wish.effort is None or not self.on:
            return None
        return min(budget_of(self.wish.effort, self.most), max(1, self.most - 1))


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
    wish.losses.add("reasoning", "the target cannot be asked for reasoning", "parameter" if wish.on else "cosmetic")
    return {}


_STYLES: dict[str, Callable[[_Wish], Json]] = {
    "": _effort,
    "openrouter": _openrouter,
    "enable_thinking": _switch,
    "thinking": _thinking,
    "none": _none,
}
