"""What a wire protocol is: one object with ten functions, all pure, and two that are short cuts.

A protocol folder holds wire structs and words, request.py and render.py, response.py, decode.py and encode.py, errors.py,
and its `__init__.py` exports one `Protocol`.  The same object serves both roles: as the client's dialect
(parse_request, render_response, encoder, render_error) and as the upstream's (render_request, parse_response, decoder,
parse_error).  The short cuts are nobody's duty: `parse_texts` and `texts_to` do for requests that are nothing but texts
what parse_request and render_request do for all.

Rules: protocol folders never import each other; nothing here reads a clock or draws a random number (`Reply` brings
both); nothing raises anything but ProtocolError and GatewayErrors.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Collection, Mapping

import msgspec

from hexapla.errors import ClientError, GatewayError, Kind, UpstreamError
from hexapla.ir.event import AnyEvent, UsageReport
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest
from hexapla.ir.response import GenerateResponse, Stop, Usage
from hexapla.ir.target import Target
from hexapla.ir.texts import Texts
from hexapla.wire.sse import comment

HEARTBEAT = comment("hexapla")
_PROCESSING = comment("OPENROUTER PROCESSING")  # which OpenRouter's clients know

UNREADABLE = "The provider's stream holds an event that cannot be read."


def nothing_left(field: str) -> ClientError:
    """The refusal of a conversation of which nothing can be said in the target's dialect; `field` is where it stands."""
    message = (
        "Nothing of this conversation can be sent to the target: its messages are empty, are stored elsewhere (a stored "
        "response or prompt), or hold only what their own vendor understands. Send messages with content, or choose "
        "that vendor."
    )
    return ClientError(Kind.UNSUPPORTED, message, param=field)


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer needs to know that the upstream did not say.

    id             our generation id; used where the upstream gave no id, and as the seed of item ids
    created        Unix seconds; used where the upstream gave no time
    model          the upstream model's name; used where the upstream named none
    include_usage  Chat: the client asked for a usage chunk
    openrouter     the client expects what OpenRouter adds to the dialect
    provider       who serves, by name, for those clients
    input_estimate input tokens by local estimate, for message_start when the upstream reports at the end; 0: none
    request        the parsed request, which Responses echoes back; None when it was never parsed
    """

    id: str
    created: int
    model: str
    include_usage: bool = False
    openrouter: bool = False
    provider: str = ""
    input_estimate: int = 0
    request: GenerateRequest | None = None


def heartbeat(reply: Reply) -> bytes:
    """A sign of life in a stream of server-sent events: a comment, which every client ignores."""
    return _PROCESSING if reply.openrouter else HEARTBEAT


class Glance(msgspec.Struct, frozen=True, gc=False):
    """What a whole answer that is only forwarded says of itself, without its content.

    usual  nothing in it can lack what a client needs of an answer
    """

    id: str | None
    model: str | None
    service_tier: str | None
    stop: Stop | None
    usage: Usage | None
    usual: bool = False


def glancing(parse: Callable[[bytes], GenerateResponse]) -> Callable[[bytes], Glance]:
    """A glance that looks at everything."""

    def glance(body: bytes) -> Glance:
        answer = parse(body)
        calls = answer.stop is not None and answer.stop.reason == "tool_calls"
        return Glance(answer.id, answer.model, answer.service_tier, answer.stop, answer.usage, not calls)

    return glance


class StreamDecoder(typing.Protocol):
    """Bytes of an upstream stream -> events.

    text_index  of the block of text that is open, for `piece`; -1: there is none
    done        the protocol's own terminal event was seen: nothing more will come, `close` may be called
    unread      fields that nobody here knows, once `look` was called
    settled     everything that matters was seen (a finish reason and usage), only a terminator may follow: the driver
                waits briefly for it
    """

    text_index: int
    done: bool
    settled: bool
    unread: dict[str, None]

    def look(self) -> None:
        """Look for what nobody reads, for whoever tells the client no more than what the events say."""
        ...

    def expect(self, names: Collection[str]) -> None:
        """The request has tools of these names: any other may be a piece of one, so its call begins with its arguments."""
        ...

    def piece(self, data: bytes) -> str:
        """More of the open text, where `data` holds that as the piece before did, and nothing else; "": it must be fed."""
        ...

    def late(self, data: bytes) -> list[UsageReport]:
        """The usage in `data`, which came after the terminal event."""
        ...

    def feed(self, data: bytes) -> list[AnyEvent]:
        """Return the events that `data` completes.  Never raises: an event that is broken JSON becomes a
        StreamError, other noise is skipped; after a terminal event everything is ignored."""
        ...

    def close(self) -> list[AnyEvent]:
        """The upstream's bytes are over.  Return what is still due, always ending in a terminal event if none was
        emitted: MessageStop where the protocol ends cleanly so, else StreamError(upstream_truncated)."""
        ...


class StreamEncoder(typing.Protocol):
    """Events -> bytes of the client's stream.  May assume that the events obey the grammar."""

    def encode(self, event: AnyEvent) -> bytes:
        """Return the wire form of `event`: possibly nothing, possibly several frames."""
        ...

    def more(self, index: int, text: str) -> bytes:
        """`encode` for more text of the block of text `index`, which is most of what a stream consists of."""
        ...

    def close(self) -> bytes:
        """Return what must still be said; empty after a terminal event was encoded."""
        ...


class MakeEncoder(typing.Protocol):
    """Makes an encoder; what its dialect cannot say is added to the losses."""

    def __call__(self, reply: Reply, losses: LossLog | None = None) -> StreamEncoder: ...


class Protocol(typing.NamedTuple):
    """One wire protocol, in both roles."""

    name: str

    parse_request: Callable[[bytes], GenerateRequest]
    """Client body -> request.  Raises ProtocolError(message, path) for anything the dialect does not allow."""

    render_request: Callable[[GenerateRequest, Target, LossLog], bytes]
    """Request -> upstream body.  What the protocol cannot say is added to the losses, never dropped in silence.
    Raises ClientError where carrying on would change the meaning (n > 1 where there is no n)."""

    parse_response: Callable[[bytes], GenerateResponse]
    """Upstream body -> response.  Raises ProtocolError for what is not this protocol, and UpstreamError for an error hidden
    in a 200."""

    glance: Callable[[bytes], Glance]
    """`parse_response` for whoever only forwards the body: the same errors, the same id, model, tier, stop and usage."""

    render_response: Callable[[GenerateResponse, Reply, LossLog], bytes]

    decoder: Callable[[], StreamDecoder]

    encoder: MakeEncoder

    parse_error: Callable[[int, Mapping[str, str], bytes], UpstreamError]
    """An upstream's HTTP error (status, headers, body) -> our error.  Total: any body at all gives an error."""

    render_error: Callable[[GatewayError], tuple[int, bytes]]
    """Our error -> (HTTP status, body) in this dialect, as its official SDK understands it."""

    parse_texts: Callable[[bytes], Texts | None] | None = None
    """`parse_request` for a request that is nothing but texts; None for any other, and for one that may be wrong."""

    texts_to: Callable[[Target], Callable[[Texts], bytes | None] | None] | None = None
    """`render_request` for requests of texts to one target; None where all of them, or one, would lose something."""
