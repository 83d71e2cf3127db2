"""How deep a JSON text goes, where nothing else bounds it.

Up to Python 3.13 msgspec's calls count against the interpreter's recursion limit, and it refuses what is nested a
thousand deep.  From 3.14 on the interpreter looks at how much of the stack is left instead (CPython's gh-130396) and lets
10,000 through (3.14.10, 2026-11-28), which whoever walks through the values in Python cannot follow.
"""

from __future__ import annotations

import re
from array import array
from itertools import accumulate
from typing import Any

from hexapla.wire.rawjson import load

DEEPEST = 900  # as msgspec refuses it before 3.14, less what is on the stack then
UNBOUNDED = load(b"[" * 2_000 + b"]" * 2_000, list[Any]) is not None
"""Whether this interpreter lets it through."""

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_OTHERS = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")  # 1 and -1, as signed bytes


def too_deep(text: bytes) -> bool:
    """Whether valid JSON is nested deeper than `DEEPEST`.  One that opens less than that is not looked at closely."""
    if text.count(b"[") + text.count(b"{") <= DEEPEST:
        return False
    brackets = _STRING.sub(b"", text).translate(_STEPS, _OTHERS)
    return max(accumulate(array("b", brackets)), default=0) > DEEPEST
