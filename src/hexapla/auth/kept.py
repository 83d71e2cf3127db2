"""A login that is kept in a file: read, renewed before it ends, shared with other processes.

A refresh token that rotates is good for one use, so two processes that refresh at once would end the login.  Whoever
wants to refresh locks the file, reads it again, and takes what a sibling has left there in the meantime; only then is the
server asked, and its answer is on the disk before anybody uses it.

Rules of this file: pure generators.
"""

from __future__ import annotations

import msgspec

from hexapla.auth.exchange import exchanged
from hexapla.auth.formats import dump, load
from hexapla.auth.grant import Grant, Token
from hexapla.auth.oauth import lowered, renew
from hexapla.auth.steps import Clock, Lock, Read, Steps, Write
from hexapla.catalog.login import Exchange, Login
from hexapla.errors import Kind, UpstreamError


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """Where a login of `provider` is.

    path, form  the file and whose it is (formats.py)
    ours        we may renew the login and write the file
    """

    provider: str
    login: Login
    path: str
    form: str = ""
    ours: bool = True


def kept_token(kept: Kept, exchange: Exchange | None, now: Clock, refused: Token | None) -> Steps[Token]:
    """The token of a kept login; `refused` is one that a provider would not take.  Raises UpstreamError."""
    if exchange is None:
        grant = yield from kept_grant(kept, now, refused.secret if refused else "")
        return token_of(kept.login, grant)
    grant = yield from kept_grant(kept, now)
    try:
        return (yield from exchanged(exchange, grant.access, grant.host, now, token_of(kept.login, grant).headers))
    except UpstreamError as error:
        if error.upstream_status != 401 or not grant.refresh:
            raise
    grant = yield from kept_grant(kept, now, grant.access)
    return (yield from exchanged(exchange, grant.access, grant.host, now, token_of(kept.login, grant).headers))


def kept_grant(kept: Kept, now: Clock, refused: str = "") -> Steps[Grant]:
    """The kept login, renewed when it is due or was refused.  Raises UpstreamError when it has ended."""
    grant = load((yield Read(kept.path)), kept.login, kept.form)
    if grant is None:
        raise ended(kept)
    if _good(grant, refused, now()):
        return grant
    if not (kept.ours and grant.refresh):
        if grant.access != refused and not token_of(kept.login, grant).ended(now()):
            return grant
        raise ended(kept)
    yield Lock(kept.path)
    return (yield from _renewed(kept, now, refused))


def _renewed(kept: Kept, now: Clock, refused: str) -> Steps[Grant]:
    """The login after a refresh, by us or by whoever held the lock before."""
    data: bytes | None = yield Read(kept.path)
    grant = load(data, kept.login, kept.form)
    if grant is None:
        raise ended(kept)
    if _good(grant, refused, now()):
        return grant
    try:
        new = yield from renew(kept.login, grant, now)
    except UpstreamError as error:
        # the vendor's own program knows nothing of our lock, and may have been faster
        other = load((yield Read(kept.path)), kept.login, kept.form)
        if other is not None and other.access != grant.access and _good(other, refused, now()):
            return other
        if error.kind is Kind.UPSTREAM_AUTH:
            raise ended(kept, error) from None
        if grant.access != refused and not token_of(kept.login, grant).ended(now()):
            return grant  # the server stumbles, and what we have still holds
        raise
    yield Write(kept.path, dump(new, data, kept.form))
    return new


def token_of(login: Login, grant: Grant) -> Token:
    """What requests are sent with."""
    said = {name: value.replace("{account}", grant.account) for name, value in login.request_headers.items()}
    return Token(
        secret=grant.access,
        headers=lowered(said),
        base=grant.base,
        expires=grant.expires,
        obtained=grant.obtained,
    )


def ended(kept: Kept, error: UpstreamError | None = None) -> UpstreamError:
    """What to tell someone whose login is over, or who has none."""
    code = error.code if error is not None else None
    why, remedy = f" ({code})" if code else "", f"run `hexapla login {kept.provider}`"
    return UpstreamError(Kind.UPSTREAM_AUTH, f"The login of {kept.provider} has ended{why}: {remedy}.", code=code)


def _good(grant: Grant, refused: str, now: float) -> bool:
    return grant.access != refused and not token_of(_BARE, grant).due(now)


_BARE = Login(flow="pkce")
