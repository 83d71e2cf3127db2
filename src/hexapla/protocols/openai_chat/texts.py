"""A request that is nothing but texts as a Chat Completions body, written in one encode.

`render.py` writes these as well, and the same (tests/translate/test_straight.py).

Rules of this file: in doubt None; what the target makes of every request is found out once.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hexapla.ir.target import Target
from hexapla.ir.texts import Texts, Turn
from hexapla.wire.rawjson import join

_USAGE = {"include_usage": True}


class _Body(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """In the order in which `render.py` says it."""

    model: str
    messages: Sequence[Turn]
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: Sequence[str] | None = None
    stream: bool = False
    stream_options: dict[str, bool] | None = None


class TextsTo(msgspec.Struct, frozen=True):
    """Writes what goes to one target."""

    target: Target

    def __call__(self, said: Texts) -> bytes | None:
        """The body, or None where something of it would be lost."""
        target = self.target
        sampled = said.temperature is not None or said.top_p is not None or said.top_k is not None
        if (sampled and not target.sampling) or (not target.system_role and said.messages[0].role == "system"):
            return None
        return join(
            _Body(
                model=target.model,
                messages=said.messages,
                max_tokens=said.max_tokens,
                temperature=said.temperature,
                top_p=said.top_p,
                top_k=said.top_k,
                stop=said.stop or None,
                stream=said.stream is True,
                stream_options=_USAGE if said.stream and target.stream_usage else None,
            )
        )


def texts_to(target: Target) -> TextsTo | None:
    """Whoever writes requests of texts for this target; None where it refuses what they may say."""
    refused = {path.rpartition(".")[2] for path in target.unsupported}
    named = target.max_tokens_field is not None
    return None if named or not refused.isdisjoint(Texts.__struct_fields__) else TextsTo(target)
