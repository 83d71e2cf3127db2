"""How much an account may ask of a model, as far as its vendor has said.

Vendors let an account do more as it spends more, and allow a large model less than a small one.  A provider's `levels`
name the steps, its `rates` say for a class of models what each step allows; a model with a limit of its own says so
itself.  What a provider's answers tell (headers, 429) is newer and wins: this is where a scheduler begins.

Rules of this file: pure; a level that is not told allows what the nearest told one below it allows; where a limit
differs between models of a class, the least is what may be counted on.
"""

from __future__ import annotations

from hexapla.catalog.schema import Model, Provider, Rate, Span


def allowed(provider: Provider, model: Model | None) -> Rate | None:
    """What `provider` allows the account's level of `model`; None where nothing is known."""
    if model is None:
        return None
    if model.rate is not None:
        return model.rate
    told = provider.rates.get(model.rate_class or model.kind, {})
    below = reversed(levels_up_to(provider))
    return next((told[level] for level in below if level in told), None)


def levels_up_to(provider: Provider) -> tuple[str, ...]:
    """The levels that the account has reached, lowest first; an account that names none is on the lowest."""
    names = tuple(provider.levels) or ("",)
    reached = names.index(provider.level) if provider.level in names else 0
    return names[: reached + 1]


def least(span: Span | None) -> int | None:
    """What may be counted on."""
    return min(span) if isinstance(span, tuple) else span
