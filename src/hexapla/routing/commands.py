"""What an exchange asks of its driver, and what it hears back.

    command                      fact that answers it
    Send(request, deadline)      Head | Failed | Expired
    Receive(deadline)            Chunk | End | Failed | Expired
    LogIn(login, refused)        Token | Failed | Expired
    Sleep(seconds)               None
    Start(status, headers)       None       the client's response begins, or another attempt goes on with it
    Forward(data)                None       bytes for the client
    Finish()                     None       the client's response is complete
    Drop()                       None       the upstream response is given back or closed
    Race(waits, until)           Of(number, fact) | Expired    several of Send, Receive, LogIn, Sleep at once (race.py)
    Adopt(number)                None       this one of the race's responses is the upstream response from now on
    Note(tried)                  None       one attempt is over

Rules of this file: values only; all times are the exchange's clock.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping

import msgspec

from hexapla.auth.grant import Token
from hexapla.errors import GatewayError, UpstreamError
from hexapla.ir.response import Usage
from hexapla.routing.candidate import Candidate
from hexapla.translate.calls import Calls
from hexapla.translate.lane import Lane


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt, ready to be sent: the lane, and the transport's own request, which is opaque here.

    since  when it was sent, where that was before the exchange began
    """

    lane: Lane
    request: object
    since: float | None = None


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt that is over.  Times are the clock's own.

    renews  its login's token was refused, and the same endpoint is asked again with another one
    first   when its content began, for a stream
    usage   its tokens, where they are known
    spent   what it used in vain, or only began to say: it lost a race, or somebody else went on with its answer
    headers of its head
    calls   its calls of tools, not judged yet; None where the request has no tools
    """

    candidate: Candidate
    lane: str
    started: float
    ended: float
    status: int | None = None
    error: GatewayError | None = None
    renews: bool = False
    first: float | None = None
    usage: Usage | None = None
    spent: Usage | None = None
    headers: Mapping[str, str] = {}
    calls: Calls | None = None


# --- commands ---------------------------------------------------------------------------------------------------------


Beat = Callable[[], "tuple[Start, bytes]"]
"""Called by the driver when the client has heard nothing for a while: how its response begins (to be said once) and
the heartbeat's bytes."""


class Send(msgspec.Struct, frozen=True):
    request: object
    deadline: float
    beat: Beat | None = None


class Receive(msgspec.Struct, frozen=True):
    """The next bytes.

    pour   what the client hears of a chunk, for a driver that can pass it on itself and wait for more; None: this chunk
           is a fact for the exchange.  Who does not know of it hands over every chunk, with the same result.
    again  the deadline, when chunks were poured since
    """

    deadline: float
    beat: Beat | None = None
    pour: Callable[[bytes], bytes | None] | None = None
    again: Callable[[], float] | None = None


class LogIn(msgspec.Struct, frozen=True):
    """Make sure that `login` has a token: one that can be sent, or another one than the `refused`."""

    login: object
    refused: Token | None
    deadline: float


class Sleep(msgspec.Struct, frozen=True):
    seconds: float


class Start(msgspec.Struct, frozen=True):
    """`tried` is how many attempts were made, this one included; `since` when this one began."""

    lane: Lane
    candidate: Candidate
    stream: bool
    tried: int
    since: float


class Forward(msgspec.Struct, frozen=True):
    data: bytes


class Finish(msgspec.Struct, frozen=True):
    """`data` are the last bytes, if there are any left."""

    data: bytes = b""


class Drop(msgspec.Struct, frozen=True):
    """`number`: of a race's response."""

    number: int | None = None


class Note(msgspec.Struct, frozen=True):
    tried: Tried


Wait = Send | Receive | LogIn | Sleep


class Race(msgspec.Struct, frozen=True):
    """Commands that wait, each with a response of its own, by number; until the first of them has its fact, or the time
    `until` has come.  Those that have none yet stand until the next Race, which names them again."""

    waits: Mapping[int, Wait]
    until: float


class Adopt(msgspec.Struct, frozen=True):
    number: int


Command = Wait | Start | Forward | Finish | Drop | Note | Race | Adopt

# --- facts ------------------------------------------------------------------------------------------------------------


class Head(msgspec.Struct, frozen=True):
    status: int
    headers: Mapping[str, str]


class Chunk(msgspec.Struct, frozen=True):
    """`last`: nothing but the End follows, so whoever wants no more need not ask for it."""

    data: bytes
    last: bool = False


class End(msgspec.Struct, frozen=True):
    pass


class Failed(msgspec.Struct, frozen=True):
    error: UpstreamError


class Expired(msgspec.Struct, frozen=True):
    pass


Single = Head | Chunk | End | Token | Failed | Expired | None


class Of(msgspec.Struct, frozen=True):
    """The fact that answers the command `number` of a race."""

    number: int
    fact: Single


Fact = Single | Of

Steps = Generator[Command, Fact, "GatewayError | None"]
"""A part of an exchange; its value is the error that ended it, or None for success."""
