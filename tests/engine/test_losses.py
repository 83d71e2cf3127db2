"""What the configuration says about losses, where the request says nothing."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from hexapla.config import load_config
from hexapla.engine.assemble import open_gateway
from hexapla.engine.client import Ask
from hexapla.errors import ClientError
from hexapla.ir.loss import Loss

LOSSY = {"model": "own/m", "messages": [{"role": "user", "content": "Hi"}], "seed": 1}
TEXT = """
[ledger]
path = ":memory:"
[providers.own]
auth = { kind = "none" }
[[providers.own.endpoints]]
protocol = "anthropic_messages"
base_url = "http://127.0.0.1:1/v1"
"""


@pytest.mark.parametrize(
    ("configured", "asked", "refused"),
    [
        ("allow", None, False),
        ("warn", None, False),
        ("strict", None, True),
        ("strict", "allow", False),
        ("allow", "strict", True),
    ],
)
def test_the_requests_word_stands_above_the_configurations(
    configured: Any, asked: Any, refused: bool, tmp_path: Any
) -> None:
    """strict refuses before anything is sent and names the field; the others report it."""
    file = tmp_path / "hexapla.toml"
    file.write_text(f'on_loss = "{configured}"\n{TEXT}')

    async def explain() -> tuple[Loss, ...]:
        gateway = open_gateway(load_config(file))
        try:
            ask = Ask(protocol="openai_chat", body=json.dumps(LOSSY).encode(), on_loss=asked)
            _, plan, open_call = gateway.planned(ask)
            return open_call(plan.candidates[0]).lane.losses
        finally:
            await gateway.aclose()

    if refused:
        with pytest.raises(ClientError, match="seed"):
            asyncio.run(explain())
    else:
        assert [loss.field.rpartition(".")[2] for loss in asyncio.run(explain())] == ["seed"]
