"""L6 for what we do not know: a field that nobody knows, in any object of a request, reaches the target or is a loss.

The field is put into every object of every rich request in turn (`rich_bodies.py`), of every case of the matrix, and at
random into drawn ones.  Where it stands in the interlingua, its loss has to name that place, or the thing around it that
was lost as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import pytest
from carry import client_body
from cases import CASES
from hypothesis import given
from hypothesis import strategies as st
from rich_bodies import RICH
from strategies import requests
from test_requests import body_of, places

from hexapla.errors import ClientError
from hexapla.ir.content import Origin
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest
from hexapla.ir.target import Target
from hexapla.protocols import PROTOCOLS
from hexapla.protocols.base import Protocol
from hexapla.translate.adapt.adapt import adapt

FIELD = "x_unknown_7"

TARGETS: dict[str, dict[str, Any]] = {
    # what bends or leaves out the most, beside a target that takes all that its dialect has
    "able": {},
    "poor": {
        "cache_marks": 0,
        "content_strings": True,
        "mid_system": False,
        "developer_role": False,
        "single_system": True,
        "alternation": True,
        "prefill": False,
        "tool_result_media": False,
        "strict_tools": False,
        "tool_choice_required": False,
        "json_schema": "instruction",
        "reasoning_style": "none",
        "sampling": False,
        "stream_usage": False,
    },
    "relay": {"reasoning_style": "openrouter", "json_schema": "tool", "cache_marks": 1, "adaptive_only": True},
    "switched": {"reasoning_style": "enable_thinking", "replay_reasoning": "always"},
    "thinking": {"reasoning_style": "thinking", "unsupported": frozenset({"json_schema"})},
}

MOVED: dict[str, str] = {
    # an object of a dialect's past, and the one of today that it is rendered as
    "messages.function_call": "messages.tool_calls.function",
    "functions": "tools.function",
    "function_call": "tool_choice",
    "output_format": "output_config.format",
    "messages.cache_control": "messages.content.cache_control",
}

NAMED_AT_HOME: dict[tuple[str, str], str] = {
    # what does not even return to its own dialect, and why
    ("openai_chat", "reasoning"): "OpenRouter's object, which OpenAI's own target is not asked with",
    ("openai_chat", "messages.content"): "a signed thinking block belongs to Anthropic, to whom it was not sent",
}
WORDS = frozenset({"custom.format", "functionResponse.response", "parameters", "schema"})
"""Objects that are the program's own and are carried whole, be it as a text or under another name."""


def known(text: str) -> bool:
    """Whether `text` speaks of the field; Gemini's names may be spelt in two ways."""
    return FIELD.replace("_", "") in text.replace("_", "").lower()


def with_field(body: Any, place: tuple[str | int, ...]) -> bytes:
    """`body` with the field in the object at `place`."""
    copied = json.loads(json.dumps(body))
    owner = copied
    for key in place:
        owner = owner[key]
    owner[FIELD] = {"a": [1]}
    return json.dumps(copied).encode()


def objects(body: Any) -> list[tuple[str | int, ...]]:
    """The place of every object in a body."""
    found: list[tuple[str | int, ...]] = []
    for place in ((), *places(body)):
        value = body
        for key in place:
            value = value[key]
        if isinstance(value, dict):
            found.append(place)
    return found


def standing(value: Any, path: str = "") -> Iterator[str]:
    """Where the field stands in a value of the interlingua."""
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from standing(getattr(value, name), f"{path}.{name}".lstrip("."))
    elif isinstance(value, tuple):
        for index, each in enumerate(value):
            yield from standing(each, f"{path}[{index}]")
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from [f"{path}.{name}"] if known(name) else standing(each, f"{path}.{name}")
    elif (isinstance(value, msgspec.Raw) and known(bytes(value).decode())) or (isinstance(value, str) and known(value)):
        yield path


def silent(said: Iterable[GenerateRequest], body: bytes, losses: Iterable[str]) -> bool:
    """Whether the field is neither in `body` nor named by a loss: itself, or as part of what was lost around it."""
    if known(body.decode()) or any(map(known, losses)):
        return False
    stands = [place for request in said for place in standing(request)]
    return not any(_within(place, loss) or _within(loss, place) for place in stands for loss in losses)


