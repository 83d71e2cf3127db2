"""What a script sees of a request and says in an answer, without any dialect."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

INPUT, CACHED, WRITTEN, OUTPUT, REASONING = 1000, 800, 50, 70, 20
"""Every answer's usage: input tokens (of which cached and, if the dialect says so, written), output (of which thought)."""


class Text(NamedTuple):
    """Words for the user."""

    text: str


class Thought(NamedTuple):
    """Reasoning.  `open` is readable, `hidden` only an opaque state, `details` is OpenRouter's form of Chat."""

    text: str
    form: Literal["open", "hidden", "details"] = "open"


class Call(NamedTuple):
    """A tool call; the dialect gives it an id."""

    name: str
    arguments: str


class Fault(NamedTuple):
    """How a stream breaks in its middle: an error event, a clean end, a reset, silence; or an error inside a 200."""

    kind: Literal["error", "cut", "abort", "stall", "instead"]


@dataclass(frozen=True)
class Turn:
    """One answer of the model.  `interleave`: the calls' deltas alternate where the dialect allows it."""

    blocks: tuple[Text | Thought | Call, ...]
    stop: Literal["stop", "tool", "length"] = "stop"
    interleave: bool = False
    fault: Fault | None = None


@dataclass
class View:
    """What a request says.

    calls     (id, call) of the whole conversation, in order
    results   call id -> what the tool said
    thoughts  reasoning that came back with its state intact
    schema    JSON schema of the demanded answer
    forced    the tool that must be called
    must      some tool must be called
    given     the id that the dialect gives the n-th call of a conversation
    trial     how often this model name was asked before
    """

    model: str
    given: Callable[[int], str]
    stream: bool = False
    usage_chunk: bool = False
    encrypted: bool = False
    system: str = ""
    user: str = ""
    tools: dict[str, Any] = field(default_factory=dict)
    forced: str = ""
    must: bool = False
    schema: Any = None
    calls: list[tuple[str, Call]] = field(default_factory=list)
    results: dict[str, str] = field(default_factory=dict)
    thoughts: list[str] = field(default_factory=list)
    trial: int = 0


def token(*parts: object, size: int = 24) -> str:
    """An id that the same parts always get: letters and digits."""
    digest = hashlib.sha256("\x00".join(map(str, parts)).encode()).digest()
    return base64.b32encode(digest).decode().lower()[:size]


def seal(text: str) -> str:
    """An opaque state that only the fake can read."""
    return "sealed/" + base64.b64encode(f"{token('seal', text)}{text}".encode()).decode()


def unseal(state: object) -> str | None:
    """The text inside a state, or None if it is not as `seal` made it."""
    if not isinstance(state, str) or not state.startswith("sealed/"):
        return None
    try:
        opened = base64.b64decode(state.removeprefix("sealed/"), validate=True).decode()
    except ValueError:
        return None
    return opened[24:] if opened[:24] == token("seal", opened[24:]) else None


def pieces(text: str, size: int = 7) -> list[str]:
    """Text as a stream's deltas."""
    return [text[at : at + size] for at in range(0, len(text), size)] or [""]
