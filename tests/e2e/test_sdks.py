"""The official SDKs, whole conversations, by every upstream dialect."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from e2e.doors import UPSTREAM_KEY, Door
from e2e.talks import KEY, TALKS, ChatTalk, GeminiTalk, MessagesTalk, Talk
from fakes.running import Fake
from fakes.scripts import GREETING, THOUGHT
from fakes.values import CACHED, INPUT, OUTPUT

pytestmark = pytest.mark.e2e

talks = pytest.mark.parametrize("talk", TALKS, ids=lambda talk: talk.dialect)
ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


def weather(arguments: dict[str, object]) -> str:
    """What the tool says: it names its city, so that swapped results show."""
    return f'{arguments["city"]}: 21 °C, "sunny"'


@talks
@ways
@pytest.mark.parametrize("cut", ["", "~bytes=7"])
def test_text(talk: type[Talk], stream: bool, cut: str, door: Door, fake: Fake) -> None:
    """Text, stop reason and usage arrive exactly, however the upstream's bytes are cut; keys stay where they belong."""
    said = talk(door.url, door.model("plain" + cut), stream).say("Hello")
    assert (said.text, said.stop, said.usage) == (GREETING, "stop", (INPUT, CACHED, OUTPUT))
    sent = fake.last().headers
    key = sent.get("x-api-key") or sent.get("x-goog-api-key") or sent["authorization"].removeprefix("Bearer ")
    assert key == (KEY if door.name == "direct" else UPSTREAM_KEY)


@talks
@ways
def test_system_and_history(talk: type[Talk], stream: bool, door: Door, fake: Fake) -> None:
    """System text, the last user text and the turns before it reach the upstream."""
    conversation = talk(door.url, door.model("echo"), stream, system="Be kind. 要亲切。")
    conversation.say("First")
    assert (
        conversation.say("Second, with\n\n trailing ").text
        == "system=Be kind. 要亲切。 user=Second, with\n\n trailing "
    )
    asked = fake.last().body
    assert len(asked.get("messages") or asked.get("contents") or asked["input"]) >= 3


@talks
@ways
def test_length(talk: type[Talk], stream: bool, door: Door) -> None:
    """An answer that hit its limit says so."""
    said = talk(door.url, door.model("length"), stream).say("Hello")
    assert (said.text, said.stop) == (GREETING[:20], "length")


@talks
@ways
def test_tool_loop(talk: type[Talk], stream: bool, door: Door) -> None:
    """A call arrives whole, its result goes up and is read back."""
    conversation = talk(door.url, door.model("tool"), stream, tools=True)
    said = conversation.say("Weather?")
    assert (said.text, said.stop) == ("I will look.", "tool")
    assert [call.arguments for call in said.calls] == [{"city": "Zürich", "days": 7}]
    assert conversation.give(said.calls, weather).text == 'The tool said: Zürich: 21 °C, "sunny"'


@talks
@ways
@pytest.mark.parametrize("script", ["parallel", "interleaved", "interleaved~bytes=11"])
def test_parallel_calls(talk: type[Talk], stream: bool, script: str, door: Door) -> None:
    """Two calls stay apart, even when their deltas alternate, and so do their results."""
    if stream and script != "parallel" and talk.dialect == door.upstream(talk.dialect) == "chat":
        pytest.skip("openai-python's helper cannot read alternating deltas, and these bytes are the upstream's own")
    conversation = talk(door.url, door.model(script), stream, tools=True)
    said = conversation.say("Weather?")
    assert [call.arguments["city"] for call in said.calls] == ["Zürich", "東京"]
    answer = conversation.give(said.calls, weather).text
    assert answer == 'The tool said: Zürich: 21 °C, "sunny" | 東京: 21 °C, "sunny"'


@talks
@ways
def test_two_rounds_of_tools(talk: type[Talk], stream: bool, door: Door) -> None:
    """A second call after the first result keeps both apart."""
    conversation = talk(door.url, door.model("twice"), stream, tools=True)
    second = conversation.give(conversation.say("Weather?").calls, weather)
    assert [call.arguments["city"] for call in second.calls] == ["東京"]
    assert conversation.give(second.calls, weather).text.endswith('| 東京: 21 °C, "sunny"')


@talks
@ways
@pytest.mark.parametrize("script", ["think", "think-details"])
def test_readable_thought(talk: type[Talk], stream: bool, script: str, door: Door) -> None:
    """Readable reasoning is reasoning, and text is text."""
    said = talk(door.url, door.model(script), stream, think=True).say("Hello")
    assert (said.thought, said.text) == (THOUGHT, GREETING)


@talks
@ways
@pytest.mark.parametrize("script", ["think-tool", "think-details-tool", "think-hidden-tool"])
def test_thought_returns_with_the_tool_result(talk: type[Talk], stream: bool, script: str, door: Door) -> None:
    """Reasoning state comes back to the upstream unchanged: the fake refuses the tool's result without it."""
    conversation = talk(door.url, door.model(script), stream, tools=True, think=True)
    said = conversation.say("Weather?")
    assert conversation.give(said.calls, weather).text == 'The tool said: Zürich: 21 °C, "sunny"'


class Forgetful(ChatTalk):
    """A program that knows nothing of thought."""

    forgets = True


@ways
@pytest.mark.parametrize("script", ["think-tool", "think-details-tool", "think-hidden-tool"])
def test_thought_that_a_program_forgets(stream: bool, script: str, inside: Door) -> None:
    """The gateway remembers it for the next request; the fake refuses that without."""
    conversation = Forgetful(inside.url, inside.model(script), stream, tools=True, think=True)
    said = conversation.say("Weather?")
    assert conversation.give(said.calls, weather).text == 'The tool said: Zürich: 21 °C, "sunny"'


@ways
@pytest.mark.parametrize("talk", [ChatTalk, MessagesTalk, GeminiTalk], ids=lambda talk: talk.dialect)
def test_thought_that_nobody_asked_for(talk: type[Talk], stream: bool, gateway_url: str) -> None:
    """A Responses model that thinks all the same is asked for what its thought is known by, if the catalogue knows it."""
    conversation = talk(gateway_url, "f_resp/think-tool", stream, tools=True)
    said = conversation.say("Weather?")
    assert conversation.give(said.calls, weather).text == 'The tool said: Zürich: 21 °C, "sunny"'


class Place(BaseModel):
    """The form of a structured answer."""

    name: str
    people: int
    tags: list[str]


@talks
@ways
def test_structured_output(talk: type[Talk], stream: bool, door: Door) -> None:
    """A schema reaches the upstream, and the SDK parses the answer into its class."""
    said = talk(door.url, door.model("structured"), stream, form=Place).say("Where?")
    assert said.parsed == Place(name="Zürich", people=7, tags=["Zürich"])
