"""Tokens and prices as people read them in a table."""

from __future__ import annotations

from hexapla.catalog.schema import Model, Price
from hexapla.cli.words import Say

SIGNS = {"USD": "$", "CNY": "¥"}
PIECES = ("image", "second", "characters", "page", "request", "search")
"""What a model may cost that is no token, the first one known is told."""


def tokens(count: int | None) -> str:
    """131072 as 131K, 1048576 as 1.05M."""
    if count is None:
        return ""
    for size, letter in ((1_000_000, "M"), (1000, "K")):
        if count >= size:
            return f"{count / size:.3g}{letter}"
    return str(count)


def rates(model: Model, say: Say) -> tuple[str, str]:
    """What a million tokens cost, going in and coming out; or what a piece costs.  `+`: more for long prompts or at
    certain hours."""
    price = model.price
    if model.free or (price is not None and price.input == 0 and price.output == 0):
        return say("free"), ""
    if price is None:
        return "", ""
    sign, more = SIGNS[price.currency], "+" if price.tiers else ""
    if price.input is not None or price.output is not None:
        entered, left = (f"{sign}{rate:g}" if rate is not None else "" for rate in (price.input, price.output))
        return entered + (more if entered else ""), left
    return _piece(price, sign, say), ""


def _piece(price: Price, sign: str, say: Say) -> str:
    for name in PIECES:
        rate = getattr(price, name)
        if rate is not None:
            return say(f"per-{name}", amount=f"{sign}{rate:g}")
    return ""
