"""The decoder of server-sent events follows the WHATWG rules, whatever the cuts."""

from __future__ import annotations

import itertools
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexapla.errors import ProtocolError
from hexapla.wire.sse import Frame, SSEDecoder, comment, frame


def decode(*pieces: bytes) -> list[Frame]:
    decoder = SSEDecoder()
    return [found for piece in pieces for found in decoder.feed(piece)] + decoder.close()


@pytest.mark.parametrize(
    ("stream", "frames"),
    [
        (b"data: x\n\n", [Frame("", b"x")]),
        (b"data:x\n\n", [Frame("", b"x")]),
        (b"data:  x\n\n", [Frame("", b" x")]),
        (b"event: e\ndata: x\n\n", [Frame("e", b"x")]),
        (b"data: a\ndata: b\n\n", [Frame("", b"a\nb")]),
        (b"data\n\n", [Frame("", b"")]),
        (b": note\n\ndata: x\n\n", [Frame("", b"x")]),
        (b"id: 1\nretry: 5\nnew: z\ndata: x\n\n", [Frame("", b"x")]),
        (b"event: lonely\n\ndata: x\n\n", [Frame("", b"x")]),
        (b"data: x\r\n\r\n", [Frame("", b"x")]),
        (b"data: x\r\r", [Frame("", b"x")]),
        (b"data: a\r\ndata: b\n\r\n", [Frame("", b"a\nb")]),
        (b"\xef\xbb\xbfdata: x\n\n", [Frame("", b"x")]),
        (b"\n\n\ndata: x\n\n\n\n", [Frame("", b"x")]),
        (b"data: x", [Frame("", b"x")]),
        (b"data: x\n", [Frame("", b"x")]),
        (b"", []),
    ],
)
def test_frames_whole_and_byte_by_byte(stream: bytes, frames: list[Frame]) -> None:
    """Line ends in any mix, comments, unknown fields, a BOM, a missing last blank line."""
    assert decode(stream) == frames
    assert decode(*(stream[i : i + 1] for i in range(len(stream)))) == frames


line_ends = st.sampled_from((b"\n", b"\r\n", b"\r"))
lines = st.sampled_from((b"data: one", b"data:two", b"event: e", b": c", b"id: 7", b"", b"", "data: é😀".encode()))


@given(st.lists(st.tuples(lines, line_ends), max_size=12), st.data())
def test_cuts_change_nothing(rows: list[tuple[bytes, bytes]], data: st.DataObject) -> None:
    """Any stream, cut anywhere, gives the same frames."""
    stream = b"".join(line + end for line, end in rows)
    places = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=8)))
    edges = [0, *places, len(stream)]
    pieces = [stream[a:b] for a, b in itertools.pairwise(edges)]
    assert decode(*pieces) == decode(stream)


def test_comments_are_counted_as_life() -> None:
    """A keep-alive is no frame, but it is noticed."""
    decoder = SSEDecoder()
    assert decoder.feed(comment("alive") + comment("alive")) == [] and decoder.comments == 2


@pytest.mark.parametrize("size", [1, 3, 5, 8, 13, 100])
def test_an_event_of_many_lines(size: int) -> None:
    """Its lines come before its end does."""
    stream = b"data: a\n" * 9 + b"\n" + b"data: b\r\n" * 9 + b"\r\n"
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert decode(*pieces) == [Frame("", b"\n".join([b"a"] * 9)), Frame("", b"\n".join([b"b"] * 9))]


def test_an_event_in_tiny_pieces_takes_its_own_size() -> None:
    """Nothing more is kept for each piece: a server chooses how small they are."""
    decoder, size = SSEDecoder(), 200_000
    decoder.feed(b"data: ")
    tracemalloc.start()
    try:
        for number in range(size // 2):
            decoder.feed(b"%02d" % (number % 100))
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert held < 2 * size
    assert len(decoder.close()[0].data) == size


def test_an_event_without_end_is_bounded() -> None:
    """Memory for one event is limited, however it arrives."""
    decoder = SSEDecoder(max_event=1000)
    with pytest.raises(ProtocolError, match="longer than 1000"):
        for _ in range(2000):
            decoder.feed(b"data: x")


@given(
    st.binary(max_size=40).filter(lambda data: not set(data) & set(b"\r\n")),
    st.from_regex(r"[a-z_.]{0,12}", fullmatch=True),
)
def test_what_is_framed_comes_back(data: bytes, event: str) -> None:
    """`frame` and the decoder are inverses."""
    assert decode(frame(data, event)) == [Frame(event, data)]


@pytest.mark.parametrize(
    ("block", "frames"),
    [
        (b'error: {"code":500}\n\n', [Frame("error", b'{"code":500}')]),
        (b'{"error":"x"}\n\n', [Frame("", b'{"error":"x"}')]),
        (b'{"error":\n{}}\n\n', [Frame("", b'{"error":\n{}}')]),
        (b'data: 1\n{"error":"x"}\n\n', [Frame("", b"1")]),
        (b'id: 7\nretry: 3\nfoo: {"x":1}\n\n', []),
    ],
)
def test_a_failure_without_a_field_of_its_own(block: bytes, frames: list[Frame]) -> None:
    """How some servers fail in the middle: an `error` field, or JSON without any; beside data it is noise."""
    assert SSEDecoder().feed(block) == frames
