"""Renews the table of models from packages that were read, and says what changed.

Rules of this file: pure; a package that is no longer read leaves its facts standing, with the version they came from.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from hexapla.catalog.merge.merge import merge
from hexapla.catalog.merge.sources import PACKAGES, gone
from hexapla.catalog.merge.write import write
from hexapla.catalog.table import Row, Source, Table

URLS = {package.name: package.url for package in PACKAGES}
READ = {package.name: package.read for package in PACKAGES}


class Read(msgspec.Struct, frozen=True):
    """A package's table as it was found."""

    version: str
    data: bytes


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between two tables: names "provider/id"; `prices` with what was charged before and now."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    prices: dict[str, tuple[str, str]] = {}
    changed: int = 0  # rows that differ in anything, prices included

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def renew(packages: Mapping[str, Read], before: Table | None, today: str) -> bytes:
    """The table's file, from packages by name.  Raises ValueError or KeyError for a package of an unknown format."""
    facts = {name: READ[name](read.data, today) for name, read in packages.items()}
    away = frozenset(key for name, read in packages.items() for key in gone(name, read.data))
    rows = merge(facts, before.rows() if before is not None else (), away)
    known = {source.name: source for source in before.header.sources} if before is not None else {}
    known |= {name: Source(name, URLS[name], read.version, today) for name, read in packages.items()}
    return write(rows, [known[name] for name in URLS if name in known], today)


def compare(before: Table | None, after: Table) -> Changes:
    """What `after` says that `before` did not."""
    old = {_name(row): row for row in before.rows()} if before is not None else {}
    new = {_name(row): row for row in after.rows()}
    common = [name for name in new if name in old]
    differing = [name for name in common if new[name].model != old[name].model]
    return Changes(
        added=tuple(name for name in new if name not in old),
        removed=tuple(name for name in old if name not in new),
        prices={
            name: (_charged(old[name]), _charged(new[name]))
            for name in differing
            if new[name].model.price != old[name].model.price
        },
        changed=len(differing),
    )


def _name(row: Row) -> str:
    return f"{row.provider}/{row.model.id}"


def _charged(row: Row) -> str:
    """What is charged, short: in/out (cached), and how many tiers there are."""
    price = row.model.price
    if price is None:
        return "?"
    entered, left, cached = ("?" if rate is None else f"{rate:g}" for rate in (price.input, price.output, price.cached))
    tiers = f" +{len(price.tiers)}" if price.tiers else ""
    return f"{price.currency} {entered}/{left} ({cached}){tiers}"
