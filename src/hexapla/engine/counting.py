"""Input tokens of a request before it is sent: the vendor's own count where there is one, else a rule of thumb.

Only Anthropic's protocol has an operation for it.  An upstream that speaks it is asked; when it does not know the
operation or fails, and for every other upstream, the answer is an estimate and says so.  Claude Code calls this often
and treats an error as a reason to stop, so a count never fails because an upstream does.
"""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

import msgspec
from msgspec.structs import replace

from hexapla.engine.recorder import BYTES_PER_TOKEN
from hexapla.errors import UpstreamError
from hexapla.translate.peek import Peek
from hexapla.upstream.transport import Request, Timeouts, Transport

COUNTED = frozenset({"system", "messages", "tools", "instructions", "input"})
"""Fields that a model reads."""

MAX_ANSWER = 64 * 1024  # bytes
PATIENCE = Timeouts(head=15.0, idle=15.0)


class _Count(msgspec.Struct):
    input_tokens: int


async def vendor_count(transport: Transport, request: Request) -> int | None:
    """The vendor's count for the generation that `request` would be; None when it does not tell."""
    parts = urlsplit(request.url)
    url = urlunsplit(parts._replace(path=f"{parts.path}/count_tokens"))
    try:
        response = await transport.send(replace(request, url=url, timeouts=PATIENCE))
        try:
            body = await response.read(MAX_ANSWER)
        finally:
            response.close()
        return msgspec.json.decode(body, type=_Count).input_tokens if response.status == 200 else None
    except (UpstreamError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def estimate(peeked: Peek) -> int:
    """Input tokens by the rule of thumb."""
    said = sum(len(raw) for name, raw in peeked.fields.items() if name in COUNTED)
    return max(1, said // BYTES_PER_TOKEN)
