"""`/p/NAME/…`: every route once more, inside a profile.

    POST /p/work/v1/messages     is    POST /v1/messages     with the names of [profiles.work]

The prefix is taken off before any route is looked up, so that whatever stands at /v1 stands here too.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

PREFIX = "/p/"
_KEY = "hexapla.profile"


def enter(scope: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The scope of a path under PREFIX, as it is inside the profile."""
    path, name = inside(scope["path"])
    return {**scope, "path": path, _KEY: name}


def inside(path: str) -> tuple[str, str]:
    """A path under PREFIX as it is inside the profile, and the profile's name."""
    name, slash, rest = path[len(PREFIX) :].partition("/")
    return slash + rest or "/", name


def named(scope: MutableMapping[str, Any]) -> str:
    """The profile that the path named; "" for none."""
    name: str = scope.get(_KEY, "")
    return name
