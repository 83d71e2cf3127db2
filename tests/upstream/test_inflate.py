"""Packed bodies come out as they went in, piece by piece, and one that grows beyond measure is known at its beginning."""

from __future__ import annotations

import gzip
import random
import zlib
from collections.abc import Iterator

import pytest

from hexapla.errors import Kind, UpstreamError
from hexapla.upstream.inflate import FREE_BYTES, MAX_RATIO, PIECE, Inflate, inflate_of

CHANCE = random.Random(40)
BODIES = {
    "nothing": b"",
    "a little": b"hello",
    "one piece": b"\0" * PIECE,
    "a byte more": b"\0" * (PIECE + 1),
    "what does not shrink": CHANCE.randbytes(3 * PIECE),
    "what shrinks": b"".join(CHANCE.randbytes(9).hex().encode() * 20 for _ in range(3000)),
}


def unpacked(inflate: Inflate, *packed: bytes) -> Iterator[bytes]:
    """Everything that `packed` becomes."""
    for data in packed:
        inflate.feed(data)
        while piece := inflate.take():
            yield piece
    inflate.close()


def cut(data: bytes, most: int) -> list[bytes]:
    pieces, at = [], 0
    while at < len(data):
        size = CHANCE.randint(1, most)
        pieces.append(data[at : at + size])
        at += size
    return pieces


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
@pytest.mark.parametrize("body", BODIES)
def test_a_packed_body_comes_out_as_it_went_in(body: str, pack: object) -> None:
    """However it is cut, in pieces of a bounded size; what follows its end is nobody's."""
    assert callable(pack)
    plain, packed = BODIES[body], pack(BODIES[body])
    for pieces in ([packed], cut(packed, 7), cut(packed, 5000), [packed + b"more", b"and more"]):
        got = list(unpacked(Inflate(), *pieces))
        assert b"".join(got) == plain
        assert all(len(piece) <= PIECE for piece in got)


def test_f40_a_bomb_is_known_after_its_first_megabyte() -> None:
    """Whatever it would become, and however it comes: no more of it is unpacked than may have any ratio."""
    bomb = zlib.compress(b"\0" * (64 * FREE_BYTES), 9)
    for pieces in ([bomb], cut(bomb, 4096)):
        given: list[bytes] = []
        with pytest.raises(UpstreamError) as caught:
            given.extend(unpacked(Inflate(), *pieces))
        assert caught.value.kind is Kind.UPSTREAM_PROTOCOL and "beyond measure" in str(caught.value)
        assert sum(len(piece) for piece in given) <= FREE_BYTES


def test_a_body_that_may_grow_ends_at_its_limit() -> None:
    """A ratio below the most, and more bytes than the reader takes."""
    line = CHANCE.randbytes(MAX_RATIO // 4).hex().encode() * 20
    inflate, given = Inflate(3 * FREE_BYTES), 0
    packed = zlib.compress(b"".join(line + CHANCE.randbytes(30) for _ in range(4000)))
    inflate.feed(packed)
    with pytest.raises(UpstreamError, match=f"larger than {3 * FREE_BYTES}"):
        while piece := inflate.take():
            given += len(piece)
    assert 3 * FREE_BYTES - PIECE < given <= 3 * FREE_BYTES


def test_what_is_cut_or_none_is_an_error() -> None:
    packed = gzip.compress(b"hello" * 1000)
    with pytest.raises(UpstreamError, match="cut off"):
        list(unpacked(Inflate(), packed[:-9]))
    with pytest.raises(UpstreamError, match="cannot be read"):
        list(unpacked(Inflate(), b"hello"))
    list(unpacked(Inflate()))  # no body at all is no cut one


def test_what_undoes_an_encoding() -> None:
    assert inflate_of("") is None and inflate_of(" Identity ") is None
    assert inflate_of("GZIP") is not None and inflate_of("deflate") is not None
    for word in ("br", "zstd", "gzip, gzip"):
        with pytest.raises(UpstreamError, match="not asked for"):
            inflate_of(word)
