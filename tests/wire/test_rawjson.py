"""One level of JSON is split and joined, and every byte inside the values stays."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from hexapla.errors import ProtocolError
from hexapla.wire.rawjson import dump, join, load, split


@given(st.dictionaries(st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=4)))
def test_split_and_join_are_inverses(value: dict[str, object]) -> None:
    """What is split and joined means the same, and its values are the same bytes."""
    body = json.dumps(value).encode("utf-8", "surrogatepass")
    fields = split(body)
    assert json.loads(join(fields)) == json.loads(body)
    assert split(join(fields)) == fields


def test_spelling_survives() -> None:
    """Number spelling, big integers, key order and white space inside values are not ours to change."""
    body = b'{"a": 1.0e0, "b": 12345678901234567890123, "c": {"z" : 1, "a":2}}'
    assert join(split(body)) == b'{"a":1.0e0,"b":12345678901234567890123,"c":{"z" : 1, "a":2}}'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"1",
        b'"x"',
        b"null",
        b"{",
        b'{"a":}',
        b"\xff",
        pytest.param(b'{"a":' + b"[" * 2_000_000 + b"]" * 2_000_000 + b"}", id="deep"),  # 3.14 takes 100,000
    ],
)
def test_what_is_no_object_is_a_protocol_error(body: bytes) -> None:
    """Not JSON, not an object, nested too deeply: one kind of error."""
    with pytest.raises(ProtocolError):
        split(body)


def test_load_is_forgiving() -> None:
    """A value of another type is None, not an exception."""
    assert load(Raw(b"1"), str) is None and load(Raw(b'"x"'), str) == "x"
    assert load(Raw(), str) is None and load(b"\xff", str) is None
    assert dump({"a": 1}) == Raw(b'{"a":1}')
