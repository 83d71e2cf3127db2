"""Plays a login's flow without I/O: a script answers its calls, files are a dict, time passes by sleeping."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from hexapla.auth.steps import (
    Call,
    Caught,
    Delete,
    Listen,
    Lock,
    Paste,
    Prompt,
    Read,
    Reply,
    Run,
    Show,
    Sleep,
    Steps,
    Write,
)
from hexapla.errors import Kind, UpstreamError

T = TypeVar("T")
DOWN = "nobody answers"
Answer = tuple[int, Any] | str | Callable[[Call], tuple[int, Any]]


class Play:
    """What a flow did, and the world around it.

    answers  for its calls, in order: (status, JSON or text), DOWN, or a function of the call
    brought  what the browser or the person brings back
    """

    def __init__(
        self, answers: Iterable[Answer] = (), *, files: dict[str, bytes] | None = None, now: float = 1e9
    ) -> None:
        self.answers = list(answers)
        self.files = files if files is not None else {}
        self.now = now
        self.calls: list[Call] = []
        self.slept: list[float] = []
        self.shown: list[Prompt] = []
        self.locked: list[str] = []
        self.brought: Any = {}
        self.printed = ""
        self.on_lock: Callable[[], None] = lambda: None

    def clock(self) -> float:
        return self.now

    def fields(self, number: int = -1) -> dict[str, Any]:
        """The fields of a call."""
        call = self.calls[number]
        if dict(call.headers).get("content-type") == "application/json":
            said: dict[str, Any] = json.loads(call.body)
            return said
        return dict(parse_qsl(call.body.decode()))

    def run(self, steps: Steps[T]) -> T:
        """The flow's result.  Raises what it raises."""
        try:
            command = next(steps)
            while True:
                try:
                    fact = self._answer(command)
                except UpstreamError as error:
                    command = steps.throw(error)
                else:
                    command = steps.send(fact)
        except StopIteration as stop:
            result: T = stop.value
            return result

    def _answer(self, command: Any) -> Any:
        match command:
            case Call():
                return self._reply(command)
            case Sleep(seconds):
                self.slept.append(seconds)
                self.now += seconds
            case Read(path):
                return self.files.get(path)
            case Write(path, data):
                self.files[path] = data
            case Delete(path):
                self.files.pop(path, None)
            case Lock(path):
                self.locked.append(path)
                self.on_lock()
            case Show(prompt):
                self.shown.append(prompt)
            case Listen(ports):
                return ports[0] or 4711
            case Caught():
                return self.brought(self.shown[-1]) if callable(self.brought) else self.brought
            case Paste(prompt):
                self.shown.append(prompt)
                return self.brought(prompt) if callable(self.brought) else self.brought
            case Run():
                return self.printed
            case _:
                raise AssertionError(command)
        return None

    def _reply(self, call: Call) -> Reply:
        self.calls.append(call)
        answer = self.answers.pop(0)
        if callable(answer):
            answer = answer(call)
        if isinstance(answer, str):
            raise UpstreamError(Kind.UPSTREAM_CONNECT, answer)
        status, said = answer
        return Reply(status, {}, said.encode() if isinstance(said, str) else json.dumps(said).encode())


def draw(size: int) -> bytes:
    """No chance in tests."""
    return bytes(range(size))
