"""The name of Chat chunks that say none, or that of a whole answer.

OpenAI's SDK puts a stream together from the chunks whose `object` is "chat.completion.chunk" and passes over any other
(openai-python 3.57, lib/streaming/chat/_completions.py, 2026-11-28).  Copilot and GLM say nothing there, and Perplexity
calls its chunks what a whole answer is called: nothing would be left of them.

The first chunk that has its name ends the search: those after it have theirs, and cost nothing.
"""

from __future__ import annotations

import re

from hexapla.translate.tap import events

_NAME = b'"object":"chat.completion.chunk"'
_RIGHT = re.compile(rb'"object":\s*"chat\.completion\.chunk"')
_OTHER = re.compile(rb'"object":\s*(?:"[^"]*"|null)')
_BEGIN = re.compile(rb"^(data: ?\{)", re.MULTILINE)


def named(data: bytes) -> tuple[bytes, bool]:
    """Whole events with their names, and whether one of them had it."""
    if _RIGHT.search(data):
        return data, True
    return b"".join([_named(event) for event in events(data)]), False


def _named(event: bytes) -> bytes:
    if b'"choices"' not in event:
        return event  # a comment, an error, the end
    if b'"object"' in event:
        return _OTHER.sub(_NAME, event, count=1)
    return _BEGIN.sub(rb"\1" + _NAME + b",", event, count=1)
