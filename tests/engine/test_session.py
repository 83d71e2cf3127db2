"""Which requests are one conversation where no client says so."""

from __future__ import annotations

import json

from hexapla.engine.session import session_of
from hexapla.translate.peek import peek


def named(system: str, first: str) -> str:
    blocks = [{"type": "text", "text": system}, {"type": "text", "text": "Be brief."}]
    body = {"model": "m", "max_tokens": 9, "system": blocks, "messages": [{"role": "user", "content": first}]}
    return session_of(peek("anthropic_messages", json.dumps(body).encode()), "", "").key


def test_the_opening_tells_whatever_it_says_to_anthropics_billing() -> None:
    """Claude Code's first block holds a hash that changes with every request of one conversation."""
    bill = "x-anthropic-billing-header: cc_version=2.1; cch={};".format
    assert named(bill("36ee5"), "hi") == named(bill("0aaa9"), "hi") != named(bill("36ee5"), "bye")
    assert named("A", "hi") != named("B", "hi")
