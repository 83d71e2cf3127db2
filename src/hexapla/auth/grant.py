"""What a login leaves behind (a grant), and what requests are sent with (a token).

Rules of this file: pure; times are seconds since 1970 by *this* machine's clock, counted from when an answer came, never
taken from a server's clock where it also says how long; nothing shows a secret.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import msgspec

from hexapla.auth.steps import Headers

EARLY = 300.0  # a token is renewed so many seconds before its end, or in the last fifth of its life
CLOSE = 10.0  # with less than this left it is not sent any more


class Grant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One login.  `expires` 0 is unknown or never; `host` whose login it is, `base` where requests go."""

    access: str = ""
    refresh: str = ""
    expires: float = 0.0
    obtained: float = 0.0
    id_token: str = ""
    scope: str = ""
    account: str = ""
    host: str = ""
    base: str = ""

    def __repr__(self) -> str:
        return f"Grant({self.account or 'login'})"


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """What a request is sent with.

    bearer   False: a key, which goes where the provider wants keys
    headers  further ones;  base  scheme and host that requests go to instead of the endpoint's
    """

    secret: str
    bearer: bool = True
    headers: Headers = ()
    base: str = ""
    expires: float = 0.0
    obtained: float = 0.0

    def __repr__(self) -> str:
        return "Token(...)"

    def ended(self, now: float) -> bool:
        """It cannot be sent any more."""
        return bool(self.expires) and now >= self.expires - CLOSE

    def due(self, now: float) -> bool:
        """It should be renewed before long."""
        life = self.expires - self.obtained
        return bool(self.expires) and now >= self.expires - max(CLOSE, min(EARLY, life / 5 if self.obtained else EARLY))


def claims(jwt: str) -> dict[str, Any]:
    """What a JWT says, unchecked: it came from its issuer over TLS, and only tells how to use itself.  {} if it is none."""
    parts = jwt.split(".")
    if len(parts) != 3:
        return {}
    try:
        said = msgspec.json.decode(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return {}
    return said if isinstance(said, dict) else {}


def at(value: Any, path: str | Sequence[str]) -> Any:
    """The value at a dotted path, or at the steps of a list; None where there is none."""
    for step in path.split(".") if isinstance(path, str) else path:
        if isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def seconds(value: Any) -> float:
    """A number that a server may have written as a string; 0 for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return 0.0
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return 0.0
    return number if 0.0 < number < 1e14 else 0.0


def life(jwt: str, now: float) -> float:
    """The end of a JWT's life on our clock: how long it lives, counted from now when it is fresh."""
    said = claims(jwt)
    end, begin = seconds(said.get("exp")), seconds(said.get("iat"))
    return now + end - begin if end and begin else end
