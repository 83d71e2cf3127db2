"""`${NAME}` and `${NAME:-default}` in configured text, as a shell understands them.

Secrets and addresses that differ between machines come from the environment, in the user's file as in the built-in
providers.  A variable that is set but empty counts as missing, since an empty key is never what was meant.

Rules of this file: pure (the environment is a mapping); nothing is guessed: what is missing is named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec.structs import replace

from hexapla.catalog.schema import Endpoint, Provider

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


def expand(text: str, environment: Mapping[str, str]) -> str:
    """`text` with its variables replaced; those that are missing and have no default stay as they are."""
    if "${" not in text:
        return text
    return _VARIABLE.sub(lambda found: environment.get(found[1]) or found[2] or found[0], text)


def missing(text: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The variables of `text` that are neither set nor have a default."""
    if "${" not in text:
        return ()
    return tuple(name for name, default in _VARIABLE.findall(text) if not default and not environment.get(name))


def placed(provider: Provider, environment: Mapping[str, str]) -> Provider:
    """A built-in provider with the variables of its addresses replaced; `unavailable` where one is missing."""
    texts = (provider.host, *(text for endpoint in provider.endpoints for text in _texts(endpoint)))
    absent = tuple(dict.fromkeys(name for text in texts for name in missing(text, environment)))
    if absent and not provider.unavailable:
        return replace(provider, unavailable=f"set {' and '.join(absent)} to say where it is")
    if not any("${" in text for text in texts):
        return provider
    endpoints = tuple(_expanded(endpoint, environment) for endpoint in provider.endpoints)
    return replace(provider, host=expand(provider.host, environment), endpoints=endpoints)


def allowed(provider: Provider) -> Provider:
    """`provider`; `unavailable` when it is off until its user says otherwise."""
    if provider.enabled or provider.unavailable:
        return provider
    why = (
        "it is off, for its interface is not documented for other programs; to use it all the same, at your own risk and "
        f"with your own account, set enabled = true under [providers.{provider.id}]"
    )
    return replace(provider, unavailable=why)


def _texts(endpoint: Endpoint) -> tuple[str, ...]:
    return endpoint.base_url, endpoint.path, endpoint.stream_path, *endpoint.headers.values(), *endpoint.query.values()


def _expanded(endpoint: Endpoint, environment: Mapping[str, str]) -> Endpoint:
    return replace(
        endpoint,
        base_url=expand(endpoint.base_url, environment),
        path=expand(endpoint.path, environment),
        stream_path=expand(endpoint.stream_path, environment),
        headers={name: expand(value, environment) for name, value in endpoint.headers.items()},
        query={name: expand(value, environment) for name, value in endpoint.query.items()},
    )
