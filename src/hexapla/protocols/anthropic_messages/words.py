"""Stop reasons and usage of the Messages API.

Rules of this file: data and lookups, total on what upstreams send; a count that nobody sent is None when read, 0 when
written.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hexapla.ir.response import Stop, StopReason, Usage
from hexapla.protocols.counts import count
from hexapla.wire.rawjson import NULL, load

NAME = "anthropic_messages"

STOPS: dict[str, StopReason] = {
    # https://docs.claude.com/en/api/handling-stop-reasons, 2026-11
    "end_turn": "stop",
    "stop_sequence": "stop_sequence",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "pause_turn": "pause",
    "compaction": "pause",
    "refusal": "content_filter",
}

SAID: dict[StopReason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "stop_sequence": "stop_sequence",
    "pause": "pause_turn",
    "error": "end_turn",
}


def stop_of(native: str | None, sequence: str | None, *, details: Raw | None = None) -> Stop | None:
    """A stop_reason as ours; an unknown word is stop, kept as native."""
    if native is None:
        return None
    extras = {NAME: {"stop_details": details}} if details is not None else {}
    return Stop(reason=STOPS.get(native, "stop"), native=native, sequence=sequence, extras=extras)


def ended(stop: Stop | None, *, calls: bool) -> Stop | None:
    """Why an answer ended: one that stops with calls in it ends for them, whatever small servers call that."""
    return replace(stop, reason="tool_calls") if calls and stop is not None and stop.reason == "stop" else stop


def say_stop(stop: Stop | None) -> tuple[str, str | None]:
    """(stop_reason, stop_sequence) for a Messages client; a native word of this dialect is kept where it says the same:
    relays put the vendor's own beside theirs, and an emulated output's call ended no turn."""
    if stop is None:
        return "end_turn", None
    if stop.native is not None and STOPS.get(stop.native) == stop.reason:
        return stop.native, stop.sequence
    if stop.reason == "stop_sequence" and stop.sequence is None:
        return "end_turn", None
    return SAID[stop.reason], stop.sequence


def usage_of(raw: Raw) -> Usage | None:
    """Messages' counts as ours: its three kinds of input are added up.

    Output counts include thinking; how much of it, newer versions say in output_tokens_details.
    """
    said = load(raw, dict[str, Any]) if raw else None
    if said is None:
        return None
    entered, read, written = (count(said.get(name)) for name in _INPUTS)
    known = [count for count in (entered, read, written) if count is not None]
    lifetimes, details = said.get("cache_creation"), said.get("output_tokens_details")
    served = said.get("server_tool_use")
    usage = Usage(
        input=sum(known) if entered is not None else None,
        output=count(said.get("output_tokens")),
        cached=read,
        cache_write=written,
        cache_write_1h=count(lifetimes.get("ephemeral_1h_input_tokens")) if isinstance(lifetimes, dict) else None,
        reasoning=count(details.get("thinking_tokens")) if isinstance(details, dict) else None,
        searches=count(served.get("web_search_requests")) if isinstance(served, dict) else None,
        extras=_extras(raw),
    )
    return None if usage == Usage() else usage


class Counts(msgspec.Struct, omit_defaults=True, gc=False):
    """Usage as a Messages client hears it."""

    input_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    output_tokens: int
    cache_creation: dict[str, int] | None = None
    output_tokens_details: dict[str, int] | None = None


def render_usage(usage: Usage | None) -> Counts | dict[str, Any]:
    """Our counts as Messages splits them: uncached, read from and written to a cache."""
    usage = usage or _NOTHING
    entered = usage.input or 0
    # some Chat providers leave cached tokens out of their input count: the parts must not exceed the sum
    cached = min(usage.cached or 0, entered)
    written = min(usage.cache_write or 0, entered - cached)
    said = Counts(entered - cached - written, written, cached, usage.output or 0)
    if usage.cache_write_1h is not None:
        later = min(usage.cache_write_1h, written)
        said.cache_creation = {"ephemeral_5m_input_tokens": written - later, "ephemeral_1h_input_tokens": later}
    if usage.reasoning is not None:
        said.output_tokens_details = {"thinking_tokens": usage.reasoning}
    return {**msgspec.to_builtins(said), **usage.extras.get(NAME, {})} if usage.extras else said


_NOTHING = Usage()
_INPUTS = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
_KNOWN = frozenset({*_INPUTS, "output_tokens", "cache_creation", "output_tokens_details"})


def _extras(raw: Raw) -> dict[str, dict[str, Raw]]:
    """server_tool_use, service_tier, inference_geo ...: counts that only this API has."""
    rest = {name: value for name, value in (load(raw, dict[str, Raw]) or {}).items() if name not in _KNOWN}
    kept = {name: Raw(bytes(value)) for name, value in rest.items() if value != NULL}
    return {NAME: kept} if kept else {}
