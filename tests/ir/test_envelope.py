"""The envelope carries a thought through a client and back, whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from hexapla.ir.content import Origin, Reasoning
from hexapla.ir.envelope import MARK, open_envelope, seal

words = st.none() | st.text(st.characters(exclude_categories=("Cs",)), min_size=1)
thoughts = st.builds(
    Reasoning,
    text=st.text(st.characters(exclude_categories=("Cs",))),
    summary=st.lists(st.text(st.characters(exclude_categories=("Cs",)))).map(tuple),
    signature=words,
    encrypted=words,
    details=st.none() | st.just(Raw(b'[{"type":"reasoning.text","text":"x","n":1.0e0}]')),
    id=words,
    form=st.sampled_from(("", "thinking", "reasoning_content")),
    origin=st.builds(Origin, st.just("openai_chat"), st.sampled_from(("", "deepseek"))),
    extras=st.just({}) | st.just({"openai_chat": {"x": Raw(b"1.0e0")}}),
)


@given(thoughts)
def test_what_is_sealed_comes_out_the_same(part: Reasoning) -> None:
    """Every field, absent ones too, survives sealing and opening."""
    assert open_envelope(seal(part)) == part


@pytest.mark.parametrize(
    "junk", ["", "sig", MARK, MARK + "!!", MARK + "aGk=", seal(Reasoning(origin=Origin("x")))[:-4]]
)
def test_anything_else_is_no_envelope(junk: str) -> None:
    """Foreign signatures and broken envelopes open to nothing, and raise nothing."""
    assert open_envelope(junk) is None


def test_a_bomb_is_no_envelope() -> None:
    """Sixteen megabytes are enough for any thought."""
    huge = seal(Reasoning(text="x" * (17 * 1024 * 1024), origin=Origin("x")))
    assert len(huge) < 1_000_000 and open_envelope(huge) is None
