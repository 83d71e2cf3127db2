"""The one error tree of Hexapla.

Everything that can go wrong with a request is a value of this tree, so that one table can decide whether to retry,
one table can pick the HTTP status, and each dialect needs one function to render it.  Any other exception that leaves
a public function is a bug.

    HexaplaError
     ├ GatewayError                      a request failed: kind, message, and what the caller can do
     │   ├ ClientError                   the caller's request is at fault
     │   ├ RoutingError                  nobody could serve it (every candidate and why)
     │   └ UpstreamError                 a provider failed or refused (provider, status, body excerpt)
     ├ ProtocolError                     bytes that do not speak their protocol (offset and excerpt, never a traceback)
     └ ConfigError                       a file, line and key of the configuration, with the nearest right name

Rules of this file: no imports but the standard library; no knowledge of any dialect; messages are for people and
never contain a credential.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence


class Kind(enum.StrEnum):
    """What went wrong, independent of dialect.  `STATUS` gives the HTTP status, `retry.py` the verdict."""

    INVALID_REQUEST = "invalid_request"
    UNSUPPORTED = "unsupported_parameter"  # the target cannot say it, and the policy is strict
    CONTEXT_LENGTH = "context_length"
    CONTENT_FILTER = "content_filter"
    CLIENT_AUTH = "client_auth"  # the caller's own key is missing or wrong
    PERMISSION = "permission"
    NOT_FOUND = "not_found"
    TOO_LARGE = "too_large"
    RATE_LIMIT = "rate_limit"
    OVERLOADED = "overloaded"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    NO_ROUTE = "no_route"  # no endpoint is left to try
    INTERNAL = "internal"
    UPSTREAM_AUTH = "upstream_auth"  # *our* credential was refused by the provider
    UPSTREAM_BILLING = "upstream_billing"  # *our* account with the provider has no money or quota
    UPSTREAM_ERROR = "upstream_error"  # 5xx and the like
    UPSTREAM_CONNECT = "upstream_connect"  # refused, unreachable, DNS
    UPSTREAM_TLS = "upstream_tls"
    UPSTREAM_PROTOCOL = "upstream_protocol"  # not HTTP, not JSON, not the protocol it claims to speak
    UPSTREAM_EMPTY = "upstream_empty"
    UPSTREAM_TRUNCATED = "upstream_truncated"  # the stream ended without its terminal event
    UPSTREAM_MISCONFIGURED = "upstream_misconfigured"  # redirects, wrong path
    EGRESS_PROXY = "egress_proxy"


STATUS: dict[Kind, int] = {
    Kind.INVALID_REQUEST: 400,
    Kind.UNSUPPORTED: 400,
    Kind.CONTEXT_LENGTH: 400,
    Kind.CONTENT_FILTER: 400,
    Kind.CLIENT_AUTH: 401,
    Kind.PERMISSION: 403,
    Kind.NOT_FOUND: 404,
    Kind.TOO_LARGE: 413,
    Kind.RATE_LIMIT: 429,
    Kind.CANCELLED: 499,
    Kind.INTERNAL: 500,
    Kind.UPSTREAM_AUTH: 502,
    Kind.UPSTREAM_BILLING: 502,
    Kind.UPSTREAM_ERROR: 502,
    Kind.UPSTREAM_CONNECT: 502,
    Kind.UPSTREAM_TLS: 502,
    Kind.UPSTREAM_PROTOCOL: 502,
    Kind.UPSTREAM_EMPTY: 502,
    Kind.UPSTREAM_TRUNCATED: 502,
    Kind.UPSTREAM_MISCONFIGURED: 502,
    Kind.EGRESS_PROXY: 502,
    Kind.OVERLOADED: 503,
    Kind.NO_ROUTE: 503,
    Kind.TIMEOUT: 504,
}


class HexaplaError(Exception):
    """Root of everything that Hexapla raises on purpose."""


class GatewayError(HexaplaError):
    """A request failed.

    kind         the class of the failure
    message      one or two sentences for a person: what was wrong, where, what to do; no secrets
    status       HTTP status for the client; defaults to the kind's own
    param        the field at fault in the *client's* dialect (`messages[2].content`), if one is
    code         the upstream's own word for it (`insufficient_quota`, `1113`), if it gave one
    type         the upstream's own error type, if it gave one
    retry_after  seconds until a new try makes sense, if known
    retryable    overrides the verdict that the kind would get; None leaves it to the table
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        status: int | None = None,
        param: str | None = None,
        code: str | None = None,
        type: str | None = None,  # noqa: A002 - the wire's own word
        retry_after: float | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.status = STATUS[kind] if status is None else status
        self.param = param
        self.code = code
        self.type = type
        self.retry_after = retry_after
        self.retryable = retryable


class ClientError(GatewayError):
    """The caller's request is at fault; another try with the same body cannot succeed."""


class RoutingError(GatewayError):
    """Nobody could serve the request.

    rejected  (endpoint name, reason) for every candidate that was ruled out before it was tried
    filters   which wishes ruled them out, in the same order (routing/filters.py)
    nearest   names close to the one asked for, if any; None where that is known
    """

    def __init__(
        self,
        message: str,
        *,
        kind: Kind = Kind.NO_ROUTE,
        param: str | None = None,
        rejected: Sequence[tuple[str, str]] = (),
        filters: Sequence[str] = (),
        nearest: Sequence[str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(kind, message, param=param, retry_after=retry_after)
        self.rejected = tuple(rejected)
        self.filters = tuple(filters)
        self.nearest = None if nearest is None else tuple(nearest)


class UpstreamError(GatewayError):
    """A provider failed or refused.

    upstream_status  the HTTP status that the provider sent; None for a failure below HTTP or inside a stream
    provider         id of the provider; filled in by whoever knows it
    body             at most 2,000 characters of what the provider sent, for the record; never shown for upstream_auth
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        upstream_status: int | None = None,
        provider: str = "",
        body: str = "",
        status: int | None = None,
        param: str | None = None,
        code: str | None = None,
        type: str | None = None,  # noqa: A002
        retry_after: float | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(
            kind,
            message,
            status=status,
            param=param,
            code=code,
            type=type,
            retry_after=retry_after,
            retryable=retryable,
        )
        self.upstream_status = upstream_status
        self.provider = provider
        self.body = body[:2000]


class ProtocolError(HexaplaError):
    """Bytes that do not speak their protocol.

    message  what was expected
    path     where, as a pointer into the document (`$.messages[2].content`), if known
    """

    def __init__(self, message: str, *, path: str = "") -> None:
        super().__init__(f"{message} - at {path}" if path else message)
        self.message = message
        self.path = path


class ConfigError(HexaplaError):
    """The configuration is wrong: which file, which key, and what was probably meant."""

    def __init__(
        self, message: str, *, file: str = "", line: int | None = None, key: str = "", did_you_mean: str = ""
    ) -> None:
        where = f"{file}:{line}" if file and line else file
        named = f"{key}: {message}" if where and key and key not in message else message
        text = f"{where}: {named}" if where else message
        super().__init__(f"{text} Did you mean {did_you_mean!r}?" if did_you_mean else text)
        self.message = message
        self.file = file
        self.line = line
        self.key = key
        self.did_you_mean = did_you_mean
