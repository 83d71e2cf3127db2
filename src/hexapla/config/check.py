"""Mistakes in a configuration that the types let through, each with its file, line and key.

Rules of this file: the first mistake is told; nothing is mended.
"""

from __future__ import annotations

import re
from pathlib import Path

from msgspec.structs import asdict

from hexapla.catalog.load import check_models, check_provider, mistake
from hexapla.catalog.locate import Place
from hexapla.catalog.profile import Profile
from hexapla.catalog.schema import Tls
from hexapla.config.packaged import builtin
from hexapla.config.settings import Config, Key
from hexapla.errors import ProtocolError
from hexapla.routing.memory import REQUEST, WEIGHT
from hexapla.routing.patience import Timers

ORIGIN = r"[a-z][a-z0-9+.-]*://(?:[a-z0-9*._-]+|\[[0-9a-f:]+\])(?::(?:\d+|\*))?/?"
"""A web page's origin, with `*` for a part of its name or for its port."""

EVERY_ONE = r"\*|https?://[*.]+(?::.*)?/?"

TIMERS = frozenset(Timers.__struct_fields__)
"""What an endpoint's `timeouts`, and a model's, may name."""


def check(config: Config, text: str, file: str) -> None:
    """Raise ConfigError for what the types let through."""
    seen: dict[str, str] = {}
    for name, provider in config.providers.items():
        place = ("providers", name)
        if (twin := seen.setdefault(name.lower(), name)) != name:
            raise mistake(f"The provider {name!r} stands here a second time, as {twin!r}.", place, text, file)
        check_provider(provider, text, file, place)
        _check_tls(provider.tls, (*place, "tls"), text, file)
        for index, endpoint in enumerate(provider.endpoints):
            for timer in endpoint.timeouts.keys() - TIMERS:
                where = (*place, "endpoints", index, "timeouts", timer)
                raise mistake(f"There is no timeout {timer!r}.", where, text, file, timer, TIMERS)
    for glob, timers in config.timeouts.models.items():
        for timer in timers.keys() - TIMERS:
            why = f"There is no timeout {timer!r}."
            raise mistake(why, ("timeouts", "models", glob, timer), text, file, timer, TIMERS)
    _check_origins(config, text, file)
    least = REQUEST + WEIGHT * config.limits.body_bytes
    if 0 < config.limits.memory_bytes < least:
        why = f"The largest request would never fit: at least {least} for this body_bytes, or 0 for half of the machine's."
        raise mistake(why, ("limits", "memory_bytes"), text, file)
    try:
        _ = config.routing.preferences
    except ProtocolError as error:
        spot = ("routing", *error.path.removeprefix("$.").split("."))
        raise mistake(error.message, spot, text, file) from None
    for name, listed in config.models.items():
        check_models(listed, ("models", name), text, file)
    for name, profile in config.profiles.items():
        _check_profile(name, profile, config, text, file)
    for index, key in enumerate(config.keys):
        bound = key.profile if isinstance(key, Key) else ""
        if bound and bound not in config.profiles:
            why = f"There is no profile {bound!r}."
            raise mistake(why, ("keys", index, "profile"), text, file, bound, config.profiles)


def _check_origins(config: Config, text: str, file: str) -> None:
    place = ("server", "cors_origins")
    for origin in config.server.cors_origins:
        if origin != "*" and re.fullmatch(ORIGIN, origin, re.IGNORECASE) is None:
            why = f'{origin!r} is no origin of web pages: a scheme and a host, as https://chat.example.com, or "*" for all.'
            raise mistake(why, place, text, file)
        if re.fullmatch(EVERY_ONE, origin, re.IGNORECASE) and not config.keys:
            why = "Every web page could spend what your providers are paid. Name the pages' origins, or add [[keys]]."
            raise mistake(why, place, text, file)


def _check_tls(tls: Tls, place: Place, text: str, file: str) -> None:
    if tls.key and not tls.cert:
        raise mistake("A key is of no use without its cert.", (*place, "key"), text, file)
    for name, path in asdict(tls).items():
        if path and not Path(path).is_file():
            raise mistake(f"There is no file {path}.", (*place, name), text, file)


def _check_profile(name: str, profile: Profile, config: Config, text: str, file: str) -> None:
    place = ("profiles", name)
    if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        why = f"The profile {name!r} stands in addresses (/p/NAME/v1): letters, digits, dot, dash and underscore only."
        raise mistake(why, place, text, file)
    if not (profile.provider or profile.model):
        raise mistake(f"The profile {name!r} needs a provider or a model.", place, text, file)
    providers = {**builtin()[0], **config.providers}
    known = providers.keys() | {alias for provider in providers.values() for alias in provider.aliases}
    if profile.provider and profile.provider not in known:
        why = f"There is no provider {profile.provider!r}."
        raise mistake(why, (*place, "provider"), text, file, profile.provider, known)
    for index, backup in enumerate(profile.backups):
        if backup == name:
            raise mistake("A profile is no backup of itself.", (*place, "backups", index), text, file)
    if profile.max_tokens is not None and profile.max_tokens < 1:
        raise mistake("max_tokens is at least 1.", (*place, "max_tokens"), text, file)
