"""The name of Chat chunks that say none, or that of a whole answer.

OpenAI's SDK puts a stream together from the chunks whose `object` is "chat.completion.chunk" and passes over any other
(openai-python 3.57, lib/streaming/chat/_completions.py, 2026-11-28).  Copilot and GLM say nothing there, and Perplexity
calls its chunks what a whole answer is called: nothing would be left of them.

The first chunk that has its name ends the search: those after it have theirs, and cost nothing.
"""

from __future__ import annotations

import re

from hexapla.wire.events import EVENT_END, events

_NAME = b'"object":"chat.completion.chunk"'
_RIGHT = re.compile(rb'"object":\s*"chat\.completion\.chunk"')
_OTHER = re.compile(rb'"object":\s*(?:"[^"]*"|null)')
_SAYS = re.compile(rb'"choices":\s*\[\s*\{|"usage":\s*\{')  # Azure's filters, which come first, are heard by nobody
_BEGIN = re.compile(rb"^(data: ?\{)", re.MULTILINE)


def named(data: bytes) -> tuple[bytes, bool]:
    """Whole events with their names, and whether one of them had it; those after that one stay as they are."""
    right = _RIGHT.search(data)
    if right is not None and EVENT_END.search(data, 0, right.start()) is None:
        return data, True
    said: list[bytes] = []
    coming = iter(events(data))
    for event in coming:
        if _RIGHT.search(event):
            return b"".join([*said, event, *coming]), True
        said.append(_named(event))
    return b"".join(said), False


def _named(event: bytes) -> bytes:
    if b'"choices"' not in event or not _SAYS.search(event):
        return event  # a comment, an error, the end
    if b'"object"' in event:
        return _OTHER.sub(_NAME, event, count=1)
    return _BEGIN.sub(rb"\1" + _NAME + b",", event, count=1)
