"""What one check of one provider found.

Findings are values, so that a terminal, a pipe and a test read the same thing; `words.py` says what a code means.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

Check = Literal["key", "address", "proxy", "dns", "tls", "clock", "models", "model", "call", "stream", "tools"]
Verdict = Literal["ok", "warn", "fail", "skip"]

CHECKS: tuple[Check, ...] = (
    "key",
    "address",
    "proxy",
    "dns",
    "tls",
    "clock",
    "models",
    "model",
    "call",
    "stream",
    "tools",
)
"""In the order of a request's way."""

Fact = str | int | float


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One result.

    code     its text in words.py
    facts    what the text names; never a secret
    seconds  how long the check took, where that tells something
    """

    provider: str
    check: Check
    verdict: Verdict
    code: str
    facts: dict[str, Fact] = {}
    seconds: float | None = None


def found(
    provider: str, check: Check, verdict: Verdict, code: str, *, seconds: float | None = None, **facts: Fact
) -> Finding:
    """A Finding, in short."""
    return Finding(provider=provider, check=check, verdict=verdict, code=code, facts=facts, seconds=seconds)


def worst(findings: Iterable[Finding]) -> Verdict:
    """The gravest verdict."""
    order: tuple[Verdict, ...] = ("skip", "ok", "warn", "fail")
    return max((finding.verdict for finding in findings), key=order.index, default="skip")
