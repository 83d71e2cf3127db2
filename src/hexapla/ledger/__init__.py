"""The ledger: every request on record, exactly once, whatever happens to the process.

    price     usage x price -> Cost                        record    Generation, Attempt, Cost
    journal   append-only files, written before and after  store     what a store answers; sqlite is the embedded one,
                                                                     layout its file
    drain     journal -> store                             rows      what a store is told
    recovery  journals of dead processes -> store
    ledger    the front that joins them

A gateway that loses its books loses its keeper's money.  The order of writing (begin before the upstream is called, end
before the client hears the end) and the journal's frames make the ledger true after any crash.
"""

from __future__ import annotations

from hexapla.ledger.ledger import Durability, Health, Ledger, default_path
from hexapla.ledger.record import Attempt, Cost, Generation
from hexapla.ledger.store import GroupBy, UsageRow

__all__ = ["Attempt", "Cost", "Durability", "Generation", "GroupBy", "Health", "Ledger", "UsageRow", "default_path"]
