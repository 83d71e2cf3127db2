"""Pydantic AI, the Agents SDK and LangChain at a gateway: `python -P frameworks.py URL DOOR…`, by the Python of
`tools/aside.py frameworks`.

Prints one JSON object: what was asked for, of which framework, through which door -> "ok", or the complaint.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from langchain_anthropic import ChatAnthropic
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from openai import AsyncOpenAI
from openai.types.shared import Reasoning
from pydantic import BaseModel
from pydantic_ai import Agent, ThinkingPart, ToolOutput
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

from agents import Agent as OpenAIAgent
from agents import (
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)

URL, *DOORS = sys.argv[1:]
KEY = "any"
STATELESS = {"store": False, "include": ["reasoning.encrypted_content"]}
THINKING = {"type": "enabled", "budget_tokens": 2048}


class Place(BaseModel):
    """Where."""

    name: str
    people: int


WHERE = Place(name="Zürich", people=7)


def get_weather(city: str, days: int) -> str:
    """Weather."""
    return f"{city}: 21 °C"


async def pydantic_ai(model: Callable[[str], Any], door: str, **settings: Any) -> Any:
    """The loop runs over streams, as its users' programs do that show what comes."""
    agent = Agent(model(f"{door}/parallel"), tools=[get_weather])
    async with agent.iter("Weather?") as run:
        async for node in run:
            if Agent.is_model_request_node(node):
                async with node.stream(run.ctx) as events:
                    async for _ in events:
                        pass
    assert run.result is not None
    check(run.result.output, 2)
    given = await Agent(model(f"{door}/structured"), output_type=ToolOutput(Place)).run("Where?")
    assert given.output == WHERE, given.output
    thought = await Agent(model(f"{door}/think-tool"), tools=[get_weather]).run("Weather?", model_settings=settings)
    check(thought.output, 1)
    parts = [part for message in thought.all_messages() for part in message.parts]
    assert any(isinstance(part, ThinkingPart) and "First I" in part.content for part in parts), parts


async def agents_sdk(model: type[Any], door: str, **settings: Any) -> Any:
    def named(script: str) -> Any:
        return model(f"{door}/{script}", AsyncOpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0))

    tools = [function_tool(get_weather)]
    told = Runner.run_streamed(OpenAIAgent("a", model=named("parallel"), tools=tools), "Weather?")
    async for _ in told.stream_events():
        pass
    check(told.final_output, 2)
    given = await Runner.run(OpenAIAgent("a", model=named("structured"), output_type=Place), "Where?")
    assert given.final_output == WHERE, given.final_output
    asked = ModelSettings(reasoning=Reasoning(effort="high", summary="auto"), **settings)
    agent = OpenAIAgent("a", model=named("think-hidden-tool"), tools=tools, model_settings=asked)
    check((await Runner.run(agent, "Weather?")).final_output, 1)


async def langchain(model: Callable[..., Any], door: str, **settings: Any) -> Any:
    """The model's part of a loop: calls that came as a stream, and what the tools said."""
    for script, calls, more in (("parallel", 2, {}), ("think-tool", 1, settings)):
        bound = model(f"{door}/{script}", **more).bind_tools([tool(get_weather)])
        history: list[Any] = [("user", "Weather?")]
        said = None
        async for chunk in bound.astream(history):
            said = chunk if said is None else said + chunk
        assert said is not None and len(said.tool_calls) == calls, said
        history.append(said)
        history += [await tool(get_weather).ainvoke(call) for call in said.tool_calls]
        check((await bound.ainvoke(history)).text, calls)
    given = await model(f"{door}/structured").with_structured_output(Place).ainvoke("Where?")
    assert given == WHERE, given


def check(text: str, calls: int) -> None:
    assert text.count(": 21 °C") == calls, text


def chat(model: str, **more: Any) -> Any:
    return ChatOpenAI(model=model, base_url=f"{URL}/v1", api_key=KEY, max_retries=0, **more)


def responses(model: str, **more: Any) -> Any:
    return chat(model, use_responses_api=True, **more)


def messages(model: str, **more: Any) -> Any:
    return ChatAnthropic(model=model, base_url=URL, api_key=KEY, max_retries=0, max_tokens=4096, **more)


def pydantic_chat(model: str) -> Any:
    return OpenAIChatModel(model, provider=OpenAIProvider(base_url=f"{URL}/v1", api_key=KEY))


def pydantic_messages(model: str) -> Any:
    return AnthropicModel(model, provider=AnthropicProvider(base_url=URL, api_key=KEY))


CASES: dict[str, Callable[[str], Awaitable[Any]]] = {
    "pydantic-ai chat": lambda door: pydantic_ai(pydantic_chat, door, openai_reasoning_effort="high"),
    "pydantic-ai messages": lambda door: pydantic_ai(
        pydantic_messages, door, anthropic_thinking=THINKING, max_tokens=4096
    ),
    "agents chat": lambda door: agents_sdk(OpenAIChatCompletionsModel, door),
    "agents responses": lambda door: agents_sdk(
        OpenAIResponsesModel, door, store=False, response_include=STATELESS["include"]
    ),
    "langchain chat": lambda door: langchain(chat, door, reasoning_effort="high"),
    "langchain responses": lambda door: langchain(
        responses, door, reasoning={"effort": "high", "summary": "auto"}, **STATELESS
    ),
    "langchain messages": lambda door: langchain(messages, door, thinking=THINKING),
}
"""Thought is asked for everywhere: over Chat none of them brings back what the model knows it by, and the gateway does."""


async def verdict(ask: Callable[[str], Awaitable[Any]], door: str) -> str:
    """What becomes of one framework at one door."""
    try:
        await ask(door)
    except Exception as error:  # whatever it is, it is a complaint
        return f"{type(error).__name__}: {error}"[:1000]
    return "ok"


async def main() -> None:
    asked = {f"{name}, {door}": verdict(ask, door) for door in DOORS for name, ask in CASES.items()}
    print(json.dumps(dict(zip(asked, await asyncio.gather(*asked.values()), strict=True))))


if __name__ == "__main__":
    set_tracing_disabled(True)
    asyncio.run(main())
