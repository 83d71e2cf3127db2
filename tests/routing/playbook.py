"""A playbook for exchanges: facts go in, commands are checked, no I/O anywhere."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from hexapla.catalog.schema import Endpoint, Provider, Quirks
from hexapla.errors import GatewayError, UpstreamError
from hexapla.ir.content import Origin
from hexapla.ir.event import StreamError
from hexapla.ir.target import Target
from hexapla.routing.candidate import Candidate
from hexapla.routing.commands import Call, Command, Fact, Note
from hexapla.routing.exchange import Exchange, Hedge, Outcome
from hexapla.routing.memory import Memory
from hexapla.routing.patience import Timers
from hexapla.routing.retry import RetryPolicy
from hexapla.translate.summary import Summary


def candidate(name: str, **quirks: object) -> Candidate:
    """A chat endpoint of a provider called `name`."""
    endpoint = Endpoint(protocol="openai_chat", base_url=f"http://{name}.example/v1")
    return Candidate(
        provider=Provider(id=name, endpoints=(endpoint,)),
        endpoint=endpoint,
        model="m",
        track=name,
        quirks=Quirks(**quirks),  # type: ignore[arg-type]
        target=Target(origin=Origin("openai_chat", name), model="m"),
    )


class FakeStream:
    """Bytes with a meaning: `c...` is content, `p` a ping, `e` an error, `s` settles, `d` is the terminal event;
    after an `r` somebody else may go on with it."""

    def __init__(self, summary: Summary) -> None:
        self.summary = summary
        self.committed = self.done = self.settled = self.resumable = False
        self.told = False

    @property
    def failed(self) -> bool:
        return self.summary.error is not None

    def feed(self, data: bytes) -> bytes:
        for letter in data.decode():
            if letter == "c":
                self.committed = True
                self.summary.text_bytes += 1
            elif letter == "r":
                self.resumable = True
            elif letter == "e":
                self.summary.error = StreamError(kind="overloaded", message="hidden")
            elif letter == "s":
                self.settled = True
            elif letter == "d":
                self.done = self.settled = True
        return data

    def close(self) -> bytes:
        if not self.settled and not self.failed:
            self.summary.error = StreamError(kind="upstream_truncated", message="cut")
            return b"!"
        return b"."

    def fail(self, error: StreamError) -> bytes:
        if self.told or (self.failed and not self.resumable):
            return b""
        self.told = True
        self.summary.error = error
        return b"!" + error.kind.encode()

    def breaks(self) -> bool:
        return self.resumable

    def beat(self) -> bytes:
        return b":"


class FakeLane:
    """Passes answers through; a body that starts with `{"bad` or `{"code` is an error hidden in a 200."""

    name = "verbatim"
    begun = None
    body = b"{}"
    losses = ()

    def __init__(self) -> None:
        self.summary = Summary()

    def answer(self, body: bytes) -> bytes:
        if body.startswith(b'{"bad'):
            raise UpstreamError("upstream_empty", "bad")  # type: ignore[arg-type]
        if body.startswith(b'{"code'):
            raise UpstreamError("upstream_error", "no", code="E7")  # type: ignore[arg-type]
        return body

    def stream(self) -> FakeStream:
        return FakeStream(self.summary)

    def simulate(self, body: bytes) -> Iterator[bytes]:
        return iter((b"simulated:" + body, b"", b"to its end"))

    def gather(self, stream: bytes) -> bytes:
        return b"gathered:" + stream


class Play:
    """Runs an exchange by hand.  `say(fact)` returns the next command; notes are collected."""

    def __init__(
        self,
        *names: str | Candidate,
        stream: bool = True,
        retries: int = 2,
        timers: Timers | None = None,
        asked: dict[str, str] | None = None,
        hedge: Hedge | None = None,
        memory: Memory | None = None,
        alone: dict[str, GatewayError] | None = None,
        insists: bool = True,
    ) -> None:
        self.now = 0.0
        self.opened: list[str] = []
        self.refuse: dict[str, GatewayError] = {}
        self.full: GatewayError | None = None  # why nobody may be asked at present
        self.alone = alone or {}  # who may not, unless nobody else can be
        self.notes: list[Note] = []
        self.outcome: Outcome | None = None
        timed = timers or Timers()
        self.exchange = Exchange(
            [replace(candidate(name), timers=timed) if isinstance(name, str) else name for name in names],
            self._open,
            lambda error: b"told:" + error.kind.encode(),
            stream=stream,
            retry=RetryPolicy(retries=retries),
            clock=lambda: self.now,
            chance=lambda: 0.5,
            hedge=hedge,
            memory=memory,
            admit=lambda candidate, forced: self.full or (not forced and self.alone.get(candidate.provider.id)) or 0.0,
            insists=insists,
            asked=lambda candidate: (asked or {}).get(candidate.provider.id, ""),
        )
        self._steps = self.exchange.run()

    def _open(self, chosen: Candidate) -> Call:
        self.opened.append(chosen.provider.id)
        if chosen.provider.id in self.refuse:
            raise self.refuse[chosen.provider.id]
        return Call(lane=FakeLane(), request=chosen.provider.id)

    def say(self, fact: Fact = None) -> Command | None:
        """Answer the last command with `fact`; return the next command, or None when the exchange is over."""
        try:
            command = self._steps.send(fact)
        except StopIteration as stop:
            self.outcome = stop.value
            return None
        if isinstance(command, Note):
            self.notes.append(command)
            return self.say()
        return command
