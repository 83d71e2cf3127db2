"""What `run` and `connect` work out alike: which profile, which models, which address, which key."""

from __future__ import annotations

from collections.abc import Mapping

from hexapla.agents.tool import KEY_VARIABLE, Chosen
from hexapla.catalog.profile import DEFAULT, SLOTS, Profile, mean
from hexapla.config import Key, Loaded
from hexapla.engine.routes import Routes
from hexapla.errors import RoutingError

ANY_KEY = "hexapla"
"""For a gateway that asks for no key: programs insist on one."""

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}  # noqa: S104 - where it listens, not we


def chosen_profile(loaded: Loaded, asked: str) -> str:
    """The profile that was asked for, else the one that the configuration leaves no choice about; "" for none."""
    own = loaded.config.profiles
    return asked or (DEFAULT if DEFAULT in own else next(iter(own)) if len(own) == 1 else "")


def known_profile(loaded: Loaded, name: str, *, elsewhere: bool) -> Profile:
    """The profile as it is known here; a gateway elsewhere may know others.  Raises RoutingError for an unknown one."""
    if not name or (elsewhere and name not in loaded.profiles):
        return Profile()
    return Routes(loaded).profile(name)


def address(loaded: Loaded) -> str:
    """Where the configured gateway listens, as seen from this machine."""
    server = loaded.config.server
    return f"http://{_EVERYWHERE.get(server.host, server.host)}:{server.port}"


def inside(url: str, profile: str) -> str:
    """The base URL of a profile at a gateway."""
    return f"{url}/p/{profile}" if profile else url


def key_of(loaded: Loaded, profile: str, environment: Mapping[str, str]) -> str:
    """A key of the configured gateway: the user's variable, else one bound to the profile, else any that is readable."""
    known = [key for key in loaded.config.keys if isinstance(key, Key) and key.key]
    bound = [key for key in known if profile and key.profile == profile]
    return environment.get(KEY_VARIABLE, "") or next((key.key for key in (*bound, *known)), ANY_KEY)


def models_of(loaded: Loaded, profile: str, model: str | None, *, elsewhere: bool) -> dict[str, Chosen]:
    """Slot -> model, as a program is told of them; empty where nothing was chosen, or nothing is known here.

    elsewhere  the gateway is another process, which has its own keys and may know other names

    Raises RoutingError for a model that nobody can serve, so that it is told before the program starts.
    """
    routes = Routes(loaded)
    slots = (DEFAULT, *SLOTS)
    if not profile:
        return dict.fromkeys(slots, _chosen(routes, model, "", elsewhere)) if model else {}
    if elsewhere and profile not in routes.profiles:
        return {DEFAULT: Chosen(name=model)} if model else {}
    chosen = routes.profile(profile)
    names = {slot: chosen.slot(slot) for slot in slots} if chosen.model else chosen.models()
    if model:
        names[DEFAULT] = mean(chosen, routes.catalog, model)
    known = {name: _chosen(routes, name, profile, elsewhere) for name in dict.fromkeys(names.values())}
    return {slot: known[name] for slot, name in names.items()}


def _chosen(routes: Routes, name: str, profile: str, elsewhere: bool) -> Chosen:
    try:
        facts = routes.first(name, profile).facts
    except RoutingError:
        if not elsewhere:
            raise
        facts = None
    if facts is None:
        return Chosen(name=name)
    return Chosen(name=name, title=facts.name, context=facts.context, max_output=facts.max_output)
