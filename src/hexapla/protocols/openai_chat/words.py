"""Finish reasons: the words of Chat Completions and of its many relatives.

Rules of this file: data and two lookups; an unknown word is a stop, kept as the native word.
"""

from __future__ import annotations

from typing import Protocol

from hexapla.ir.response import Stop, StopReason


class Ended(Protocol):
    """What a choice says of its end."""

    @property
    def finish_reason(self) -> str | None: ...
    @property
    def native_finish_reason(self) -> str | None: ...
    @property
    def stop_reason(self) -> str | int | None: ...


FINISH: dict[str, StopReason] = {
    "stop": "stop",
    "end_turn": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "complete": "stop",
    "completed": "stop",
    "end": "stop",
    "done": "stop",
    "stop_str": "stop_sequence",
    "stop_sequence": "stop_sequence",
    "length": "length",
    "max_tokens": "length",
    "max_length": "length",
    "max_output_tokens": "length",
    "model_length": "length",
    "model_context_window_exceeded": "length",
    "tool_calls": "tool_calls",
    "tool_call": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "safety": "content_filter",
    "sensitive": "content_filter",
    "recitation": "content_filter",
    "refusal": "content_filter",
    "prohibited_content": "content_filter",
}

FAILED = frozenset(
    {"error", "network_error", "insufficient_system_resource", "engine_error", "abort", "malformed_function_call"}
)
"""Finish reasons that say that the provider failed (docs.bigmodel.cn, api-docs.deepseek.com, 2026-08)."""

SAID: dict[StopReason, str] = {
    "stop": "stop",
    "stop_sequence": "stop",
    "pause": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "error": "stop",
}

TIERS = frozenset({"auto", "default", "flex", "scale", "priority", "fast"})
"""Service tiers that OpenAI's SDK knows (openai-python 3.54, 2026-11)."""


def failed(reason: str | None) -> bool:
    """Whether a finish reason says that the provider failed."""
    return reason is not None and reason.lower() in FAILED


def stop_of(choice: Ended | None, *, calls: bool) -> Stop | None:
    """Why a choice ended.  `stop` beside tool calls is tool_calls; None: there was no reason.

    choice  the choice that carried the last finish reason
    """
    if choice is None or not choice.finish_reason:
        return Stop(reason="tool_calls") if calls else None
    usual = _USUAL.get((choice.finish_reason, calls))
    if usual is not None and not choice.native_finish_reason and not choice.stop_reason:
        return usual
    said, native = choice.finish_reason, choice.native_finish_reason or choice.finish_reason
    reason = FINISH.get(said.lower(), "stop")
    # vLLM names the sequence in stop_reason (docs.vllm.ai, 2026-08), OpenRouter has the vendor's own word beside its own
    sequence = choice.stop_reason if isinstance(choice.stop_reason, str) and choice.stop_reason else None
    if reason == "stop" and (sequence is not None or native.lower() == "stop_sequence"):
        reason = "stop_sequence"
    if calls and reason in ("stop", "stop_sequence"):
        reason = "tool_calls"
    return Stop(reason=reason, native=native, sequence=sequence)


_USUAL = {
    ("stop", False): Stop(reason="stop", native="stop"),
    ("length", False): Stop(reason="length", native="length"),
    ("tool_calls", True): Stop(reason="tool_calls", native="tool_calls"),
}
"""How nearly every choice ends: (word, whether it has calls) -> why."""
