"""What the engine needs of whoever asks: the question, and a place for the answer."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from hexapla.engine.heads import Head

OnLoss = Literal["allow", "warn", "strict"]


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One request of one client.

    protocol  the dialect that the client speaks
    body      its bytes, unchanged
    key       name of the client's key; "" where none is required
    on_loss   what to do about losses; None: as configured
    forward   client headers that mean something to an upstream of the same protocol (anthropic-beta ...)
    model     for dialects that name the model in the path; "" means the body names it
    stream    for dialects that ask for a stream in the path; None means the body says
    profile   the profile that gives names their meaning; "" for none
    session   the session that a header names; "" for none
    openrouter  it is asked as OpenRouter is (/api/v1), and answered as OpenRouter answers
    metadata  the answer is to tell how the request found its way
    hedge, resume  whether a second endpoint may be asked, and another one may go on; None: as configured
    chinese  its errors are to be said in Chinese, as far as they are known in it
    idempotency  the client's key for this request and its repetitions; "" for none
    """

    protocol: str
    body: bytes
    key: str = ""
    on_loss: OnLoss | None = None
    forward: tuple[tuple[str, str], ...] = ()
    model: str = ""
    stream: bool | None = None
    profile: str = ""
    session: str = ""
    openrouter: bool = False
    metadata: bool = False
    hedge: bool | None = None
    resume: bool | None = None
    chinese: bool = False
    idempotency: str = ""


class Answer(Protocol):
    """Where the answer goes.  Nothing is waited for while something is said, so that bytes can pass from callback to
    callback; whoever says more while `full` is true fills memory, and should await `drain` first."""

    @property
    def full(self) -> bool:
        """The client has not taken what was said so far."""
        ...

    def start(self, status: int, head: Head) -> None: ...

    def send(self, data: bytes) -> bool:
        """Say more; return whether it is `full` now: that is asked after every piece."""
        ...

    def finish(self, data: bytes = b"") -> None:
        """The last bytes; nothing follows."""
        ...

    async def drain(self) -> None:
        """Return when the client has taken enough."""
        ...
