"""Unknown fields on their way out: a dialect's own are put back, any other's are a Loss."""

from __future__ import annotations

from typing import Any

from hexapla.ir.content import Extras
from hexapla.ir.loss import LossLog


def own_extras(extras: Extras, protocol: str, path: str, losses: LossLog) -> dict[str, Any]:
    """The fields of `extras` that are `protocol`'s.  `path` is that of their owner, with its dot."""
    for origin, fields in extras.items():
        if origin != protocol:
            for name in fields:
                losses.add(f"{path}extras.{origin}.{name}", f"{name} is a field of {origin} only")
    return dict(extras.get(protocol, {}))
