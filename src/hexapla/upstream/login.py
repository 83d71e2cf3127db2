"""Carries the calls of a login over a transport."""

from __future__ import annotations

import os
from collections.abc import Mapping

from hexapla.auth.driver import Sends
from hexapla.auth.steps import Call, Reply
from hexapla.upstream.egress import proxy_for
from hexapla.upstream.transport import USER_AGENT, Request, Timeouts, Transport

MOST = 1024 * 1024  # bytes of an answer
PATIENCE = Timeouts(connect=5.0, head=30.0, idle=30.0)


def sender(transport: Transport, proxy: str = "", environment: Mapping[str, str] = os.environ) -> Sends:
    """Sends calls with `transport`, by the proxy that the provider's requests take: its own, or the environment's."""

    async def send(call: Call) -> Reply:
        request = Request(
            method=call.method,
            url=call.url,
            headers=(USER_AGENT, *call.headers),
            body=call.body,
            timeouts=PATIENCE,
            proxy=proxy_for(call.url, proxy, environment),
            max_response_bytes=MOST,
        )
        response = await transport.send(request)
        try:
            return Reply(response.status, dict(response.headers), await response.read(MOST))
        finally:
            response.close()

    return send
