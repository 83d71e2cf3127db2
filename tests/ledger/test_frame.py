"""Frames prove that they are whole, whatever was cut, flipped or put into them."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from hexapla.ir.loss import Loss
from hexapla.ir.response import Usage
from hexapla.ledger.frame import BEGIN, END, pack, scan, torn, wanted
from hexapla.ledger.record import Attempt, Cost, Generation

TEXT = st.text(max_size=30) | st.just("lone \ud800 surrogate")
COUNT = st.none() | st.integers(-(2**70), 2**70)
ATTEMPT = st.builds(
    Attempt,
    provider=TEXT,
    model=TEXT,
    protocol=TEXT,
    lane=TEXT,
    started=st.floats(0, 1e10),
    latency=st.floats(0, 1e6),
    message=TEXT,
)
GENERATION = st.builds(
    Generation,
    id=TEXT,
    key=TEXT,
    requested=TEXT,
    created=st.floats(0, 1e10),
    first=st.none() | st.floats(0, 1e6),
    outcome=st.sampled_from(["open", "ok", "cancelled"]),
    usage=st.builds(Usage, input=COUNT, output=COUNT, cached=COUNT, cost=st.none() | st.floats(0, 1e9)),
    cost=st.none() | st.builds(Cost, currency=TEXT, nanos=st.integers(0, 2**70), source=TEXT),
    losses=st.lists(st.builds(Loss, TEXT, TEXT), max_size=3).map(tuple),
    attempts=st.lists(ATTEMPT, max_size=3).map(tuple),
)
FIVE = b"".join(pack(Generation(id=str(n)), BEGIN if n % 2 else END)[0] for n in range(5))
ENDS = [frame.end for frame in scan(FIVE)]


def whole(data: bytes) -> list[bytes]:
    return [frame.payload for frame in scan(data)]


def legible(value: Any) -> Any:
    """Return the value with a question mark for every lone surrogate."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, tuple):
        return tuple(map(legible, value))
    if isinstance(value, msgspec.Struct):
        fields = {name: legible(getattr(value, name)) for name in value.__struct_fields__}
        return msgspec.structs.replace(value, **fields)
    return value


@given(GENERATION, st.sampled_from([BEGIN, END]))
@example(Generation(id="\ud800", outcome="ok"), END)
def test_any_generation_comes_back(generation: Generation, kind: int) -> None:
    """Every generation can be framed, lone surrogates and enormous counts included, and is the same afterwards."""
    framed, payload = pack(generation, kind)
    (frame,) = scan(framed)
    assert (frame.kind, frame.payload) == (kind, payload)
    assert msgspec.json.decode(frame.payload, type=Generation) == legible(generation)


def test_ordinary_generations_are_equal_afterwards() -> None:
    """Nothing that the engine writes is changed."""
    loss = Loss("sampling.top_k", "unknown there")
    generation = Generation(id="é", created=1.5, first=0.1, outcome="timeout", losses=(loss,), session="s")
    assert msgspec.json.decode(pack(generation, END)[1], type=Generation) == generation


def test_foreign_bytes_are_left_out() -> None:
    """What an upstream put beside its counts is no business of the ledger."""
    usage = Usage(input=1, extras={"openai_chat": {"secret": msgspec.Raw(b'"x"')}})
    assert b"secret" not in pack(Generation(id="a", usage=usage), END)[0]


def test_enormous_strings_are_clipped() -> None:
    """A megabyte in a model's name, or a thousand losses, make a record of bounded size."""
    losses = tuple(Loss("x" * 10_000, "y" * 10_000) for _ in range(1000))
    frame, payload = pack(Generation(id="a", requested="m" * 10**6, losses=losses), END)
    assert len(frame) < 200_000
    assert msgspec.json.decode(payload, type=Generation).requested == "m" * 500


def test_a_cut_leaves_a_prefix() -> None:
    """Truncated at any byte, exactly the frames before the cut are read, and the rest is known as torn."""
    for cut in range(len(FIVE) + 1):
        read = whole(FIVE[:cut])
        assert read == whole(FIVE)[: sum(end <= cut for end in ENDS)]
        assert torn(FIVE[:cut][ENDS[len(read) - 1] if read else 0 :])


def test_a_flipped_bit_ends_the_reading() -> None:
    """One wrong bit anywhere: the frames before it are read, none is read wrongly."""
    for position in range(len(FIVE)):
        for bit in (1, 128):
            damaged = bytearray(FIVE)
            damaged[position] ^= bit
            assert whole(bytes(damaged)) == whole(FIVE)[: sum(end <= position for end in ENDS)]


def test_a_page_of_zeros_is_no_frame() -> None:
    """A file that grew without getting its data ends where the data ends."""
    assert whole(FIVE + bytes(4096)) == whole(FIVE)
    assert torn(bytes(4096))
    assert not torn(FIVE[:-1] + b"x")


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_harmless(data: bytes) -> None:
    """Scanning never raises and always ends."""
    assert all(frame.end <= len(data) for frame in scan(data))
    assert wanted(data) > 0
