"""After a crash: what dead processes left in their journals goes into the store.

Finished records are stored as they are; a request that was begun and never ended becomes an explicit row with the
outcome `interrupted`, because its upstream may well have worked and billed.  Every step can be repeated: a recovery
that is itself killed is simply done again.

Rules of this file: a journal is deleted only after the store has it; reading stops at the first torn frame; damage is
kept aside for a person.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from hexapla.ledger.frame import BEGIN, END, MAGIC, Frame, decode, pack, scan, torn
from hexapla.ledger.record import Generation
from hexapla.ledger.rows import Record, rows
from hexapla.ledger.segment import Claim, dead_claims, set_aside, sweep
from hexapla.ledger.store import Store

_AT_ONCE = 500


class Recovered(msgspec.Struct, frozen=True, kw_only=True):
    """What was found: finished records, requests without an end, and files with damage."""

    finished: int = 0
    interrupted: int = 0
    damaged: int = 0

    def __add__(self, other: Recovered) -> Recovered:
        return Recovered(
            finished=self.finished + other.finished,
            interrupted=self.interrupted + other.interrupted,
            damaged=self.damaged + other.damaged,
        )


def recover(directory: Path, store: Store) -> Recovered:
    """Empty the journals of dead processes into the store.  Raises OSError and the store's GatewayError."""
    found = Recovered()
    sweep(directory)
    for claim in dead_claims(directory):
        try:
            found += _recover(claim, store)
        finally:
            claim.release()
    return found


def interrupted(generation: Generation) -> Generation:
    """Return the row of a request whose end nobody saw.  A cost given at its beginning was reserved for it."""
    return msgspec.structs.replace(generation, outcome="interrupted", estimated=generation.cost is not None)


def _recover(claim: Claim, store: Store) -> Recovered:
    found = Recovered()
    begun: dict[str, Generation] = {}
    damage: dict[Path, bool] = {}
    for path in claim.segments():
        frames, whole = _frames(path.read_bytes())
        finished, legible = _store(frames, begun, store)
        damage[path] = not (whole and legible)
        found += Recovered(finished=finished, damaged=damage[path])
    cut = rows((each, pack(each, END)[1]) for each in map(interrupted, begun.values()))
    for start in range(0, len(cut), _AT_ONCE):
        found += Recovered(interrupted=store.interrupt(cut[start : start + _AT_ONCE]))
    for path, damaged in damage.items():
        if damaged:
            set_aside(path)
        else:
            path.unlink()
    claim.spare.unlink(missing_ok=True)
    return found


def _frames(data: bytes) -> tuple[Iterator[Frame], bool]:
    """Return the whole frames, and whether what follows them is at most an unfinished write."""
    if not data.startswith(MAGIC):
        return iter(()), MAGIC.startswith(data) or not any(data)
    frames = list(scan(data, len(MAGIC)))
    end = frames[-1].end if frames else len(MAGIC)
    return iter(frames), torn(data[end:])


def _store(frames: Iterator[Frame], begun: dict[str, Generation], store: Store) -> tuple[int, bool]:
    """Store what ended, and keep `begun` up to date; return how many ended, and whether every frame was understood."""
    ended: list[Record] = []
    legible = True
    for frame in frames:
        try:
            generation = decode(frame.payload)
        except msgspec.DecodeError:  # of a later version: its frame was whole
            legible = False
            continue
        if frame.kind == BEGIN:
            begun.setdefault(generation.id, generation)
        else:
            begun.pop(generation.id, None)
            ended.append((generation, frame.payload))
    for start in range(0, len(ended), _AT_ONCE):
        store.put(rows(ended[start : start + _AT_ONCE]))
    return len(ended), legible
