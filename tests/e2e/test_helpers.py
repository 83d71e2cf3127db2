"""The official SDKs' helpers for programs that wait for several things at once, and for loops that run tools themselves."""

from __future__ import annotations

import asyncio
from typing import Any

import anthropic
import openai
import pytest
from anthropic import beta_async_tool, beta_tool

from e2e.doors import Door
from e2e.talks import KEY
from fakes.running import Fake
from fakes.scripts import GREETING

pytestmark = pytest.mark.e2e

ASKED: Any = [{"role": "user", "content": "Hello"}]
WEATHER = "The tool said: Zürich: 21 °C"


async def _chat(door: Door) -> str:
    client = openai.AsyncOpenAI(base_url=f"{door.url}/v1", api_key=KEY, max_retries=0)
    async with client, client.chat.completions.stream(model=door.model("plain"), messages=ASKED) as events:
        return "".join([event.delta async for event in events if event.type == "content.delta"])


async def _responses(door: Door) -> str:
    client = openai.AsyncOpenAI(base_url=f"{door.url}/v1", api_key=KEY, max_retries=0)
    async with client, client.responses.stream(model=door.model("plain"), input=ASKED) as events:
        return "".join([event.delta async for event in events if event.type == "response.output_text.delta"])


async def _messages(door: Door) -> str:
    client = anthropic.AsyncAnthropic(base_url=door.url, api_key=KEY, max_retries=0)
    async with client, client.messages.stream(model=door.model("plain"), messages=ASKED, max_tokens=99) as events:
        return "".join([text async for text in events.text_stream])


def test_three_streams_at_once(inside: Door) -> None:
    """One program reads all dialects at the same time through the asynchronous helpers."""

    async def together() -> list[str]:
        return await asyncio.gather(_chat(inside), _responses(inside), _messages(inside))

    assert asyncio.run(together()) == [GREETING] * 3


@beta_tool
def get_weather(city: str) -> str:
    """The weather.

    Args:
        city: where
    """
    return f"{city}: 21 °C"


@beta_async_tool
async def get_weather_soon(city: str) -> str:
    """The weather.

    Args:
        city: where
    """
    return f"{city}: 21 °C"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_the_sdk_runs_the_tools(stream: bool, inside: Door, fake: Fake) -> None:
    """`tool_runner` calls the function, sends what it said, and ends with the model's words; the thread that it asks for
    first is refused in such a way that it goes on without one."""
    asking: Any = {"model": inside.model("tool"), "messages": ASKED, "max_tokens": 99, "tools": [get_weather]}
    with anthropic.Anthropic(base_url=inside.url, api_key=KEY, max_retries=0) as client:
        last = client.beta.messages.tool_runner(**asking, stream=stream).until_done()
    assert [block.text for block in last.content if block.type == "text"] == [WEATHER]
    assert len(fake.asked()) == 2


def test_the_sdk_runs_the_tools_asynchronously(inside: Door) -> None:
    async def run() -> str:
        async with anthropic.AsyncAnthropic(base_url=inside.url, api_key=KEY, max_retries=0) as client:
            asking: Any = {"model": inside.model("tool"), "messages": ASKED, "max_tokens": 99}
            last = await client.beta.messages.tool_runner(**asking, tools=[get_weather_soon]).until_done()
            return "".join(block.text for block in last.content if block.type == "text")

    assert asyncio.run(run()) == WEATHER
