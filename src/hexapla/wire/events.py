"""The events of a stream as they stand in it: where one ends and the next begins, each in any of the three line ends.

Rules of this file: bytes in, bytes out; nothing is parsed (`sse.py` does); one event, which most reads are, costs least.
"""

from __future__ import annotations

import re
from itertools import pairwise

EVENT_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")


def is_one(data: bytes) -> bool:
    """Whether `data`, which ends in a blank line, is one event.

    Single bytes, and as numbers, because that is how bytes are searched at once: a whole stream's events come by here.
    """
    before = len(data) - 2
    return (data.find(10) == before or data.find(b"\n\n") == before) and 13 not in data


def events(data: bytes) -> list[bytes]:
    """The events of `data`, each with its blank line."""
    if is_one(data):
        return [data]
    if 13 in data:
        cuts = (0, *[found.end() for found in EVENT_END.finditer(data)], len(data))
        return [data[start:end] for start, end in pairwise(cuts) if start < end]
    found = [event + b"\n\n" for event in data.split(b"\n\n")]
    last = found.pop()
    return found if last == b"\n\n" else [*found, last[:-2]]
