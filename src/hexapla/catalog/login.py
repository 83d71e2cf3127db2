"""How to log in to a provider, as data: where its keys are, how a person logs in, what a login is exchanged for.

`hexapla/auth` acts on these tables; a vendor's login that fits them needs no code.

Rules of this file: structs only; a default means "as the standard has it" (RFC 6749, 7636, 8252, 8628).
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A TOML table that refuses keys it does not know."""


class KeySource(_Table, frozen=True, kw_only=True):
    """One place that holds a key: exactly one of `key`, `env`, `file`, `keyring`, `command`.

    keyring  "service/user" in the operating system's keyring
    command  prints the key: a list of words, or a line that is split as a shell would (no shell runs)
    timeout  seconds that the command may take;  cache  seconds for which what was read is good
    weight   how much of the traffic this key gets when any key has a weight; else the order decides
    name     for people; where the key was found, when it is empty
    """

    key: str = ""
    env: str = ""
    file: str = ""
    keyring: str = ""
    command: str | tuple[str, ...] = ()
    timeout: float = 10.0
    cache: float = 300.0
    weight: float = 0.0
    name: str = ""


class Login(_Table, frozen=True, kw_only=True):
    """How a person logs in, as data.  `{host}` and `{domain}` in a URL are the login's host, with and without scheme.

    flow        device_code (RFC 8628), pkce (RFC 7636 with a loopback redirect, RFC 8252)
    host        whose login it is; `--enterprise-url` stands in its place
    client_id, client_secret, scope, audience   as the authorization server wants them
    authorize   where the browser goes;  redirect  where it comes back: `{port}` is one of `ports`, `{state}` a random word
    redirect_name  what the server calls redirect_uri;  params  further parameters of `authorize`
    device      where a device asks for its code;  device_style  "openai" is that vendor's own protocol
    token       where codes and refresh tokens are exchanged;  revoke  where a login is ended
    encoding    how `token` wants to be asked for a code;  refresh_encoding  and for a refresh
    answer      the field of its answer that holds the token
    headers     sent to the authorization server
    account     path to the account's id in the claims of the token;  request_headers  go with every request
                (`{account}` is filled in, what is empty is left out)
    base        field of the answer that says where requests go
    files       of the vendor's own program;  format  what they look like
    share       "read": a login found there is used;  "write": that file is ours as well, and refreshed tokens go there
    ended       the day on which the vendor switched it off;  instead  what to use now, or a condition to know of
    """

    flow: Literal["device_code", "pkce"]
    host: str = ""
    client_id: str = ""
    client_secret: str = ""
    scope: str = ""
    authorize: str = ""
    redirect: str = "http://127.0.0.1:{port}/callback"
    redirect_name: str = "redirect_uri"
    ports: tuple[int, ...] = (0,)
    params: dict[str, str] = {}
    device: str = ""
    device_style: Literal["", "pkce", "openai"] = ""
    token: str = ""
    revoke: str = ""
    encoding: Literal["form", "json"] = "form"
    refresh_encoding: Literal["form", "json"] = "form"
    answer: str = "access_token"
    headers: dict[str, str] = {}
    account: tuple[str, ...] = ()
    request_headers: dict[str, str] = {}
    base: str = ""
    files: tuple[str, ...] = ()
    format: Literal["", "codex", "github_copilot", "kimi", "qwen"] = ""
    share: Literal["", "read", "write"] = ""
    ended: str = ""
    instead: str = ""


class Exchange(_Table, frozen=True, kw_only=True):
    """A key or login that is not sent itself: it buys a token that lives for minutes.

    headers   `{grant}` is what was found or logged in with
    token, seconds, base, headers_from   paths into the answer (`endpoints.api`): the token, how long it lives, where
              requests go, further headers for them
    lifetime  seconds, where the answer does not say
    """

    url: str
    method: Literal["GET", "POST"] = "POST"
    headers: dict[str, str]
    body: dict[str, Any] = {}
    token: str = "token"  # noqa: S105 - a field's name
    seconds: str = ""
    base: str = ""
    headers_from: str = ""
    lifetime: float = 1800.0


class Quota(_Table, frozen=True, kw_only=True):
    """Where an account tells what is left of it.

    url    full, or relative to the first endpoint's base;  grant  asked with the login itself, not with its token
    shown  what to show of the answer: name -> path (`quota_snapshots.chat.remaining`)
    """

    url: str
    grant: bool = False
    shown: dict[str, str] = {}


class Auth(_Table, frozen=True, kw_only=True):
    """How to log in.

    kind      api_key | none | login (only a login's token is taken) | elsewhere (only the vendor's own program may)
    env       names of environment variables that may hold the key, first found wins
    key       the key itself, normally "${VARIABLE}";  file, keyring, command  other places (see KeySource);
              several, with order or weight: `keys`
    token_env a variable that may hold a finished token, sent as Bearer
    optional  the key is sent when there is one, and not asked for when there is none (servers of one's own)
    header    where the key goes: "authorization" (as Bearer), "x-api-key", "api-key", "x-goog-api-key"; "" is the
              protocol's own place.  A login's token is always a Bearer.
    login     how a person logs in;  exchange  what a key or login is exchanged for
    cloud     google: application default credentials;  entra: a client's secret, or the Azure CLI
    scope     what a cloud's token is for
    """

    kind: Literal["api_key", "none", "login", "elsewhere"] = "api_key"
    env: str | tuple[str, ...] = ()
    key: str | None = None
    file: str = ""
    keyring: str = ""
    command: str | tuple[str, ...] = ()
    keys: tuple[KeySource | str, ...] = ()
    token_env: str = ""
    optional: bool = False
    header: str = ""
    login: Login | None = None
    exchange: Exchange | None = None
    quota: Quota | None = None
    cloud: Literal["", "google", "entra"] = ""
    scope: str = ""
