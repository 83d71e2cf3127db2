"""The lane that is found straight away is the one that a search for it finds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hexapla.catalog.schema import Quirks
from hexapla.ir.content import Origin
from hexapla.ir.target import Target
from hexapla.protocols.base import Reply
from hexapla.translate.open import Translation
from hexapla.translate.peek import LARGE, check_conversation, peek
from hexapla.translate.straight import straight, straight_to

CHAT, MESSAGES, RESPONSES = "openai_chat", "anthropic_messages", "openai_responses"
BODY = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 5, "user": "u"}


def opened(protocol: str, body: dict[str, Any], target: Target, quirks: Quirks) -> tuple[bytes, str] | None:
    """The body and lane of both ways, which must agree; None where the straight way is not open."""
    peeked = peek(protocol, json.dumps(body).encode())
    check_conversation(peeked)
    way = straight_to(target, quirks) if target.origin.protocol == protocol else None
    short = straight(peeked, way) if way is not None else None
    if short is None:
        return None
    lane = Translation(peeked, Reply(id="g", created=0, model="m")).open(target, quirks)
    assert (short.body, short.name, short.losses) == (lane.body, lane.name, lane.losses)
    return short.body, short.name


def at(protocol: str, model: str = "m", **facts: Any) -> Target:
    return Target(origin=Origin(provider="p", protocol=protocol), model=model, **facts)


@pytest.mark.parametrize("protocol", [CHAT, MESSAGES])
@pytest.mark.parametrize("model", ["m", "another"])
def test_texts_pass_as_they_are(protocol: str, model: str) -> None:
    found = opened(protocol, BODY, at(protocol, model), Quirks())
    assert found is not None and json.loads(found[0]) == {**BODY, "model": model}


def test_what_nobody_looks_through_passes_as_it_is() -> None:
    """But where the target cares for the inside, it is looked for."""
    long = {**BODY, "messages": [{"role": "developer", "content": [{"type": "text", "text": "word " * LARGE}]}]}
    assert opened(CHAT, long, at(CHAT, "another"), Quirks()) is not None
    assert opened(CHAT, long, at(CHAT, developer_role=False), Quirks()) is None


@pytest.mark.parametrize(
    ("body", "target", "quirks"),
    [
        ({**BODY, "stream": True}, at(CHAT), Quirks()),
        ({**BODY, "provider": {}}, at(CHAT), Quirks()),
        ({**BODY, "tools": []}, at(CHAT), Quirks()),
        ({**BODY, "messages": [{"role": "user", "content": []}]}, at(CHAT), Quirks()),
        ({**BODY, "messages": [{"role": "developer", "content": "x"}]}, at(CHAT, developer_role=False), Quirks()),
        (BODY, at(CHAT), Quirks(strip=("user",))),
        (BODY, at(MESSAGES), Quirks()),
        ({"model": "m", "input": "hi"}, at(RESPONSES), Quirks()),
    ],
    ids=["stream", "wish", "tools", "parts", "concern", "quirk", "dialect", "no texts"],
)
def test_whatever_is_looked_into_goes_the_longer_way(body: dict[str, Any], target: Target, quirks: Quirks) -> None:
    protocol = RESPONSES if "input" in body else CHAT
    assert opened(protocol, body, target, quirks) is None
