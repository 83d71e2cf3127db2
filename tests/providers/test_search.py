"""A search of the web at the vendors that make one: each takes what it is asked, and the answer arrives as any other."""

from __future__ import annotations

import asyncio
import json

import pytest

from providers.clients import DIALECTS, ask, understood
from providers.fake import Fake
from providers.house import House
from providers.script import TEXT

ASKED = {
    "openai/gpt-5.2": '"tools": [{"type": "web_search"}]',
    "anthropic/claude-sonnet-4-5": '"type": "web_search_20250305", "name": "web_search"',
    "gemini/gemini-2.5-flash": '"tools": [{"googleSearch": {}}]',
    "vertex_gemini/gemini-2.5-flash": '"tools": [{"googleSearch": {}}]',
    "xai/grok-4.5": '"tools": [{"type": "web_search"}]',
    "dashscope/qwen3-max": '"enable_search": true, "search_options": {"forced_search": true}',
    "bigmodel/glm-4.6": '"search_engine": "search_std", "search_result": true',
    "zai/glm-4.6": '"search_engine": "search-prime", "search_result": true',
    "perplexity/sonar": '"tools": [{"type": "web_search"}]',
}
"""A part of what the vendor hears."""


@pytest.mark.parametrize("model", ASKED)
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_vendor_takes_the_search(
    loop: asyncio.Runner, house: House, fakes: dict[str, Fake], model: str, dialect: str, stream: bool
) -> None:
    house.forgive()
    body = ask(dialect, model, "plain", stream=stream, plugins=[{"id": "web"}])
    answer = loop.run(house.ask(dialect, body))
    last = fakes[model.partition("/")[0]].visits[-1]
    assert answer.status == 200, f"{answer.body.decode()} {last.judged}"
    assert understood(dialect, answer.body, stream=stream).text == TEXT
    assert ASKED[model] in json.dumps(last.body) and "plugins" not in last.body
