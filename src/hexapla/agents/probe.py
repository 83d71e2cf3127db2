"""Whether a gateway answers at an address, and whether it knows a profile and takes a key."""

from __future__ import annotations

import json
import urllib.request
from http.client import HTTPException
from typing import Literal
from urllib.error import HTTPError

PATIENCE = 2.0  # seconds

Found = Literal["ready", "absent", "stranger", "locked", "unknown"]
"""ready: ours, and it serves us;  absent: nobody listens;  stranger: somebody else does;  locked: it wants another key;
unknown: it does not know the profile, or the profile cannot be used there"""

_CODES: dict[int, Found] = {200: "ready", 401: "locked", 403: "locked", 404: "unknown"}

_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # it is never behind a proxy


def probe(url: str, profile: str, key: str) -> Found:
    """What answers at `url` (without prefix and /v1)."""
    try:
        with _opener.open(url, timeout=PATIENCE) as answer:
            ours = json.load(answer).get("name") == "hexapla"
    except (HTTPError, HTTPException, ValueError, AttributeError):
        return "stranger"
    except OSError:
        return "absent"
    if not ours:
        return "stranger"
    prefix = f"/p/{profile}" if profile else ""
    headers = {"authorization": f"Bearer {key}"}
    request = urllib.request.Request(f"{url}{prefix}/v1/models", headers=headers)  # noqa: S310 - it answered as a gateway
    try:
        with _opener.open(request, timeout=PATIENCE) as answer:
            return _CODES.get(answer.status, "stranger")
    except HTTPError as error:
        return _CODES.get(error.code, "stranger")
    except HTTPException:
        return "stranger"
    except OSError:
        return "absent"
