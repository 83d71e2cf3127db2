"""What a login may do, as commands of a generator without I/O.

A flow (device.py, pkce.py, kept.py ...) yields commands and gets facts back; driver.py executes them.  So every way in
which an authorization server can answer is tried in tests without a socket, and no flow knows how bytes travel.

    command                          fact that answers it
    Call(method, url, headers, body) Reply     an UpstreamError is thrown into the flow where nobody answered
    Sleep(seconds)                   None
    Read(path)                       bytes | None
    Write(path, data)                None      atomic, readable for its owner only
    Delete(path)                     None
    Lock(path)                       None      held until the flow ends; other processes wait
    Run(words, seconds)              str       what a program printed
    Keyring(service, user)           str | None
    Show(prompt)                     None      something for a person to see
    Listen(ports, path, state)       int       the port of a loopback server that waits for a browser
    Caught(seconds)                  dict      what the browser brought back
    Paste(prompt)                    str       what a person typed

Rules of this file: values only; secrets travel in commands, so no command shows its fields.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Literal, TypeVar

import msgspec

T = TypeVar("T")
Headers = tuple[tuple[str, str], ...]


class _Quiet(msgspec.Struct, frozen=True):
    """A struct that does not show what it holds."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


class Call(_Quiet, frozen=True):
    method: str
    url: str
    headers: Headers = ()
    body: bytes = b""


class Reply(_Quiet, frozen=True):
    status: int
    headers: dict[str, str]
    body: bytes


class Sleep(_Quiet, frozen=True):
    seconds: float


class Read(_Quiet, frozen=True):
    path: str


class Write(_Quiet, frozen=True):
    path: str
    data: bytes


class Delete(_Quiet, frozen=True):
    path: str


class Lock(_Quiet, frozen=True):
    path: str


class Run(_Quiet, frozen=True):
    words: tuple[str, ...]
    seconds: float


class Keyring(_Quiet, frozen=True):
    service: str
    user: str


class Prompt(_Quiet, frozen=True):
    """What a person has to do: open `url`; with a `code`, type it there; with `paste`, bring back what they are given.

    note  a word of warning about the login
    """

    kind: Literal["code", "browser", "paste", "note"]
    url: str = ""
    code: str = ""
    note: str = ""


class Show(_Quiet, frozen=True):
    prompt: Prompt


class Listen(_Quiet, frozen=True):
    """`state`: only a redirect that carries it is taken; "" where the path itself is the secret."""

    ports: tuple[int, ...]
    path: str
    state: str


class Caught(_Quiet, frozen=True):
    seconds: float


class Paste(_Quiet, frozen=True):
    prompt: Prompt


Command = Call | Sleep | Read | Write | Delete | Lock | Run | Keyring | Show | Listen | Caught | Paste
Steps = Generator[Command, Any, T]
Clock = Callable[[], float]
"""Seconds since 1970, by this machine's clock."""
Draw = Callable[[int], bytes]
"""So many random bytes, fit for secrets."""
