"""The vocabulary of the Responses API: status, usage, tiers, item ids.

The same few words stand in whole answers, in the `response` of stream events and in what we say to clients, so both
directions of each stand here side by side.

Rules of this file: data and small lookups; total on what upstreams send; no items, no requests.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from hexapla.ir.content import Origin
from hexapla.ir.response import Stop, Usage
from hexapla.protocols.counts import bill, count
from hexapla.wire.rawjson import dump, load

NAME = "openai_responses"
ORIGIN = Origin(NAME)

TIERS = frozenset({"auto", "default", "flex", "scale", "priority", "fast", "ultrafast"})
"""Service tiers that the SDK's types know (openai-python 3.54 types/responses/service_tier.py)."""

FAILED = frozenset({"failed", "cancelled"})
UNFINISHED = frozenset({"queued", "in_progress"})
"""A background answer is still being made (https://platform.openai.com/docs/guides/background, 2026-08)."""

ACTIONS = frozenset({"computer_call", "local_shell_call", "shell_call", "apply_patch_call"})
"""Items that the client must act on, as on a call.  One that the vendor acted on itself is followed by its output."""

# status


def stop_of(status: str | None, reason: str | None, *, calls: bool) -> Stop | None:
    """A status and its incomplete reason as ours; None where the wire says nothing.

    calls  the answer holds something that the client must run
    """
    if status == "incomplete":
        return Stop(reason="content_filter" if reason == "content_filter" else "length", native=reason)
    if status in UNFINISHED:
        return Stop(reason="pause", native=status)
    if status is None and not calls:
        return None
    return Stop(reason="tool_calls" if calls else "stop", native=status)


_REASONS = frozenset({"max_output_tokens", "max_messages", "content_filter", "steered"})


def status_of(stop: Stop | None) -> tuple[str, str | None]:
    """(status, incomplete reason) for a Responses client."""
    reason = stop.reason if stop is not None else "stop"
    native = stop.native if stop is not None else None
    if reason == "length":
        return "incomplete", native if native in _REASONS - {"content_filter"} else "max_output_tokens"
    if reason == "content_filter":
        return "incomplete", "content_filter"
    if reason == "error":
        return "failed", None
    if reason == "pause" and native in UNFINISHED:
        return native or "", None
    return "completed", None


# usage

_COUNTED = frozenset({"input_tokens", "output_tokens", "total_tokens", "input_tokens_details", "output_tokens_details"})


def usage_of(raw: Raw) -> Usage | None:
    """A usage object as ours: both APIs of OpenAI count alike.  What else was reported is kept."""
    said = load(raw, dict[str, Any])
    if not said:
        return None
    entered, left = _details(said, "input_tokens_details"), _details(said, "output_tokens_details")
    cost = bill(said.get("cost"))
    read = _COUNTED if cost is None else _COUNTED | {"cost"}
    rest = {name: dump(value) for name, value in said.items() if name not in read and value is not None}
    usage = Usage(
        input=count(said.get("input_tokens")),
        output=count(said.get("output_tokens")),
        cached=count(entered.get("cached_tokens")),
        cache_write=count(entered.get("cache_write_tokens")),
        reasoning=count(left.get("reasoning_tokens")),
        cost=cost,
        extras={NAME: rest} if rest else {},
    )
    return None if usage == Usage() else usage


def render_usage(usage: Usage) -> dict[str, Any]:
    """Usage as the SDK's strict types want it; a count that nobody reported is 0 there."""
    entered, left = usage.input or 0, usage.output or 0
    said: dict[str, Any] = {
        "input_tokens": entered,
        "input_tokens_details": {"cached_tokens": usage.cached or 0, "cache_write_tokens": usage.cache_write or 0},
        "output_tokens": left,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning or 0},
        "total_tokens": entered + left,
    }
    if usage.cost is not None:
        said["cost"] = usage.cost  # OpenRouter's field (https://openrouter.ai/docs/use-cases/usage-accounting, 2026-08)
    return said | dict(usage.extras.get(NAME, {}))


def _details(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = said.get(name)
    return value if isinstance(value, dict) else {}


# ids

_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""What is taken back as an item's id: letters, numbers, underscores, dashes
(https://github.com/langchain-ai/langchainjs/issues/11044), at most 64 of them, though Copilot hands out ids of 416
(https://github.com/can1357/oh-my-pi/issues/284; both 2026-11)."""


def good_id(item_id: str | None) -> bool:
    """Whether a Responses server takes this id back."""
    return item_id is not None and _ID.fullmatch(item_id) is not None


class Ids:
    """Ids of one answer's items: the same answer and place give the same id, and no two items share one.

    The SDK's stream helper keys items by id and refuses an answer that uses one twice.
    """

    __slots__ = ("_seed", "_taken")

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._taken: set[str] = set()

    def take(self, native: str | None, prefix: str, index: int) -> str:
        """The native id where there is one that is free, else one made of the answer's id and the place."""
        found = native if native and native not in self._taken else self._made(prefix, index)
        self._taken.add(found)
        return found

    def _made(self, prefix: str, index: int) -> str:
        plain = f"{prefix}_{self._seed}_{index}"
        if good_id(plain):
            return plain
        return f"{prefix}_{hashlib.sha256(self._seed.encode('utf-8', 'replace')).hexdigest()[:32]}_{index}"
