"""A process of its own that wants a login's token: `worker.py FOLDER URL COUNT` prints the token of each try.

It says "ready" and waits for a line, so that several can begin in the same moment.
"""

from __future__ import annotations

import asyncio
import sys
import time

from hexapla.auth.driver import run
from hexapla.auth.kept import Kept, kept_token
from hexapla.catalog.login import Login
from hexapla.upstream.http1 import Http1Transport
from hexapla.upstream.login import sender


async def main(folder: str, url: str, count: int) -> None:
    login = Login(flow="device_code", client_id="c", host=url, token="{host}/token")
    kept = Kept(provider="acme", login=login, path=f"{folder}/acme.json")
    transport = Http1Transport()
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(count):
        token = await run(kept_token(kept, None, time.time, None), sender(transport))
        print(token.secret, flush=True)
    await transport.aclose()


asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
