"""Every call of a conversation under an id of its own.

A client answers a call under its id, and most programs know a call by nothing else.  Kimi's endpoints number calls within a
turn, so that the next turn begins with the same id again, or give one id to calls made at once; small servers give none
(https://github.com/vllm-project/vllm/issues/50295, https://github.com/HKUDS/nanobot/issues/4473; both 2026).  Open WebUI,
Hermes and Continue then take a call or its result for one of an earlier turn and drop it, so that the conversation cannot
go on (https://github.com/open-webui/open-webui/issues/28305, https://github.com/NousResearch/hermes-agent/pull/88324,
https://github.com/continuedev/continue/pull/12627; 2026); vendors that a later turn is sent to refuse it.

An id that is free is kept.  One that ends in a number counts on to the next that is free: a model that has learnt the form
of its ids loses its way among others, and Kimi's are meant to be counted through a conversation
(https://github.com/ml-explore/mlx-lm/pull/821, https://github.com/sgl-project/sglang/pull/10603).  Any other gets a
stand-in made of itself, of the answer's id and of how often it was met.  So the same answer in the same conversation gives
the same ids, and nothing has to be remembered.

Rules of this file: nothing is remembered beyond one answer.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container

from hexapla.translate.checks import called_in
from hexapla.translate.peek import Peek
from hexapla.wire.rawjson import dump

_NUMBERED = re.compile(r"(.*[^0-9])(0|[1-9][0-9]{0,5})", re.DOTALL)


class Distinct:
    """The ids of one conversation so far.

    known  those of its earlier calls
    seed   the id of the answer whose calls are named
    """

    __slots__ = ("_known", "_seed", "_taken")

    def __init__(self, known: Container[str] = (), seed: str | None = None) -> None:
        self._known = known
        self._taken: set[str] = set()
        self._seed = seed or ""

    def take(self, call_id: str) -> str:
        """The id under which the next call is known."""
        found, times = call_id, 0
        while not found or found in self._taken or found in self._known:
            times += 1
            found = _counted_on(call_id, times) or stand_in(self._seed, call_id, times)
        self._taken.add(found)
        return found


def _counted_on(call_id: str, times: int) -> str:
    """The id that many after this one; "" where it ends in no number."""
    found = _NUMBERED.fullmatch(call_id)
    return f"{found[1]}{int(found[2]) + times}" if found is not None else ""


def stand_in(*facts: object) -> str:
    """An id made of these facts, the same in every process."""
    what = ":".join(map(str, facts)).encode("utf-8", "surrogatepass")
    return f"call_{hashlib.sha256(what).hexdigest()[:24]}"


class Called:
    """The ids of the calls in a request, which is read only where one of them may have come back."""

    __slots__ = ("_asked", "_ids")

    def __init__(self, asked: Peek | None) -> None:
        self._asked = asked
        self._ids: frozenset[str] | None = None

    def __contains__(self, call_id: object) -> bool:
        asked = self._asked
        if asked is None:
            return False
        if self._ids is None:
            if bytes(dump(call_id)) not in asked.body:
                return False
            self._ids = called_in(asked)
        return call_id in self._ids
