"""Loss is a value: what a rendering could not say.

Severity decides what happens: `cosmetic` never stops a request; `parameter` and `content` are refused under the
`strict` policy and disqualify a candidate under `require_parameters`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

Severity = Literal["cosmetic", "parameter", "content"]


class Loss(msgspec.Struct, frozen=True, gc=False):
    """One thing that was not carried.

    field     the IR path that differs afterwards (`sampling.top_k`, `messages[2].content[0].cache`, `tools[1]`)
    why       a short clause for a person ("Chat Completions has no top_k")
    severity  cosmetic: the answer is the same; parameter: a wish is not honoured; content: something said is not heard
    """

    field: str
    why: str
    severity: Severity = "parameter"


MOST_COSMETIC = 50  # in a record: a long history of another dialect's has two for each of its items

_ORDER: dict[Severity, int] = {"content": 0, "parameter": 1, "cosmetic": 2}


def gravest(losses: Iterable[Loss]) -> list[Loss]:
    """The gravest first, and as they were found among their like."""
    return sorted(losses, key=lambda loss: _ORDER[loss.severity])


def kept(losses: tuple[Loss, ...]) -> tuple[Loss, ...]:
    """What a record keeps: every loss that is more than cosmetic, and of the others no more than show what they are."""
    if len(losses) <= MOST_COSMETIC:
        return losses
    grave = sum(loss.severity != "cosmetic" for loss in losses)
    return tuple(gravest(losses)[: max(grave, MOST_COSMETIC)])


class LossLog(dict[str, Loss]):
    """Collects losses while a rendering runs: the field of each, and the loss.  (A dict, since one is made for every
    request, and what most have to say of it is nothing.)"""

    __slots__ = ()

    def add(self, field: str, why: str, severity: Severity = "parameter") -> None:
        """Record that `field` was not carried.  The first reason for a field stands."""
        self.setdefault(field, Loss(field, why, severity))

    def extend(self, losses: Iterable[Loss]) -> None:
        """Record losses that others have found."""
        for loss in losses:
            self.setdefault(loss.field, loss)

    @property
    def losses(self) -> tuple[Loss, ...]:
        return tuple(self.values())
