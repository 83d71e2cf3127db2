"""Unknown fields on their way out: our own dialect's are put back, any other's are a Loss."""

from __future__ import annotations

from typing import Any

from hexapla.ir.content import Extras
from hexapla.ir.loss import LossLog
from hexapla.protocols.openai_responses.words import NAME


def native_extras(extras: Extras, path: str, losses: LossLog) -> dict[str, Any]:
    """The fields of `extras` that Responses knows.  `path` is that of their owner, with its dot."""
    for origin, fields in extras.items():
        if origin != NAME:
            for name in fields:
                losses.add(f"{path}extras.{origin}.{name}", f"{name} is a field of {origin} only")
    return dict(extras.get(NAME, {}))
