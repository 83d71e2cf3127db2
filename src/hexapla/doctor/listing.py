"""Which models a provider lists: `GET {base}/models`, whose answer also tells the provider's clock and judges every key.

Shapes: OpenAI's and Anthropic's {"data": [{"id"}]}, Together's bare list (https://docs.together.ai/reference/models-1,
2026-11), Gemini's {"models": [{"name": "models/..."}]} (https://ai.google.dev/api/models, 2026-11).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import urlsplit, urlunsplit

import msgspec
from msgspec.structs import replace

from hexapla.catalog.address import normalise
from hexapla.engine.address import Address
from hexapla.errors import UpstreamError
from hexapla.protocols import PROTOCOLS
from hexapla.routing.candidate import Candidate
from hexapla.upstream.transport import Request, Response, Timeouts

Send = Callable[[Request], Awaitable[Response]]

PATIENCE = Timeouts(connect=8, head=20, idle=20)
MOST_BYTES = 16 * 1024 * 1024  # OpenRouter's list has half a megabyte
_ALL = {"anthropic_messages": "limit=1000", "gemini_generate": "pageSize=1000"}
"""These list a page at a time."""


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """An answer to the question which models there are.

    models  their ids; None when the answer is no list
    error   why there is no answer, or which HTTP error it is
    date    the Date header;  kind: the content type;  location: where a redirect leads
    """

    url: str
    models: tuple[str, ...] | None = None
    error: UpstreamError | None = None
    status: int = 0
    date: str = ""
    kind: str = ""
    location: str = ""


class _Row(msgspec.Struct):
    id: str = ""
    name: str = ""


class _Rows(msgspec.Struct):
    data: list[_Row] | None = None
    models: list[_Row] | None = None


_decode = msgspec.json.Decoder(list[_Row] | _Rows).decode


def listable(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Those whose address has a list of models beside it: not those with paths of their own, nor in this process."""
    return [each for each in candidates if not each.endpoint.path and not each.endpoint.base_url.startswith("demo:")]


async def list_models(send: Send, candidate: Candidate) -> Listing:
    """Ask the endpoint of `candidate`, with its key.  Never raises."""
    request = _question(candidate)
    url = request.url.partition("?")[0]
    try:
        response = await send(request)
        try:
            body = await response.read(MOST_BYTES)
        finally:
            response.close()
    except UpstreamError as error:
        return Listing(url=url, error=error)
    status, headers = response.status, response.headers
    protocol = PROTOCOLS[candidate.endpoint.protocol]
    return Listing(
        url=url,
        models=_ids(body) if status == 200 else None,
        error=None if status == 200 else protocol.parse_error(status, headers, body),
        status=status,
        date=headers.get("date", ""),
        kind=headers.get("content-type", "").partition(";")[0],
        location=headers.get("location", "").partition("?")[0] if 300 <= status < 400 else "",
    )


def _question(candidate: Candidate) -> Request:
    """The request for the list beside the address at which `candidate` is asked; a token may have moved the host."""
    assert isinstance(candidate.address, Address)
    protocol = candidate.endpoint.protocol
    usual = candidate.address.request(b"", stream=False, forward=())
    asked, base = urlsplit(usual.url), urlsplit(normalise(protocol, candidate.endpoint.base_url))
    query = "&".join(part for part in (asked.query, _ALL.get(protocol, "")) if part)
    return replace(
        usual,
        method="GET",
        url=urlunsplit((asked.scheme, asked.netloc, f"{base.path}/models", query, "")),
        headers=tuple(pair for pair in usual.headers if pair[0] != "content-type"),
        timeouts=PATIENCE,
        max_response_bytes=MOST_BYTES,
    )


def _ids(body: bytes) -> tuple[str, ...] | None:
    try:
        read = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    rows = read if isinstance(read, list) else read.data if read.data is not None else read.models
    if rows is None:
        return None
    return tuple(row.id or row.name.removeprefix("models/") for row in rows if row.id or row.name)
