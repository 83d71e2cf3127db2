"""`hexapla serve` whose names under .test are resolved as a bad resolver would.

Rules of this file: nothing but the resolving is changed; the loop asks here in place of the system.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import Any

import uvloop

from hexapla.cli.main import main

ANSWERS: dict[str, int | str | None] = {
    "unknown.test": socket.EAI_NONAME,
    "failing.test": socket.EAI_AGAIN,
    "empty.test": socket.EAI_NODATA,
    "silent.test": None,
    "elsewhere.test": "127.0.0.1",
}
"""A resolver's error, an address, or no answer at all."""

_ask = uvloop.Loop.getaddrinfo


async def resolve(loop: Any, host: Any, port: Any, **more: Any) -> Any:
    answer = "127.0.0.1" if str(host).endswith(".here.test") else ANSWERS.get(host, host)
    if answer is None:
        await asyncio.Event().wait()
    if isinstance(answer, int):
        raise socket.gaierror(answer, "the resolver says so")
    return await _ask(loop, answer, port, **more)


if __name__ == "__main__":
    uvloop.Loop.getaddrinfo = resolve  # type: ignore[method-assign]
    sys.exit(main())
