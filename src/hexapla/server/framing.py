"""What HTTP wants of a request's head and httptools lets pass.

A head that two programs read differently lets somebody smuggle a request past one of them.  llhttp refuses most of what is
doubtful (lengths that differ, a length beside chunks, bare line feeds, folded lines, names with blanks); this is the rest.

Rules of this file: pure; section numbers are RFC 9112's unless another is named (https://www.rfc-editor.org/rfc/rfc9112,
2026-11-28); header names come in small letters.
"""

from __future__ import annotations

import re
from http import HTTPStatus

Headers = list[tuple[bytes, bytes]]

VERSIONS = frozenset({"1.1", "1.0"})

_OFFERS = frozenset({b"upgrade", b"http2-settings"})
"""Headers of a request that offers another protocol, which its `connection` names as well."""

_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::[0-9]*)?").fullmatch
_ABSOLUTE = re.compile(rb"(?i:https?)://([^/?#]+)(.*)", re.DOTALL).fullmatch
_REQUEST = re.compile(rb"[A-Z!#$%&'*+.^_`|~0-9-]+ (?:/|\*|http)").match


class Refused(Exception):  # noqa: N818 - the parser hears it, and nobody else
    """A request that is answered and its connection closed, since nobody knows where the next one would begin."""

    def __init__(self, status: int, message: str, kind: str = "invalid_request_error") -> None:
        super().__init__(message)
        self._status = status
        self._message = message
        self._kind = kind

    def answer(self, answer_id: bytes, lines: bytes = b"") -> bytes:
        """The whole answer, with more lines of its head.  The dialect is not known yet: the body is an error in all."""
        reason, message, kind = HTTPStatus(self._status).phrase.encode(), self._message.encode(), self._kind.encode()
        body = b'{"type":"error","error":{"type":"%b","message":"%b","param":null,"code":null},"request_id":"%b"}' % (
            kind,
            message,
            answer_id,
        )
        return (
            b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\nx-request-id: %b\r\n"
            b"request-id: %b\r\n%bconnection: close\r\n\r\n%b"
            % (self._status, reason, len(body), answer_id, answer_id, lines, body)
        )


def check_head(version: str, method: bytes, headers: Headers) -> None:
    """Raise Refused for a head that is not to be believed."""
    if version not in VERSIONS:
        raise Refused(505, "This gateway speaks HTTP/1.1 and HTTP/1.0.")  # RFC 9110, 15.6.6
    if method == b"CONNECT":
        raise Refused(501, "This gateway is no proxy for CONNECT.")  # RFC 9110, 9.3.6
    hosts = 0
    for name, value in headers:
        if name == b"host":
            hosts += 1
            if _HOST(value) is None:
                raise Refused(400, "The Host header names no host.")
        elif name == b"transfer-encoding":
            _check_coding(version, value)
    if hosts > 1 or (hosts == 0 and version == "1.1"):
        raise Refused(400, "An HTTP/1.1 request has exactly one Host header.")  # 3.2


def _check_coding(version: str, value: bytes) -> None:
    """No coding but `chunked` is undone here, and HTTP/1.0 knows none at all (6.1)."""
    if version == "1.0":
        raise Refused(400, "HTTP/1.0 knows no Transfer-Encoding; send Content-Length.")
    if value.lower() != b"chunked":
        raise Refused(501, "Transfer-Encoding may be `chunked` and nothing else.")


def origin_form(target: bytes, headers: Headers) -> tuple[bytes, Headers]:
    """A target that is a whole URL as a path, with the URL's host in place of what `Host` says (3.2.2)."""
    found = _ABSOLUTE(target)
    if found is None:
        return target, headers
    host, path = found.groups()
    return path if path.startswith(b"/") else b"/" + path, [(n, host if n == b"host" else v) for n, v in headers]


def without_offer(start: bytes, headers: Headers) -> bytes:
    """A head again, from its first line and its headers, without those that offer another protocol."""
    lines = [b"%b: %b" % (name, value) for name, value in headers if name not in _OFFERS and name != b"connection"]
    said = b",".join(value for name, value in headers if name == b"connection").lower().split(b",")
    if kept := [word for word in map(bytes.strip, said) if word not in _OFFERS]:
        lines.append(b"connection: " + b", ".join(kept))
    return b"\r\n".join([start, *lines, b"", b""])


def unparsed(data: bytes) -> Refused:
    """What the parser does not take because of its method: one that nobody knows, or no HTTP at all."""
    if _REQUEST(data):
        return Refused(501, "The method of the request is not known here.")  # RFC 9110, 9.1
    return not_http()


def not_http() -> Refused:
    return Refused(400, "The request is not valid HTTP/1.1.")


def crowded_out(most: int) -> Refused:
    message = f"The gateway has {most} connections already; ask again in a moment (limits.connections)."
    return Refused(503, message, "overloaded_error")


def late_head() -> Refused:
    return Refused(408, "The request's head did not arrive in time; send it in one go.")


def large_head() -> Refused:
    return Refused(431, "The request's head is too large, or it has too many headers.")
