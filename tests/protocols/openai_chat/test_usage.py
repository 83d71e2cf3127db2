"""Usage in OpenAI's own form is read by types, and means what it means where it is looked for field by field."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from hexapla.protocols.counts import MOST
from hexapla.protocols.openai_chat.glance import glance
from hexapla.protocols.openai_chat.usage import Counts, counted, usage_of

COUNTS = st.none() | st.integers(0, 40) | st.integers(MOST - 2, MOST + 1)


def details(*names: str) -> st.SearchStrategy[Any]:
    """Some details, one of which nobody reads."""
    return st.none() | st.fixed_dictionaries({}, optional=dict.fromkeys((*names, "accepted_tokens"), COUNTS))


USAGE = st.fixed_dictionaries(
    {},
    optional={
        "prompt_tokens": COUNTS,
        "completion_tokens": COUNTS,
        "total_tokens": COUNTS,
        "prompt_tokens_details": details(
            "cached_tokens", "cache_write_tokens", "cache_creation_tokens", "audio_tokens"
        ),
        "completion_tokens_details": details("reasoning_tokens", "audio_tokens"),
    },
)


@given(USAGE)
@example(
    {
        "prompt_tokens": 3,
        "completion_tokens": 4,
        "total_tokens": 9,
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
)
def test_types_read_what_a_closer_look_reads(said: dict[str, Any]) -> None:
    try:
        typed = msgspec.json.decode(json.dumps(said), type=Counts)
    except msgspec.ValidationError:
        return  # somebody looks closer
    assert counted(typed) == usage_of(said)


def test_what_is_no_count_is_looked_at_more_closely() -> None:
    for count in (True, 1.0, -1, MOST, "1"):
        body = {"choices": [{"finish_reason": "stop", "message": {}}], "usage": {"prompt_tokens": count}}
        assert glance(json.dumps(body).encode()).usage == usage_of(body["usage"])  # type: ignore[arg-type]
