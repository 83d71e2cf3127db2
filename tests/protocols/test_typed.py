"""A client's objects are read by the types of their fields: what is unknown is kept, and what is wrong is told in words."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import Raw

from hexapla.errors import ProtocolError
from hexapla.protocols.typed import Reader, present


class Inner(msgspec.Struct):
    size: int


class Thing(msgspec.Struct, tag_field="type", tag="thing", forbid_unknown_fields=True):
    name: str
    count: int | None = None
    words: list[str] | None = None
    content: str | list[Raw] | None = None
    inner: Inner | None = None
    free: Raw = Raw()


THING = Reader(Thing)


def test_an_object_that_says_nothing_unknown() -> None:
    thing, rest = THING.read(b'{"type":"thing","name":"n","count":null,"free":null}')
    assert (thing.name, thing.count, present(thing.free), rest) == ("n", None, None, {})


def test_what_is_unknown_is_kept_in_order_and_nulls_are_nothing() -> None:
    thing, rest = THING.read(b'{"z":[1, 2],"name":"n","y":null,"x":{"b":1,"a":2}}')
    assert thing.name == "n"
    assert [(name, bytes(raw)) for name, raw in rest.items()] == [("z", b"[1, 2]"), ("x", b'{"b":1,"a":2}')]


def test_fields_that_may_be_left_out() -> None:
    assert [THING.maybe(raw, "$")[0] for raw in (Raw(), Raw(b"null"))] == [None, None]


@pytest.mark.parametrize(
    ("raw", "message", "path"),
    [
        (b"3", "things[0] must be an object", "$.things[0]"),
        (b"null", "things[0] must be an object", "$.things[0]"),
        (b"{}", "name is required", "$.things[0].name"),
        (b'{"name":null}', "name is required", "$.things[0].name"),
        (b'{"name":3}', "name must be a string", "$.things[0].name"),
        (b'{"name":"n","count":"3"}', "count must be an integer", "$.things[0].count"),
        (b'{"name":"n","words":"w"}', "words must be a list", "$.things[0].words"),
        (b'{"name":"n","words":["a",3]}', "words: every item must be a string", "$.things[0].words"),
        (b'{"name":"n","content":3}', "content must be a string or a list", "$.things[0].content"),
        (b'{"name":"n","inner":{"size":"3"}}', "size must be an integer", "$.things[0].inner.size"),
        (b'{"name":"n","more":1,"count":true}', "count must be an integer", "$.things[0].count"),
        (b'{"name":"n"', "Input data was truncated", "$.things[0]"),
    ],
)
def test_complaints_name_the_place_and_the_wish(raw: bytes, message: str, path: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        THING.read(raw, "$.things[0]")
    assert (caught.value.message, caught.value.path) == (message, path)
