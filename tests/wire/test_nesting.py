"""JSON that is nested too deeply is told from JSON that is only long."""

from __future__ import annotations

import json

import pytest

from hexapla.wire.nesting import DEEPEST, too_deep


def nested(depth: int, open_: bytes = b"[", close: bytes = b"]") -> bytes:
    return open_ * depth + close * depth


@pytest.mark.parametrize(
    ("text", "deep"),
    [
        (b"{}", False),
        (nested(DEEPEST), False),
        (nested(DEEPEST + 1), True),
        (nested(10_000), True),
        (nested(DEEPEST // 2, b'[{"a":', b"}]"), False),
        (nested(DEEPEST // 2 + 1, b'[{"a":', b"}]"), True),
        (b"[" + b",".join([nested(3)] * 5_000) + b"]", False),
        (json.dumps(["[" * 5_000, '\\"{' * 5_000]).encode(), False),
        (b'{"x":"' + b"[" * 2_000 + b'","y":' + nested(DEEPEST - 1) + b"}", False),
        (b'{"x":"\\\\","y":' + nested(2_000) + b"}", True),
    ],
)
def test_depth(text: bytes, deep: bool) -> None:
    assert too_deep(text) is deep
