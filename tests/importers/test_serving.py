"""A gateway with an imported configuration answers an agent as the old one did."""

from __future__ import annotations

import asyncio
import json

from doctor.vendor import Vendor
from hexapla.config import assemble, parse_config
from hexapla.engine.assemble import open_gateway
from hexapla.engine.client import Ask
from hexapla.importers.ccr import convert
from hexapla.importers.draft import Draft
from hexapla.importers.load import load
from hexapla.importers.render import render
from hexapla.sdk.inbox import Inbox
from importers.importing import CATALOG


def test_an_agents_request_takes_the_imported_way() -> None:
    """Claude Code's haiku goes to the model of `background`, with the key that stood in the file."""

    async def story() -> None:
        vendor = Vendor()
        runner = await vendor.start()
        provider = {
            "name": "Mine",
            "api_base_url": f"{vendor.url}/chat/completions",
            "api_key": "sk-old",
            "models": ["m"],
        }
        old = {"Providers": [provider], "Router": {"default": "Mine,big", "background": "Mine,small"}}
        draft = Draft(CATALOG)
        convert(load(json.dumps(old), "config.json"), draft)
        text = 'ledger = { path = ":memory:" }\n' + render(draft, "elsewhere")
        environment = draft.safe.secrets
        gateway = open_gateway(assemble(parse_config(text, "hexapla.toml", environment), environment))
        body = {"model": "claude-haiku-4-5", "max_tokens": 50, "messages": [{"role": "user", "content": "Hello"}]}
        inbox = Inbox(depth=0)
        ask = Ask(protocol="anthropic_messages", body=json.dumps(body).encode(), profile="ccr")
        try:
            await gateway.generate(ask, inbox)
            said = json.loads(await inbox.read())
        finally:
            await gateway.aclose()
            await runner.cleanup()
        assert inbox.status == 200 and said["content"][0]["text"] == "ready"
        assert [asked["model"] for asked in vendor.asked] == ["small"] and environment == {"MINE_API_KEY": "sk-old"}

    asyncio.run(story())
