"""A cache of what was worked out of a text, for short texts only; or of anything else whose size can be told.

Clients choose the texts, and no limit of the gateway counts a cache: a thousand texts of a megabyte in it would be a
gigabyte that nobody knows of.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Concatenate, ParamSpec, TypeVar

LONGEST = 4096  # characters or bytes of a text whose result is cached

Text = TypeVar("Text")
More = ParamSpec("More")
Result = TypeVar("Result")


def cached(
    most: int, size: Callable[[Any], int] = len
) -> Callable[[Callable[Concatenate[Text, More], Result]], Callable[Concatenate[Text, More], Result]]:
    """A function of a text whose last `most` results are cached, but none of a long text.  `size`: how long it is."""

    def caching(function: Callable[Concatenate[Text, More], Result]) -> Callable[Concatenate[Text, More], Result]:
        known = lru_cache(most)(function)

        def ask(text: Text, /, *args: More.args, **named: More.kwargs) -> Result:
            if size(text) > LONGEST:
                return function(text, *args, **named)
            return known(text, *args, **named)  # type: ignore[arg-type]  # hashable, as every caller's are

        return ask

    return caching
