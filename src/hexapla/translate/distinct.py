"""Every call of a conversation under an id of its own.

A client answers a call under its id, and most programs know a call by nothing else.  Kimi's endpoints number calls within a
turn, so that the next turn begins with the same id again, or give one id to calls made at once; small servers give none
(https://github.com/vllm-project/vllm/issues/50295, https://github.com/HKUDS/nanobot/issues/4473; both 2026).

An id that is free is kept.  Any other gets a stand-in made of itself, of the answer's id and of how often it was met: the
same answer in the same conversation gives the same ids, and nothing has to be remembered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


class Distinct:
    """The ids of one conversation so far.

    taken  those of its calls that are known
    seed   the id of the answer whose calls are named
    """

    __slots__ = ("_seed", "_taken")

    def __init__(self, taken: Iterable[str] = (), seed: str | None = None) -> None:
        self._taken = {*taken}
        self._seed = seed or ""

    def take(self, call_id: str) -> str:
        """The id under which the next call is known."""
        found, times = call_id, 0
        while not found or found in self._taken:
            times += 1
            found = _stand_in(f"{self._seed}:{call_id}:{times}")
        self._taken.add(found)
        return found


def _stand_in(what: str) -> str:
    return f"call_{hashlib.sha256(what.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}"
