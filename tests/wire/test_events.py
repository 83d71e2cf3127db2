"""A stream cut into its events, whatever its line ends are."""

from __future__ import annotations

import pytest

from hexapla.wire.events import events, is_one


@pytest.mark.parametrize("line", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_event_keeps_its_blank_line(line: bytes, count: int) -> None:
    said = [line.join([b"event: e", b"data: \0%d" % number, b"", b""]) for number in range(count)]
    data = b"".join(said)
    assert events(data) == said
    assert is_one(data) == (count == 1 and line == b"\n")  # whatever has a CR is looked at closely


def test_what_is_not_whole_stands_last() -> None:
    assert events(b"data: 1\n\ndata: 2") == [b"data: 1\n\n", b"data: 2"]
