"""The thought of earlier turns, put back for a client that did not bring it.

An answer with thought and calls leaves its thought with the gateway (thoughts.py).  When a request has that turn in its
history without any state of it, and goes to whom the thought came from, it is put back to where it stood, as if the client
had brought it.  A client that brings state of its own is never overruled; one that brings nothing but the readable text
has brought what everybody saw.  What is sealed goes to the same model only: the request would be answered without it, and
OpenAI has refused such content after a change of models (https://github.com/openclaw/openclaw/issues/70654, 2026-04).

Ids that are drawn by chance are proof enough that it is the same turn.  Kimi's are counted, Mistral's are short, small
servers begin anew with every answer: under such an id the call itself has to be the same, and what the user had said before
it, since agents that run side by side under one key read the same files.  Gemini's clients may leave ids out: then its
place in the conversation has to be the same as well.

Rules of this file: pure; where anything is in doubt the request stays as it is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Container, Sequence

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hexapla.errors import HexaplaError
from hexapla.ir.content import HUNG, AnyPart, Origin, Reasoning, Text, ToolCall
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest, Message
from hexapla.ir.response import ResponsePart
from hexapla.ir.target import Target
from hexapla.protocols.base import Protocol
from hexapla.protocols.gemini_generate.words import NAME as GEMINI
from hexapla.protocols.gemini_generate.words import made
from hexapla.translate.adapt.ids import given_id
from hexapla.translate.peek import CONVERSATION
from hexapla.translate.thoughts import Key, Thoughts, Turn
from hexapla.wire.rawjson import split

OVERHEAD = 1024  # bytes of a turn beside its thought

_BY_CHANCE = re.compile(r"(?=[A-Za-z]*[0-9])[A-Za-z0-9]{12,}$").search
"""toolu_01A09q90qw90lq917835lq9, call_ and 24 signs, a UUID: nobody draws the same twice."""

_PART = msgspec.json.Encoder().encode


def remember(
    thoughts: Thoughts,
    whose: str,
    asked: Callable[[], GenerateRequest],
    target: Target,
    parts: Sequence[ResponsePart],
) -> None:
    """Keep the thought of an answer with calls that `target` gave, as the client hears them.

    asked  reads the request, which may be none that we can read; then nothing is kept
    """
    kinds = {*map(type, parts)}
    if ToolCall not in kinds or Reasoning not in kinds:
        return
    try:
        request = asked()
    except HexaplaError:
        return
    turn = _Placed(target)
    for part in parts:
        turn.add(part)
    scene = _Scene(whose, target.origin, request.protocol)
    for message in request.messages:
        scene.see(message)
    calls = [part for part in parts if type(part) is ToolCall]
    keys = dict.fromkeys(key for call in calls for key in scene.kept(call))
    thoughts.keep(turn.kept(tuple(keys), tuple(call.id for call in calls)))


def recalled(thoughts: Thoughts, whose: str, asked: GenerateRequest, target: Target) -> GenerateRequest:
    """`asked` with the thought that its client lost, as far as it is `target`'s; the same object where that is none."""
    messages, used = list(asked.messages), set[Turn]()
    scene = _Scene(whose, target.origin, asked.protocol)
    for index, message in enumerate(messages):
        if message.role == "assistant":
            turn = _turn_of(thoughts, scene, target, message, used)
            if turn is not None:
                used.add(turn)
                messages[index] = _filled(message, turn)
        scene.see(message)
    if not used:
        return asked
    thoughts.returned += len(used)
    return replace(asked, messages=tuple(messages))


def conversation(protocol: Protocol, request: GenerateRequest, target: Target) -> dict[str, Raw]:
    """What `request` says in its own dialect, as a field of its body; none where that loses anything on the way."""
    losses = LossLog()
    body = protocol.render_request(replace(request, model=target.model), replace(target, stream=request.stream), losses)
    if any(loss.severity != "cosmetic" and loss.field.startswith("messages") for loss in losses.losses):
        return {}
    name = CONVERSATION[request.protocol]
    return {name: split(body)[name]}


