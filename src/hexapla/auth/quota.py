"""What is left of an account, where its vendor has an address that tells.

Rules of this file: a pure generator; only the fields that the provider's table names are shown.
"""

from __future__ import annotations

from typing import Any

import msgspec

from hexapla.auth.grant import at
from hexapla.auth.oauth import filled
from hexapla.auth.steps import Call, Headers, Reply, Steps
from hexapla.catalog.login import Quota


def quota_told(quota: Quota, base: str, host: str, headers: Headers) -> Steps[dict[str, Any]]:
    """name -> value of everything that the answer tells; {} for an answer that tells nothing.  Raises UpstreamError.

    base  of the provider's first endpoint;  host  of its login
    """
    url = filled(quota.url, host)
    reply: Reply = yield Call("GET", base.rstrip("/") + url if url.startswith("/") else url, headers)
    if reply.status != 200:
        return {}
    try:
        said = msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    found = {name: at(said, path) for name, path in quota.shown.items()}
    return {name: value for name, value in found.items() if isinstance(value, (str, int, float))}
