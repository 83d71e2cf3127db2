"""TLS towards providers: whom it trusts, and which certificate it shows where one is asked for.

Files are read again when they have changed, since certificates that are shown as a login are short-lived and renewed under
the same name (cert-manager, SPIFFE).

Rules of this file: what stands in a key's file is never told.
"""

from __future__ import annotations

import ssl
from functools import lru_cache
from pathlib import Path

from hexapla.errors import Kind, UpstreamError
from hexapla.upstream.transport import Certificates

Stamps = tuple[int, ...]

ONLY_HTTP2 = 'it speaks no HTTP/1.1; `transport = "reqwest"` at its endpoint speaks HTTP/2'
"""What the alert no_application_protocol means (RFC 7301, 3.2): HTTP/1.1 is all that is offered."""


def context_of(certificates: Certificates | None) -> ssl.SSLContext:
    """The context for a connection.  Raises UpstreamError for files that cannot be used."""
    return _usual() if certificates is None else _context(certificates, stamps(certificates))


def stamps(certificates: Certificates | None) -> Stamps:
    """When each of the files was last written.  Raises UpstreamError for one that is not there."""
    if certificates is None:
        return ()
    try:
        return tuple(Path(file).stat().st_mtime_ns for file in certificates.files)
    except OSError as error:
        raise _unusable(error.filename, error.strerror or "it cannot be read") from None


def pem_of(file: str) -> bytes:
    """What stands in `file`.  Raises UpstreamError."""
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise _unusable(file, error.strerror or "it cannot be read") from None


def _usual() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


@lru_cache(maxsize=64)
def _context(certificates: Certificates, written: Stamps) -> ssl.SSLContext:
    context = _usual()
    try:
        if certificates.ca:
            context.load_verify_locations(certificates.ca)
    except (OSError, ssl.SSLError) as error:
        raise _unusable(certificates.ca, _reason(error)) from None
    try:
        if certificates.cert:
            # without a password OpenSSL would ask for one on the terminal
            context.load_cert_chain(certificates.cert, certificates.key or None, password=lambda: "")
    except (OSError, ssl.SSLError) as error:
        raise _unusable(certificates.key or certificates.cert, _reason(error)) from None
    return context


def handshake_failed(where: object, error: ssl.SSLError) -> UpstreamError:
    """A handshake that the other end, or this one, has given up."""
    return UpstreamError(Kind.UPSTREAM_TLS, f"TLS with {where} failed: {_reason(error)}.")


def _reason(error: OSError) -> str:
    """OpenSSL's words, or ours where they say too little."""
    said = getattr(error, "verify_message", "") or getattr(error, "reason", "") or error.strerror or "handshake failed"
    return ONLY_HTTP2 if "no application protocol" in str(said) else str(said)


def _unusable(file: object, why: str) -> UpstreamError:
    return UpstreamError(Kind.UPSTREAM_MISCONFIGURED, f"{file}: {why}. Correct `tls` of the provider in hexapla.toml.")
