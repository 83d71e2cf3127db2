"""What happened to one request: the Generation and its Attempts.

The ledger's primary key is our own id, never the provider's (ids of providers repeat).  No content, no credential ever
stands here: only names, counts, times and outcomes.

Most fields of most records hold their default, and are left out where a record is written; `whole` says them all.  Nothing
here can hold itself, so the garbage collector need not look at the thousands that wait for the store.
"""

from __future__ import annotations

import msgspec

from hexapla.ir.loss import Loss
from hexapla.ir.response import Usage


class Cost(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Money in integer billionths of the currency's unit (nano-dollars, nano-yuan), so that sums are exact."""

    currency: str
    nanos: int
    source: str  # "catalogue" (our price table) | "upstream" (the provider's own figure) | "sum" (of several)


class Attempt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One call of one endpoint."""

    provider: str
    model: str
    protocol: str
    lane: str
    started: float  # Unix seconds
    latency: float  # seconds until it ended
    status: int | None = None  # HTTP status of the upstream; None if none arrived
    outcome: str = "ok"  # ok | an errors.Kind value
    message: str = ""  # error message, sanitised
    upstream_id: str = ""
    usage: Usage | None = None  # of an attempt that is paid for beside the one that served, by estimate
    cost: Cost | None = None  # and what that costs; part of the generation's cost where that is in the same currency
    overrides: tuple[str, ...] = ()  # fields that the request's `fallbacks` say otherwise for it


class Generation(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """One request of one client, from begin to end.

    Mutable, since copying it costs more than writing it: whoever has it fills it in as the request goes on, and nobody
    changes one that has ended.

    outcome    ok | cancelled | an errors.Kind value | open (begun, not ended yet) | interrupted (begun, and the process
               ended before the request did: what the upstream did and billed is unknown)
    estimated  the upstream sent no usage; the counts (or, for interrupted, the reserved cost) are a local estimate
    resumed    how often another attempt went on with the answer; `usage` and `cost` are those of all of them together
    native     the upstream's own word for why it stopped, where it is another one than `stop`
    saved      what the prompt cache saved, in the cost's currency and unit; negative where writing it cost more
    first      seconds until the first content byte went to the client; None if none did
    preset     the one that the request named;  tier: the service tier that served, in the upstream's word
    """

    id: str
    key: str = ""  # name of the client's key, never the key
    client_protocol: str = ""
    requested: str = ""  # the model name as the client asked for it
    provider: str = ""
    model: str = ""
    lane: str = ""
    stream: bool = False
    created: float = 0.0  # Unix seconds
    latency: float = 0.0
    first: float | None = None
    outcome: str = "open"
    stop: str | None = None
    native: str | None = None
    status: int = 0  # what the client got
    usage: Usage = Usage()
    estimated: bool = False
    cost: Cost | None = None
    resumed: int = 0
    saved: int = 0
    losses: tuple[Loss, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    session: str = ""
    preset: str = ""
    tier: str = ""


def whole(value: object) -> object:
    """`value`, a record or a part of one, as JSON's own types, fields with their default included."""
    if isinstance(value, msgspec.Struct):
        return {name: whole(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, tuple):
        return [whole(each) for each in value]
    return value
