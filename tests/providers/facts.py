"""What is known of a vendor's wire: the structs of `vendors/*.toml`.

Rules of this file: data only; a default means "as the protocol's inventor does it".
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

import msgspec

FOLDER = Path(__file__).parent / "vendors"

Protocol = Literal["openai_chat", "openai_responses", "anthropic_messages", "gemini_generate"]


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A TOML table that refuses keys it does not know."""


class Wire(_Table, frozen=True, kw_only=True):
    """How a vendor's answers look, where they deviate from the plain form of the protocol.

    frame      further top-level fields of every chunk and every whole answer
    opening    chunks before the first one, as JSON
    comments   lines between events;  prefix: what begins a data line;  newline: what ends lines
    ends       the bytes after the last event
    reasoning  where thought stands: a field's name, "details" (each entry is `detail` and a text, the text itself stands
               `beside`), "opaque", "part", "tags", "signed_call", "block", "summary" or "text"; "" is nowhere
    usage      where the counts stand. Chat: in a chunk of their own when asked ("chunk") or always, in the last chunk, in
               its choice, in every chunk, in Groq's corner; Messages: the input's at the start or all at the end
    counts     the usage object; it means 1000 tokens in (800 of them cached), 70 out (20 of them thought)
    unsaid     counts that it does not tell
    stops      stop, tool, length -> the vendor's words for them
    ids        of the first and the second call
    calls      how calls are streamed: in pieces, whole in one delta, without an index, or with an empty id in every piece
               after the first
    interleave whether the pieces of two calls alternate
    replay     thought comes back with a tool's result: "kept" is noted, "required" is refused when it is missing
    """

    frame: dict[str, Any] = {}
    opening: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()
    prefix: str = "data: "
    newline: Literal["\n", "\r\n"] = "\n"
    ends: str | None = None
    reasoning: str = ""
    detail: dict[str, Any] = {}
    beside: str = "reasoning"
    usage: Literal["chunk", "always", "last", "choice", "every", "groq", "start", "end"] = "chunk"
    counts: dict[str, Any] = {}
    unsaid: tuple[Literal["cached", "reasoning"], ...] = ()
    stops: dict[str, str] = {}
    ids: tuple[str, str] = ("call_8KfHc2Zr5QmTnVxY1aBdEgJl", "call_W3pLs9DuNkXo4RtC6vFyZhQb")
    calls: Literal["pieces", "whole", "unnumbered", "empty_ids"] = "pieces"
    interleave: bool = True
    replay: Literal["", "kept", "required"] = ""
    wandering_ids: bool = False  # Responses: every event of an item names another id
    empty_output: bool = False  # Responses: the last event repeats no output
    signed: bool = True  # thought carries a signature, where the protocol has one


class Door(_Table, frozen=True, kw_only=True):
    """One endpoint.

    path, stream_path  where it is, "{model}" included;  query: what must be in the URL
    key       "bearer", or the header that holds the bare key; "" asks for none
    headers   further headers that must be there;  unwanted: headers that must not
    refuses   fields that are a 400, "messages[].name" for one inside;  thinker_refuses: further ones, where the second
              model is asked;  exclusive: fields of which one may be there
    streaming  globs of models that answer as a stream only
    allows    all fields that are known, where any other is refused;  demands: fields that must have this value, or any
              for "*"
    roles     of messages; () is any
    envelope  the protocol's request and answer stand inside another one
    """

    protocol: Protocol
    path: str
    stream_path: str = ""
    query: dict[str, str] = {}
    key: str = "bearer"
    headers: dict[str, str] = {}
    unwanted: tuple[str, ...] = ()
    refuses: tuple[str, ...] = ()
    thinker_refuses: tuple[str, ...] = ()
    exclusive: tuple[str, ...] = ()
    streaming: tuple[str, ...] = ()
    allows: tuple[str, ...] = ()
    demands: dict[str, Any] = {}
    roles: tuple[str, ...] = ()
    envelope: Literal["", "dashscope"] = ""
    wire: Wire = Wire()


class Exchange(_Table, frozen=True, kw_only=True):
    """Where a key buys the token of the requests.  `answer`: `{key}` is the token, `{url}` the fake's own address."""

    method: Literal["GET", "POST"]
    path: str
    scheme: str
    answer: str


class Refusal(_Table, frozen=True, kw_only=True):
    """How a vendor complains.  `status` 200 hides it in an answer;  `event`: the bytes that say it inside a stream.

    kind  what it means, as a value of errors.Kind; "" is what its class says
    wait  the seconds that it asks to wait
    at    endpoints that say so, by protocol; () is all
    """

    status: int
    body: str = ""
    headers: dict[str, str] = {}
    kind: str = ""
    wait: float | None = None
    at: tuple[Protocol, ...] = ()


class Row(_Table, frozen=True, kw_only=True):
    """Models to ask a provider for: upstream ids, the second for thought ("": it shows none).

    tools  what the vendor says of tools
    """

    model: str
    thinker: str = ""
    tools: Literal["yes", "limited", "no"] = "yes"


class Vendor(_Table, frozen=True, kw_only=True):
    """One provider's fake.

    rows            what it is asked for
    environment     variables that say where it is
    refusals        class of failure -> how it is told
    broken          the bytes that end a stream that fails
    sources         "URL (date): claim"
    assumed         what no source was found for
    """

    provider: str
    rows: tuple[Row, ...]
    environment: dict[str, str] = {}
    doors: tuple[Door, ...]
    exchange: Exchange | None = None
    refusals: dict[str, tuple[Refusal, ...]] = {}
    broken: dict[str, str] = {}
    sources: tuple[str, ...]
    assumed: str = ""


KINDS = {
    "auth": "upstream_auth",
    "billing": "upstream_billing",
    "rate": "rate_limit",
    "overload": "overloaded",
    "overflow": "context_length",
    "filter": "content_filter",
    "bad": "invalid_request",
    "missing": "not_found",
    "permission": "permission",
    "failure": "upstream_error",
}
"""Classes of failure, as kinds of the gateway."""


def load() -> dict[str, Vendor]:
    """Every vendor, by provider."""
    files = sorted(FOLDER.glob("*.toml"))
    read = [msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), Vendor) for file in files]
    return {vendor.provider: vendor for vendor in read}


VENDORS = load()

ROWS: dict[str, tuple[str, Row]] = {
    name if row is vendor.rows[0] else f"{name}:{row.model}": (name, row)
    for name, vendor in VENDORS.items()
    for row in vendor.rows
}
"""Name of a test's case -> provider and models."""
