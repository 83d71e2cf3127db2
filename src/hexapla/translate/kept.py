"""Remembering what was worked out of a text, for short texts: clients choose them, and a cache is not counted by anybody.

A thousand remembered texts of a megabyte would be a gigabyte that no limit of the gateway knows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Concatenate, ParamSpec, TypeVar

LONGEST = 4096  # characters or bytes of a text whose result is remembered

Text = TypeVar("Text", str, bytes)
More = ParamSpec("More")
Result = TypeVar("Result")


def kept(
    most: int,
) -> Callable[[Callable[Concatenate[Text, More], Result]], Callable[Concatenate[Text, More], Result]]:
    """A function of a text that remembers the last `most` results, but none of a long text."""

    def keeping(function: Callable[Concatenate[Text, More], Result]) -> Callable[Concatenate[Text, More], Result]:
        cached = lru_cache(most)(function)

        def ask(text: Text, /, *args: More.args, **named: More.kwargs) -> Result:
            if len(text) > LONGEST:
                return function(text, *args, **named)
            return cached(text, *args, **named)  # type: ignore[arg-type]  # hashable, as every caller's are

        return ask

    return keeping
