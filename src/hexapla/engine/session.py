"""Which conversation a request belongs to, so that it can stay where its prompt is cached (routing/affinity.py).

The client's own word comes first (`session_id`, a header, `prompt_cache_key`); else the opening tells, which stays the
same while a conversation grows: the instructions and the first message.
"""

from __future__ import annotations

import hashlib
import re

from msgspec import Raw

from hexapla.routing.affinity import Session
from hexapla.translate.peek import CONVERSATION, Peek
from hexapla.wire.rawjson import load

NAMES = frozenset({"session_id", "prompt_cache_key"})
"""Fields that name a session."""

INSTRUCTIONS = ("system", "instructions", "systemInstruction")
"""Where dialects keep instructions beside the conversation."""

# what Claude Code says first: a hash in it changes with every request (https://github.com/anthropics/claude-code/issues/68900)
_billing = re.compile(rb'"x-anthropic-billing-header:[^"]*"')

MOST = 256  # characters of a session's name; OpenRouter's own limit


def session_of(peeked: Peek, key: str, header: str) -> Session:
    """The session of `key`'s request.  `header`: what the client's session header says, or ""."""
    name = said_session(peeked, header)
    whose = (key, peeked.model, name or _opening(peeked))
    return Session("\0".join(whose), named=bool(name))


def said_session(peeked: Peek, header: str) -> str:
    """The session that the client names, or "": the more telling name first."""
    said = (_text(peeked, "session_id"), header, _text(peeked, "prompt_cache_key"))
    return next((text for text in said if text), "")[:MOST]


def _text(peeked: Peek, field: str) -> str:
    raw = peeked.fields.get(field)
    return (load(raw, str) if raw is not None else None) or ""


def _opening(peeked: Peek) -> str:
    """A digest of the instructions and of the conversation's beginning, up to the first thing that is no instruction."""
    digest = hashlib.sha256()
    for name in INSTRUCTIONS:
        digest.update(_billing.sub(b"", peeked.fields.get(name, b""), 1))
    raw = peeked.fields.get(CONVERSATION[peeked.protocol])
    listed = load(raw, list[Raw]) if raw is not None else None
    for item in listed if listed is not None else [raw or b""]:
        digest.update(item)
        if not _instructs(bytes(item)):
            break
    return digest.hexdigest()


def _instructs(item: bytes) -> bool:
    head = item[:200]
    return b'"system"' in head or b'"developer"' in head
