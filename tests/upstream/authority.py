"""Certificates, good and bad, and the TLS contexts of servers that show them."""

from __future__ import annotations

import datetime
import ssl
import warnings

import trustme

AUTHORITY = trustme.CA()
"""The authority that a transport under test trusts."""


def showing(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """A server that shows `certificate`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def good() -> ssl.SSLContext:
    """A server that everything is right with."""
    return showing(AUTHORITY.issue_cert("127.0.0.1"))


def expired() -> ssl.SSLContext:
    """A certificate of yesterday."""
    now = datetime.datetime.now(datetime.UTC)
    return showing(AUTHORITY.issue_cert("127.0.0.1", not_after=now - datetime.timedelta(days=1)))


def old() -> ssl.SSLContext:
    """A server that speaks nothing newer than TLS 1.1."""
    context = good()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


BAD = {
    "expired": expired,
    "wrong-host": lambda: showing(AUTHORITY.issue_cert("api.example")),
    "unknown-authority": lambda: showing(trustme.CA().issue_cert("127.0.0.1")),
    "old": old,
}
