"""What the writers share: the shape of an event, and what a request turned out to say."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from providers.facts import Wire

CREATED = 1790000000


@dataclass
class Heard:
    """What a request says.  `thoughts`: states of earlier thought that came back as they were given."""

    calls: list[str] = field(default_factory=list)
    results: dict[str, str] = field(default_factory=dict)
    thoughts: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)

    def answers(self) -> list[str]:
        """What the tools said, in the order of the calls."""
        return [self.results[key] for key in self.calls if key in self.results]


def dumps(value: Any) -> str:
    """JSON without needless white space, and with everybody's letters."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def event(wire: Wire, data: str, name: str = "") -> bytes:
    """One event as this vendor writes it."""
    lines = ([f"event: {name}"] if name else []) + [wire.prefix + data, "", ""]
    return wire.newline.join(lines).encode()


def comments(wire: Wire) -> list[bytes]:
    """The lines that come before anything else."""
    return [f"{line}{wire.newline * 2}".encode() for line in wire.comments]


def text_of(content: Any) -> str:
    """The text of a content field, whole or in parts."""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content or () if isinstance(part, dict))
