"""Finish reasons, usage and names of Gemini's generateContent.

Rules of this file: data and lookups, total on what upstreams send.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from hexapla.ir.content import Origin
from hexapla.ir.response import Stop, StopReason, Usage
from hexapla.protocols.counts import count
from hexapla.wire.rawjson import NULL, load

NAME = "gemini_generate"
ORIGIN = Origin(NAME)

STOPS: dict[str, StopReason] = {
    # google-genai 3.6.1 types.FinishReason; https://ai.google.dev/api/generate-content#FinishReason, 2026-11
    "FINISH_REASON_UNSPECIFIED": "stop",
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "pause",
    **dict.fromkeys(
        (
            "SAFETY",
            "RECITATION",
            "LANGUAGE",
            "BLOCKLIST",
            "PROHIBITED_CONTENT",
            "SPII",
            "IMAGE_SAFETY",
            "IMAGE_PROHIBITED_CONTENT",
            "IMAGE_RECITATION",
            "ESCALATION",
            "PUP_LIMITED_DISABLED",
            "MODEL_ARMOR",
        ),
        "content_filter",
    ),
    **dict.fromkeys(
        (
            "OTHER",
            "MALFORMED_FUNCTION_CALL",
            "MALFORMED_RESPONSE",
            "UNEXPECTED_TOOL_CALL",
            "TOO_MANY_TOOL_CALLS",
            "MISSING_THOUGHT_SIGNATURE",
            "IMAGE_OTHER",
            "NO_IMAGE",
        ),
        "error",
    ),
}

NUMBERS = ("FINISH_REASON_UNSPECIFIED", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER", "BLOCKLIST")
"""Reasons by their number: some proxies write the protocol buffer's enum so (recorded 2026)."""

SAID: dict[StopReason, str] = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "tool_calls": "STOP",
    "content_filter": "SAFETY",
    "stop_sequence": "STOP",
    "pause": "STOP",
    "error": "OTHER",
}

BLOCKED = "promptFeedback"


def reason_of(word: Any) -> str | None:
    """A finishReason as a word; None where there is none."""
    if isinstance(word, int) and not isinstance(word, bool):
        return NUMBERS[word] if 0 <= word < len(NUMBERS) else str(word)
    return word if isinstance(word, str) and word else None


def stop_of(native: str, *, called: bool, extras: Mapping[str, Raw] | None = None) -> Stop:
    """A finishReason as ours: STOP beside calls means that they want answers; an unknown word is stop."""
    reason = STOPS.get(native, "stop")
    if called and reason == "stop":
        reason = "tool_calls"
    return Stop(reason=reason, native=native, extras={NAME: extras} if extras else {})


def say_stop(stop: Stop | None) -> str:
    """finishReason for a Gemini client; a native word of this dialect is kept."""
    if stop is None:
        return "STOP"
    return stop.native if stop.native in STOPS else SAID[stop.reason]


# usage

_INPUT = ("promptTokenCount", "toolUsePromptTokenCount")
_SPOKEN = frozenset(
    {"promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "cachedContentTokenCount", "totalTokenCount"}
)


def usage_of(raw: Raw) -> Usage | None:
    """usageMetadata as ours.

    The prompt's count includes what was cached; what tools put into it is counted beside it.  Thought is counted beside
    the candidates, except by servers whose total says that it is among them (Vertex did so for a while).
    """
    said = load(raw, dict[str, Any])
    if said is None:
        return None
    prompt, tools = (count(said.get(name)) for name in _INPUT)
    candidates, thoughts = count(said.get("candidatesTokenCount")), count(said.get("thoughtsTokenCount"))
    total = count(said.get("totalTokenCount"))
    entered = None if prompt is None else prompt + (tools or 0)
    return Usage(
        input=entered,
        output=_output(entered, candidates, thoughts, total),
        cached=count(said.get("cachedContentTokenCount")),
        reasoning=thoughts,
        audio_input=_audio(said.get("promptTokensDetails")),
        audio_output=_audio(said.get("candidatesTokensDetails")),
        extras=_extras(raw),
    )


def _output(entered: int | None, candidates: int | None, thoughts: int | None, total: int | None) -> int | None:
    if candidates is None and thoughts is None:
        return None if total is None or entered is None else max(0, total - entered)
    if candidates is not None and thoughts and total is not None and total == (entered or 0) + candidates:
        return candidates
    return (candidates or 0) + (thoughts or 0)


def render_usage(usage: Usage | None) -> dict[str, Any]:
    """Our counts as Gemini splits them: thought beside the candidates, the input of tools beside the prompt."""
    usage = usage or Usage()
    own = dict(usage.extras.get(NAME, {}))
    entered, output = usage.input or 0, usage.output or 0
    thoughts = min(usage.reasoning or 0, output)
    counted = own.get("toolUsePromptTokenCount")
    tools = (load(counted, int) if isinstance(counted, Raw) else None) or 0
    said: dict[str, Any] = {
        "promptTokenCount": max(0, entered - tools),
        "candidatesTokenCount": output - thoughts,
        "totalTokenCount": entered + output,
    }
    if usage.cached is not None:
        said["cachedContentTokenCount"] = usage.cached
    if usage.reasoning is not None:
        said["thoughtsTokenCount"] = thoughts
    return said | own


def _extras(raw: Raw) -> dict[str, dict[str, Raw]]:
    """Details by modality, trafficType ...: what only this API counts."""
    rest = {name: value for name, value in (load(raw, dict[str, Raw]) or {}).items() if name not in _SPOKEN}
    kept = {name: Raw(bytes(value)) for name, value in rest.items() if value != NULL}
    return {NAME: kept} if kept else {}


def _audio(details: Any) -> int | None:
    """The sound's share of a count by modality."""
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and detail.get("modality") == "AUDIO":
            return count(detail.get("tokenCount"))
    return None


# ids


def made_id(*facts: object) -> str:
    """An id for a call that the wire gave none: the same for the same facts, in every process."""
    digest = hashlib.sha256("\0".join(map(str, facts)).encode("utf-8", "surrogatepass")).hexdigest()
    return f"call_{digest[:24]}"


made = re.compile(r"call_[0-9a-f]{24}$").match
"""Whether an id looks as if it had been made here."""
