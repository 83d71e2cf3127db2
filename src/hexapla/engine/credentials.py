"""How the credentials of a machine stand: where each came from, when it ends, whether it sits out."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from hexapla.auth.api_key import Credential
from hexapla.auth.files import read
from hexapla.auth.formats import load
from hexapla.auth.keeper import Keeper
from hexapla.engine.routes import Routes


class Benched(msgspec.Struct, frozen=True, kw_only=True):
    """Why a credential is left out, for how many seconds, and for which model ("" for all)."""

    why: str
    seconds: float
    model: str = ""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One credential of one provider.

    kind     key, login, shared (the vendor's own file), cloud, exchange, file, keyring or command
    expires  seconds since 1970; None: never, or not known before it is used
    ended    it is over and cannot be renewed without a person
    benched  None: nobody can tell, for no gateway was asked
    quota    what the vendor tells of the account, by its own names
    """

    provider: str
    name: str
    kind: str
    account: str = ""
    expires: float | None = None
    renews: bool = False
    ended: bool = False
    experimental: bool = False
    benched: tuple[Benched, ...] | None = None
    quota: dict[str, Any] = {}


def standings(routes: Routes, *, running: bool) -> list[Standing]:
    """Every credential that was found.  `running`: these are the routes that serve, so their bench counts."""
    return [
        _standing(routes, provider.id, each, running)
        for provider in routes.catalog.providers.values()
        if not provider.unavailable
        for each in routes.credentials(provider.id)
    ]


def _standing(routes: Routes, provider: str, found: Credential | Keeper, running: bool) -> Standing:
    stays = routes.traffic.stays(provider)
    benched = tuple(
        Benched(why=why.value, seconds=round(left, 1), model=model)
        for (name, model), (why, left) in stays.items()
        if name == found.name
    )
    standing = Standing(
        provider=provider,
        name=found.name,
        kind="key",
        experimental=routes.catalog.providers[provider].experimental,
        benched=benched if running else None,
    )
    return _kept(standing, found) if isinstance(found, Keeper) else standing


def _kept(standing: Standing, keeper: Keeper) -> Standing:
    """What the file of a login tells, or the token that is held."""
    kept, token = keeper.source.kept, keeper.token
    standing = msgspec.structs.replace(standing, kind=keeper.source.kind)
    if kept is None:
        return msgspec.structs.replace(standing, expires=token.expires or None if token else None, renews=True)
    grant = load(read(kept.path), kept.login, kept.form)
    if grant is None:
        return msgspec.structs.replace(standing, ended=True)
    renews = bool(grant.refresh) and kept.ours
    over = bool(grant.expires) and grant.expires < time.time() and not renews
    return msgspec.structs.replace(
        standing, account=grant.account, expires=grant.expires or None, renews=renews, ended=over
    )
