"""Input tokens of a request before it is sent: the vendor's own count where there is one, else a rule of thumb.

Anthropic's and Google's protocols have an operation for it.  An upstream that speaks the caller's protocol is asked;
when it does not know the operation or fails, and for every other upstream, the answer is an estimate and says so.
Claude Code calls this often and treats an error as a reason to stop, so a count never fails because an upstream does.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote, urlsplit, urlunsplit

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hexapla.errors import UpstreamError
from hexapla.translate.lane import BYTES_PER_TOKEN
from hexapla.translate.peek import Peek
from hexapla.upstream.transport import Request, Timeouts, Transport
from hexapla.wire.rawjson import dump, join, split

COUNTED = frozenset({"system", "messages", "tools", "instructions", "input", "systemInstruction", "contents"})
"""Fields that a model reads."""

MAX_ANSWER = 64 * 1024  # bytes
PATIENCE = Timeouts(head=15.0, idle=15.0)


class _Count(msgspec.Struct):
    input_tokens: int | None = None
    totalTokens: int | None = None  # noqa: N815 - Google's


async def vendor_count(transport: Transport, request: Request) -> int | None:
    """The vendor's answer to a counting `request`; None when it does not tell."""
    try:
        response = await transport.send(replace(request, timeouts=PATIENCE))
        try:
            body = await response.read(MAX_ANSWER)
        finally:
            response.close()
        counted = msgspec.json.decode(body, type=_Count) if response.status == 200 else _Count()
        return counted.totalTokens if counted.input_tokens is None else counted.input_tokens
    except (UpstreamError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _messages(request: Request) -> Request:
    parts = urlsplit(request.url)
    return replace(request, url=urlunsplit(parts._replace(path=f"{parts.path}/count_tokens")))


def _gemini(request: Request) -> Request:
    """The Gemini API counts a whole request under generateContentRequest, Vertex AI the same fields as they are
    (https://ai.google.dev/api/tokens, 2026-11)."""
    parts = urlsplit(request.url)
    path = parts.path.removesuffix(":generateContent")
    url = urlunsplit(parts._replace(path=f"{path}:countTokens"))
    if "/publishers/" in path:
        return replace(request, url=url)
    named = {"model": dump("models/" + unquote(path.partition("/models/")[2])), **split(request.body)}
    return replace(request, url=url, body=join({"generateContentRequest": Raw(join(named))}))


COUNTING: dict[str, Callable[[Request], Request]] = {"anthropic_messages": _messages, "gemini_generate": _gemini}
"""How a generation becomes the question what it would cost in tokens."""


def estimate(peeked: Peek) -> int:
    """Input tokens by the rule of thumb."""
    said = sum(len(raw) for name, raw in peeked.fields.items() if name in COUNTED)
    return max(1, said // BYTES_PER_TOKEN)
