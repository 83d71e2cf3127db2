"""A request that may be answered by what somebody else's request brings (sharing.py)."""

from __future__ import annotations

from collections.abc import Callable

from hexapla.engine.client import Answer, Ask
from hexapla.engine.means import Means
from hexapla.engine.sharing import Sharing
from hexapla.errors import GatewayError


class Shared:
    """See work.Running."""

    def __init__(self, sharing: Sharing, means: Means, ask: Ask, answer: Answer) -> None:
        self._sharing = sharing
        self._means = means
        self._ask = ask
        self._answer = answer

    def quickly(self, ended: Callable[[bool], None]) -> bool:
        return False

    async def run(self) -> None:
        try:
            await self._sharing.answer(self._ask, self._answer)
        except GatewayError as error:
            self._means.refuse(self._ask, error, self._answer)

    def leave(self) -> None:
        """Whoever awaits `run` is cancelled, and the call goes on for those who still listen."""