def _within(path: str, owner: str) -> bool:
    return path == owner or path.startswith((f"{owner}.", f"{owner}["))


def sent(request: GenerateRequest, target: Target, losses: LossLog) -> tuple[GenerateRequest, bytes]:
    bent, _ = adapt(request, target, losses)
    return bent, PROTOCOLS[target.origin.protocol].render_request(bent, target, losses)


Lost = set[tuple[str, str, tuple[str | int, ...]]]


def lost(client: str, bodies: Iterable[tuple[str, Any]], kind: str) -> Lost:
    """(target, body, place) of each field that was lost in silence."""
    found: Lost = set()
    for name, body in bodies:
        for place in objects(body):
            request = PROTOCOLS[client].parse_request(with_field(body, place))
            for protocol in PROTOCOLS:
                target, losses = Target(origin=Origin(protocol, "p"), model="m", **TARGETS[kind]), LossLog()
                bent, out = sent(request, target, losses)
                if silent((request, bent), out, [loss.field for loss in losses.losses]):
                    found.add((protocol, name, place))
    return found


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("client", RICH)
def test_what_nobody_knows_arrives_or_is_named(client: str, kind: str) -> None:
    """Every object of every rich request, from every dialect to every dialect."""
    assert not lost(client, RICH[client].items(), kind)


@pytest.mark.parametrize("client", RICH)
def test_no_case_of_the_matrix_loses_it(client: str) -> None:
    """Every object of every case."""
    bodies = [(case.name, client_body(case, client, stream=False)) for case in CASES]
    assert not lost(client, [(name, json.loads(body)) for name, body in bodies if body is not None], "able")


@pytest.mark.parametrize("client", RICH)
def test_what_nobody_knows_comes_home_to_its_place(client: str) -> None:
    """A dialect's own unknown fields stand in the object in which they came, and in no other."""
    bodies = [
        body for name, body in RICH[client].items() if not name.startswith("envelope")
    ]  # those go to another home
    for body in bodies:
        for place in objects(body):
            home = ".".join(key for key in place if isinstance(key, str))
            if any(f".{word}." in f".{home}." for word in WORDS) or (client, home) in NAMED_AT_HOME:
                continue
            request = PROTOCOLS[client].parse_request(with_field(body, place))
            _, out = sent(request, Target(origin=Origin(client, "p"), model="m"), LossLog())
            found = [key for key in map(_names, places(json.loads(out))) if known(key.rpartition(".")[2])]
            assert len(found) == 1 and found[0].rpartition(".")[0] in (home, MOVED.get(home)), (place, found)


def _names(place: tuple[str | int, ...]) -> str:
    return ".".join(key for key in place if isinstance(key, str))


every_protocol = pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)


@every_protocol
@given(data=st.data())
def test_drawn_requests_lose_nothing_unknown_in_silence(protocol: Protocol, data: st.DataObject) -> None:
    """The same for any object of any request."""
    body = body_of(protocol, data.draw(requests()))
    if body is None:
        return
    request = protocol.parse_request(with_field(body, data.draw(st.sampled_from(objects(body)))))
    kind = TARGETS[data.draw(st.sampled_from([*TARGETS]))]
    target, losses = Target(origin=Origin(data.draw(st.sampled_from([*PROTOCOLS])), "p"), model="m", **kind), LossLog()
    try:
        bent, out = sent(request, target, losses)
    except ClientError:
        return
    assert not silent((request, bent), out, [loss.field for loss in losses.losses]), out


def test_the_law_can_fail() -> None:
    """A field that no value of the interlingua holds, or that no loss speaks of, is a silent loss."""
    body = {"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]}
    place = ("messages", 0, "content", 0)
    chat = PROTOCOLS["openai_chat"]
    ignorant, request = chat.parse_request(json.dumps(body).encode()), chat.parse_request(with_field(body, place))
    assert silent((ignorant,), b"{}", ["messages[0].content[0]"])
    assert silent((request,), b"{}", ["messages[0].content[1]", "sampling"])
    assert not silent((request,), b"{}", ["messages[0].content[0]"])
    assert not silent((request,), with_field(body, place), [])
