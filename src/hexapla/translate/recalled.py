"""The thought of earlier turns, put back for a client that did not bring it.

An answer with thought and calls leaves its thought with the gateway (thoughts.py).  When a request has that turn in its
history without any state of it, and goes to whom the thought came from, it is put back to where it stood, as if the client
had brought it.  A client that brings state of its own is never overruled; one that brings nothing but the readable text
has brought what everybody saw.  What is sealed goes to the same model only: the request would be answered without it, and
OpenAI has refused such content after a change of models (https://github.com/openclaw/openclaw/issues/70654, 2026-04).

Ids that are drawn by chance are proof enough that it is the same turn.  Kimi's are counted, Mistral's are short, small
servers begin anew with every answer: under such an id the call itself has to be the same, and what the user had said before
it, since agents that run side by side under one key read the same files.

Rules of this file: pure; where anything is in doubt the request stays as it is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Container, Sequence

import msgspec
from msgspec.structs import replace

from hexapla.errors import HexaplaError
from hexapla.ir.content import HUNG, AnyPart, Origin, Reasoning, Text, ToolCall
from hexapla.ir.request import GenerateRequest, Message
from hexapla.ir.response import ResponsePart
from hexapla.ir.target import Target
from hexapla.translate.thoughts import Key, Thoughts, Turn

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
        messages = asked().messages
    except HexaplaError:
        return
    turn = _Placed(target)
    for part in parts:
        turn.add(part)
    user = next((message for message in reversed(messages) if message.role == "user"), None)
    keys = dict.fromkeys(_key(whose, target.origin, part, user) for part in parts if type(part) is ToolCall)
    thoughts.keep(turn.kept(tuple(keys)))


def recalled(thoughts: Thoughts, whose: str, asked: GenerateRequest, target: Target) -> GenerateRequest:
    """`asked` with the thought that its client lost, as far as it is `target`'s; the same object where that is none."""
    messages, used = list(asked.messages), set[Turn]()
    user: Message | None = None
    for index, message in enumerate(messages):
        if message.role == "user":
            user = message
        elif message.role == "assistant":
            turn = _turn_of(thoughts, whose, target, message, user, used)
            if turn is not None:
                used.add(turn)
                messages[index] = _filled(message, turn)
    if not used:
        return asked
    thoughts.returned += len(used)
    return replace(asked, messages=tuple(messages))


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

    def kept(self, keys: tuple[Key, ...]) -> Turn:
        everything = (*self._first, *(part for parts in self._before.values() for part in parts), *self._waiting)
        return Turn(
            keys=keys,
            model=self._target.model,
            first=self._first,
            before=self._before,
            last=self._waiting,
            size=OVERHEAD + sum(len(_PART(part)) for part in everything),
        )


def _turn_of(
    thoughts: Thoughts, whose: str, target: Target, message: Message, user: Message | None, used: Container[Turn]
) -> Turn | None:
    """What was kept of a message that has lost it.  `user`: who spoke before;  `used`: what was put back already."""
    for call in message.content:
        if type(call) is ToolCall:
            turn = thoughts.find(_key(whose, target.origin, call, user))
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
    for part in message.content:
        if isinstance(part, ToolCall):
            content += turn.before.get(part.id, ())
        if not isinstance(part, Reasoning):
            content.append(part)
    return replace(message, content=(*content, *turn.last), plain=False)


def _words(user: Message | None) -> str:
    return "" if user is None else "".join(part.text for part in user.content if isinstance(part, Text))


def _key(whose: str, origin: Origin, call: ToolCall, user: Message | None) -> Key:
    """Under which a call's turn is kept.  `user`: what the user had said before it."""
    if _BY_CHANCE(call.id):
        return Key(whose, origin, call.id, "")
    proof = hashlib.blake2b(digest_size=16)
    for said in (call.name, _ordered(call.arguments), _words(user)):
        proof.update(said.encode("utf-8", "surrogatepass") + b"\0")
    return Key(whose, origin, call.id, proof.hexdigest())


def _ordered(arguments: str) -> str:
    """Arguments in one of the forms in which a client may write them again."""
    try:
        value = msgspec.json.decode(arguments or "{}")
        return msgspec.json.encode(value, order="deterministic").decode()
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return arguments
