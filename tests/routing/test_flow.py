"""A stream's life is noticed when somebody looks, and its chunks are passed on without."""

from __future__ import annotations

from hexapla.ir.event import StreamError
from hexapla.routing.flow import Flow
from hexapla.routing.memory import Memory
from hexapla.routing.patience import Patience, Timers
from hexapla.translate.summary import Summary


class Passing:
    """A stream that says what it hears; `.` is content, `!` its end, `?` an error."""

    committed = True
    failed = done = settled = False

    def __init__(self) -> None:
        self.summary = Summary()

    def feed(self, data: bytes) -> bytes:
        self.summary.text_bytes += data.count(b".")
        self.done = b"!" in data
        if b"?" in data:
            self.summary.error = StreamError(kind="overloaded", message="no")
        return data.upper()

    def close(self) -> bytes:
        return b""

    def fail(self, error: StreamError) -> bytes:
        return b""

    def breaks(self) -> bool:
        return False

    def beat(self) -> bytes:
        return b""


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def flowing(clock: Clock, memory: Memory | None = None, *, keeps: bool = False) -> Flow:
    timers = Timers(idle=10, progress=30, total=1000)
    return Flow(Passing(), Patience(timers, clock, clock.now, stream=True), memory or Memory(), keeps=keeps)


def test_what_the_exchange_need_not_hear_of_is_passed_on() -> None:
    flow = flowing(Clock())
    assert flow.pour(b"a.") == b"A."
    assert flow.poured is None
    assert flow.pour(b"b!") is None, "the end is the exchange's"
    assert flow.poured == b"B!"


def test_a_failure_is_the_exchanges() -> None:
    flow = flowing(Clock())
    assert flow.pour(b"?") is None
    assert flow.poured == b"?"


def test_time_counts_from_the_look_that_notices() -> None:
    """Bytes put the idle time off, and content the time for progress; nothing puts off what nobody has noticed."""
    clock = Clock()
    flow = flowing(clock)
    assert flow.deadline() == 110
    clock.now = 105.0
    assert flow.deadline() == 110, "nothing came"
    flow.pour(b"a")
    clock.now = 106.0
    assert flow.deadline() == 116
    for clock.now in (112.0, 120.0, 128.0):
        flow.pour(b"a")
        assert flow.deadline() == min(clock.now + 10, 130), "pings are no progress"
    flow.pour(b".")
    assert flow.deadline() == 138


def test_what_is_kept_is_counted_until_it_is_forgotten() -> None:
    memory = Memory(1000)
    flow = flowing(Clock(), memory, keeps=True)
    flow.pour(b"a" * 300)
    flow.deadline()
    assert memory.held == 300
    flow.pour(b"a" * 300)
    flow.forget()
    assert memory.held == 0


def test_what_lies_somewhere_is_counted_until_something_is_said() -> None:
    """A lane that keeps nothing holds what stands before the content, and an event without end."""
    memory = Memory(1000)
    flow = flowing(Clock(), memory)
    for held in (100, 200):
        flow.pour(b"a" * 100)
        flow.deadline()
        assert memory.held == held
    flow.pour(b"a.")
    flow.deadline()
    assert memory.held == 0
    flow.pour(b"a" * 100)
    flow.deadline()
    flow.forget()
    assert memory.held == 0
