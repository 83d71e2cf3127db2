"""Is there a key, where does it come from, and does it look like one?

The form of a key is a hint and no more: vendors change it without notice, so a strange one is a warning.

Rules of this file: a key is looked at and never shown, not even a part of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from hexapla.auth.api_key import Credential, key_page, login_hint, missing_key, needs_key
from hexapla.auth.keeper import Keeper
from hexapla.catalog.schema import Provider
from hexapla.doctor.finding import Finding, found
from hexapla.errors import UpstreamError

PREFIXES: dict[str, tuple[str, ...]] = {
    # as shown in the vendors' documentation of authentication, 2026-11
    "anthropic": ("sk-ant-",),
    "cerebras": ("csk-",),
    "dashscope": ("sk-",),
    "deepseek": ("sk-",),
    "gemini": ("AIza", "AQ."),
    "groq": ("gsk_",),
    "moonshot": ("sk-",),
    "openai": ("sk-",),
    "openrouter": ("sk-or-",),
    "perplexity": ("pplx-",),
    "siliconflow": ("sk-",),
    "xai": ("xai-",),
}
_SHARED = "sk-"  # begins the keys of many vendors, so it tells nothing about the owner

_FORMS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"^[\"'“‘]"), "key.quoted"),
    (re.compile(r"^bearer\s", re.IGNORECASE), "key.bearer"),
    (
        re.compile(
            r"^(?:<.*>|\$\{?\w+\}?|\.{3}|(?:sk-)?[xX*.]{3,}|.*(?:your|my)[-_ ]?(?:own[-_ ]?)?(?:api|secret)?[-_ ]?key.*"
            r"|change[-_ ]?me|replace[-_ ]?me|todo|none|null|undefined|placeholder)$",
            re.IGNORECASE,
        ),
        "key.placeholder",
    ),
)


def examine_keys(provider: Provider, credentials: Sequence[Credential | Keeper]) -> list[Finding]:
    """One finding for what is wrong with each key; one for all of them when nothing is."""
    if not credentials and needs_key(provider.auth):
        return [found(provider.id, "key", "fail", "key.missing", remedy=missing_key(provider).message)]
    if not credentials:
        return [found(provider.id, "key", "ok", "key.none-needed")]
    names = ", ".join(credential.name for credential in credentials)
    keys = [credential for credential in credentials if isinstance(credential, Credential)]
    wrong = [judged for credential in keys if (judged := _judged(provider, credential)) is not None]
    return wrong or [found(provider.id, "key", "ok", "key.found", keys=names)]


async def examine_login(provider: Provider, keeper: Keeper) -> Finding:
    """Whether a login, a file, a keyring or a command gives a token."""
    try:
        await keeper.fresh()
    except UpstreamError as error:
        hint = login_hint(provider)
        code = "key.login" if hint else "key.source"
        return found(provider.id, "key", "fail", code, key=keeper.name, said=error.message.rstrip("."), hint=hint)
    return found(provider.id, "key", "ok", "key.found", keys=keeper.name)


def page(provider: Provider) -> str:
    """Where a key is made, as the end of a sentence."""
    where = key_page(provider)
    return f" ({where})" if where else ""


def _judged(provider: Provider, credential: Credential) -> Finding | None:
    """What is wrong with the form of a key."""
    name, secret, where = credential.name, credential.secret, page(provider)
    for pattern, code in _FORMS:
        if pattern.search(secret):
            return found(provider.id, "key", "fail", code, key=name, page=where)
    usual = PREFIXES.get(provider.id, ())
    owner = _owner(secret)
    if usual and owner not in ("", provider.id):
        return found(provider.id, "key", "warn", "key.foreign", key=name, page=where, owner=owner)
    if usual and not secret.startswith(usual):
        return found(provider.id, "key", "warn", "key.form", key=name, page=where, prefix=" / ".join(usual))
    return None


def _owner(secret: str) -> str:
    """The provider whose keys, and nobody else's, begin like this one; "" when that is not known."""
    told = ((name, begin) for name, begins in PREFIXES.items() for begin in begins if begin != _SHARED)
    return next((name for name, begin in told if secret.startswith(begin)), "")
