"""Typed decoding that forgives."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from hexapla.wire.lenient import fit


class Leaf(msgspec.Struct):
    """An inner object."""

    name: str | None = None
    size: int | None = None


class Tree(msgspec.Struct):
    """An outer one."""

    title: str | None = None
    leaf: Leaf | None = None
    leaves: list[Leaf] | Leaf | None = None
    plain: list[Leaf] = []
    rest: Raw = Raw()


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"title":"t","leaf":{"name":"n","size":1}}', Tree(title="t", leaf=Leaf(name="n", size=1))),
        (b'{"title":3,"leaf":{"name":"n","size":"big"}}', Tree(leaf=Leaf(name="n"))),
        (b'{"leaf":7,"title":"t"}', Tree(title="t")),
        (b'{"leaves":[{"size":1},null,{"size":"x"},5]}', Tree(leaves=[Leaf(size=1), Leaf()])),
        (b'{"leaves":{"size":"x","name":"n"}}', Tree(leaves=Leaf(name="n"))),
        (b'{"plain":[{"name":2},{"name":"n"}]}', Tree(plain=[Leaf(), Leaf(name="n")])),
        (b'{"rest":[1, 2],"title":[]}', Tree(rest=Raw(b"[1, 2]"))),
        (b'{"unknown":1}', Tree()),
    ],
)
def test_what_fits_is_kept(raw: bytes, expected: Tree) -> None:
    """A wrong field costs itself, at every depth, and nothing else."""
    assert fit(raw, Tree) == expected


@pytest.mark.parametrize("raw", [b"", b"[]", b"3", b"{", b"\xff", b"[" * 100_000, b'{"leaf":' * 50_000])
def test_no_object_is_nothing(raw: bytes) -> None:
    """What is no object gives nothing, and no bomb goes off."""
    assert fit(raw, Tree) is None


@given(st.binary(max_size=80))
def test_total(raw: bytes) -> None:
    """Arbitrary bytes never raise."""
    assert fit(raw, Tree) is None or isinstance(fit(raw, Tree), Tree)