class _Placed:
    """The thought of an answer, each stretch by its place among the calls."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._first: tuple[Reasoning, ...] = ()
        self._before: dict[str, tuple[Reasoning, ...]] = {}
        self._waiting: tuple[Reasoning, ...] = ()
        self._begun = False  # something beside thought was said

    def add(self, part: ResponsePart) -> None:
        if isinstance(part, Reasoning):
            self._waiting += (self._stamped(part),)
            return
        if not self._begun:
            self._begun, self._first, self._waiting = True, self._waiting, ()
        if isinstance(part, ToolCall) and self._waiting:
            self._before[part.id], self._waiting = self._waiting, ()

    def _stamped(self, part: Reasoning) -> Reasoning:
        known, provider = part.origin.provider, self._target.origin.provider
        return part if known else replace(part, origin=replace(part.origin, provider=provider))

    def kept(self, keys: tuple[Key, ...], calls: tuple[str, ...]) -> Turn:
        everything = (*self._first, *(part for parts in self._before.values() for part in parts), *self._waiting)
        return Turn(
            keys=keys,
            calls=calls,
            model=self._target.model,
            first=self._first,
            before=self._before,
            last=self._waiting,
            size=OVERHEAD + sum(len(_PART(part)) for part in everything),
        )


def _turn_of(thoughts: Thoughts, scene: _Scene, target: Target, message: Message, used: Container[Turn]) -> Turn | None:
    """What was kept of a message that has lost it.  `used`: what was put back already."""
    for call in message.content:
        if type(call) is ToolCall:
            turn = thoughts.find(scene.sought(call))
            if turn is not None and turn not in used and _fits(turn, target) and _lost(message, turn):
                return turn
    return None


def _fits(turn: Turn, target: Target) -> bool:
    return turn.model == target.model or not any(map(_is_state, _all(turn)))


def _lost(message: Message, turn: Turn) -> bool:
    """Whether a message brings nothing of its thought but what everybody saw."""
    brought = [part for part in message.content if isinstance(part, Reasoning)]
    if any(map(_is_state, brought)):
        return False
    said = _readable(brought)
    return not said or said == _readable(_all(turn))


def _is_state(part: Reasoning) -> bool:
    return bool(part.signature or part.encrypted or part.details is not None or part.form == HUNG)


def _readable(parts: Sequence[Reasoning]) -> str:
    """What can be read of some thought; dialects put different spaces between its paragraphs."""
    return "".join("".join(part.readable for part in parts).split())


def _all(turn: Turn) -> list[Reasoning]:
    return [*turn.first, *(part for parts in turn.before.values() for part in parts), *turn.last]


def _filled(message: Message, turn: Turn) -> Message:
    content: list[AnyPart] = [*turn.first]
    calls = iter(turn.calls)
    for part in message.content:
        if isinstance(part, ToolCall):
            content += turn.before.get(part.id if part.id in turn.calls else next(calls, ""), ())
        if not isinstance(part, Reasoning):
            content.append(part)
    return replace(message, content=(*content, *turn.last), plain=False)


class _Scene:
    """What was said before a turn, as far as it tells one turn from another."""

    def __init__(self, whose: str, origin: Origin, protocol: str) -> None:
        self._protocol = protocol  # the client's
        self._whose = whose
        self._origin = origin
        self._words = ""  # of the user
        self._turns = 0  # of the assistant

    def see(self, message: Message) -> None:
        if message.role == "user":
            self._words = "".join(part.text for part in message.content if isinstance(part, Text))
        elif message.role == "assistant":
            self._turns += 1

    def kept(self, call: ToolCall) -> tuple[Key, ...]:
        """Under which the turn of a call is kept; the client may leave out an id that it was told."""
        sought = self.sought(call)
        return (sought, self._by_place(call)) if self._protocol == GEMINI else (sought,)

    def sought(self, call: ToolCall) -> Key:
        """Under which it is looked for."""
        return self._by_place(call) if self._protocol == GEMINI and made(call.id) else self._by_id(call)

    def _by_id(self, call: ToolCall) -> Key:
        return Key(self._whose, self._origin, call.id, "" if _BY_CHANCE(given_id(call.id)) else self._proof(call))

    def _by_place(self, call: ToolCall) -> Key:
        return Key(self._whose, self._origin, "", self._proof(call, f"turn {self._turns}"))

    def _proof(self, call: ToolCall, *place: str) -> str:
        proof = hashlib.blake2b(digest_size=16)
        for said in (call.name, _ordered(call.arguments), self._words, *place):
            proof.update(said.encode("utf-8", "surrogatepass") + b"\0")
        return proof.hexdigest()


def _ordered(arguments: str) -> str:
    """Arguments in one of the forms in which a client may write them again."""
    try:
        value = msgspec.json.decode(arguments or "{}")
        return msgspec.json.encode(value, order="deterministic").decode()
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return arguments
