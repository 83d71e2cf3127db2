"""Levels of effort and budgets of tokens, which stand for one another.

One dialect asks for thought by a level, another by a budget, and most models know some levels only.  A level is worth
OpenRouter's published share of the limit on output (https://openrouter.ai/docs/use-cases/reasoning-tokens, 2026-08).

Rules of this file: arithmetic only; which fields carry the result, and most of what is lost, each dialect says itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from hexapla.ir.loss import LossLog

LEVELS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")

_SHARES = {"minimal": 0.1, "low": 0.2, "medium": 0.5, "high": 0.8, "xhigh": 0.95, "max": 0.95}

LEAST_BUDGET = (
    1024  # Anthropic's minimum (https://docs.claude.com/en/docs/build-with-claude/extended-thinking, 2026-11)
)
USUAL_LIMIT = 32_768  # output tokens assumed for the share when neither the request nor the catalogue says


def level_of(budget: int, limit: int) -> str:
    """The level whose share of `limit` is nearest to `budget`."""
    share = budget / limit
    return min(_SHARES, key=lambda name: abs(_SHARES[name] - share))


def budget_of(level: str, limit: int) -> int:
    """The tokens that a level is worth, at least LEAST_BUDGET."""
    return max(LEAST_BUDGET, int(limit * _SHARES.get(level, 0.5)))


def nearest(level: str, known: Sequence[str], losses: LossLog) -> str | None:
    """`level`, or the nearest of those that the model knows, which is a Loss; `known` empty: it knows all."""
    if not known or level in known or level not in LEVELS:
        return level
    if level == "none":
        losses.add("reasoning.effort", "reasoning cannot be turned off for this model")
    place = LEVELS.index(level)
    awake = [name for name in known if name in LEVELS and name != "none"]
    found = min(awake, key=lambda name: abs(LEVELS.index(name) - place), default=None)
    losses.add("reasoning.effort", f"the model knows no effort {level}; {found} is nearest", "cosmetic")
    return found
