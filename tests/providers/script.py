"""What every vendor's model says, whoever asks: the scene is named in the user's words, as `scene=plain`."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

TEXT = 'Grüße, 你好, 👋🏽\n\n  indented, and "quoted".'
THOUGHT = "First I look at the question.\nThen I answer: 是的."
SECRET = "c2lnbmVkOjEyMzQ1Njc4OTA="  # the opaque state of a thought
TOOL = "get_weather"
CITIES = ("Zürich", "東京")
INPUT, CACHED, OUTPUT, REASONING = 1000, 800, 70, 20

_SCENE = re.compile(rb"scene=([a-z-]+)")


class Turn(NamedTuple):
    """One answer.  `calls`: the arguments of each call of TOOL, as text."""

    text: str = ""
    thought: str = ""
    calls: tuple[str, ...] = ()
    stop: str = "stop"


def scene(body: bytes) -> str:
    """The scene that is asked for."""
    found = _SCENE.search(body)
    return found[1].decode() if found else "plain"


def arguments(city: str) -> str:
    """The arguments of a call, in a spacing of their own, so that a re-encoding would show."""
    return json.dumps({"city": city, "days": 2}, ensure_ascii=False)


def turn(name: str, results: list[str]) -> Turn:
    """What is said in scene `name`, once the tools have said `results`."""
    if results:
        return Turn(text="The tools said: " + " | ".join(results))
    return _TURNS[name]


_TURNS = {
    "plain": Turn(TEXT),
    "think": Turn(TEXT, THOUGHT),
    "calls": Turn("I will look.", calls=tuple(map(arguments, CITIES)), stop="tool"),
    "think-calls": Turn("", THOUGHT, (arguments(CITIES[0]),), "tool"),
    "stall": Turn(TEXT * 20),
    "drip": Turn(TEXT),
    "wait": Turn(TEXT),
    "broken": Turn(TEXT),
    "cut": Turn(TEXT),
    "length": Turn(TEXT[:9], stop="length"),
}


def pieces(text: str, size: int = 6) -> list[str]:
    """Text in the pieces of a stream."""
    return [text[at : at + size] for at in range(0, len(text), size)]
