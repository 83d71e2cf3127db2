"""Keys with weights: who is asked first is drawn anew for each request, in proportion.

Rules of this file: pure (chance is an argument); only the order within one provider's keys for one model changes; a key
without a weight comes after those that have one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

from hexapla.routing.candidate import Candidate

Weights = Mapping[tuple[str, str], float]
"""(provider, credential) -> its weight; who has none is not there."""


def drawn(planned: Sequence[Candidate], weights: Weights, chance: Callable[[], float]) -> list[Candidate]:
    """`planned` with the keys of every weighted provider in an order that is drawn.

    Efraimidis and Spirakis, "Weighted random sampling with a reservoir" (2006): sorting by chance ** (1 / weight) draws
    without putting back.
    """
    ordered: list[Candidate] = []
    for _, group in groupby(planned, key=lambda candidate: (candidate.provider.id, candidate.lot)):
        together = list(group)
        marks: dict[str, float] = {}
        for candidate in together:
            weight = weights.get((candidate.provider.id, candidate.credential), 0.0)
            if weight > 0.0 and candidate.credential not in marks:
                marks[candidate.credential] = chance() ** (1.0 / weight)
        ordered += sorted(together, key=lambda candidate: -marks.get(candidate.credential, -1.0))
    return ordered
