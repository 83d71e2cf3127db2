"""A finished request, as its record has it."""

from __future__ import annotations

from hexapla.ir.loss import Loss
from hexapla.ir.response import Usage
from hexapla.ledger import Attempt, Cost, Generation

FINISHED = Generation(
    id="gen-1",
    key="alice",
    client_protocol="anthropic_messages",
    requested="fast",
    provider="deepseek",
    model="chat",
    lane="hub",
    stream=True,
    created=1_700_000_000.25,
    latency=1.25,
    first=0.5,
    outcome="ok",
    stop="stop",
    status=200,
    usage=Usage(input=12_345, output=67, cached=5),
    cost=Cost(currency="USD", nanos=1_234_000, source="catalogue"),
    losses=(Loss("sampling.top_k", "a secret reason"),),
    attempts=(
        Attempt(
            provider="openai",
            model="gpt",
            protocol="openai_chat",
            lane="hub",
            started=1.0,
            latency=0.1,
            status=503,
            outcome="overloaded",
            message="the prompt was: tell me a secret",
        ),
    ),
)
