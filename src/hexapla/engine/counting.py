"""Input tokens of a request before it is sent: the vendor's own count where there is one, else a rule of thumb.

Messages, Gemini and Responses have an operation for it: the upstream is asked with what it would be sent.  When it does not
know the operation or fails, and for every Chat upstream, the answer is an estimate and says so.
Claude Code calls this often and treats an error as a reason to stop, so a count never fails because an upstream does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated
from urllib.parse import unquote, urlsplit, urlunsplit

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hexapla.engine.client import Ask
from hexapla.errors import UpstreamError
from hexapla.translate.peek import Peek
from hexapla.translate.summary import BYTES_PER_TOKEN
from hexapla.upstream.transport import Request, Timeouts, Transport
from hexapla.wire.rawjson import dump, join, split

COUNTED = frozenset({"system", "messages", "tools", "instructions", "input", "systemInstruction", "contents"})
"""Fields that a model reads."""

MAX_ANSWER = 64 * 1024  # bytes
PATIENCE = Timeouts(head=15.0, idle=15.0)


_Tokens = Annotated[int, msgspec.Meta(ge=0)]

NO_COUNTER = frozenset({404, 405, 501})
"""Statuses of an upstream that has no such operation."""

MOST = 4096  # endpoints that are remembered; clients choose models, so the number is bounded


class _Count(msgspec.Struct):
    input_tokens: _Tokens | None = None
    totalTokens: _Tokens | None = None  # noqa: N815 - Google's


class Counters:
    """The counters of vendors.  Agents ask often, so who has none is asked once."""

    def __init__(self) -> None:
        self._without: set[str] = set()  # tracks

    def lacks(self, track: str) -> bool:
        """Whether this endpoint is known to have no counter."""
        return track in self._without

    async def count(self, track: str, transport: Transport, request: Request) -> int | None:
        """The vendor's answer to a counting `request`; None when it does not tell."""
        try:
            response = await transport.send(replace(request, timeouts=PATIENCE))
            try:
                body = await response.read(MAX_ANSWER)
            finally:
                response.close()
            if response.status in NO_COUNTER and len(self._without) < MOST:
                self._without.add(track)
            counted = msgspec.json.decode(body, type=_Count) if response.status == 200 else _Count()
            return counted.totalTokens if counted.input_tokens is None else counted.input_tokens
        except (UpstreamError, msgspec.MsgspecError, UnicodeDecodeError):
            return None


def whole(ask: Ask) -> Ask:
    """A question for a count as a request: Messages demands a limit of every request, and of no count."""
    fields = split(ask.body)
    if ask.protocol != "anthropic_messages" or "max_tokens" in fields:
        return ask
    return replace(ask, body=join({**fields, "max_tokens": 1}))


def _messages(request: Request) -> Request:
    """What concerns the answer is refused as unknown (https://platform.claude.com/docs/en/api/messages-count-tokens,
    2026-11)."""
    parts = urlsplit(request.url)
    url = urlunsplit(parts._replace(path=f"{parts.path}/count_tokens"))
    fields = split(request.body)
    if fields.keys().isdisjoint(_ANSWER):
        return replace(request, url=url)
    return replace(request, url=url, body=join({name: raw for name, raw in fields.items() if name not in _ANSWER}))


_ANSWER = frozenset(
    {"max_tokens", "stream", "temperature", "top_p", "top_k", "stop_sequences", "metadata", "service_tier"}
)


def _responses(request: Request) -> Request:
    """What is not read by a model is refused as unknown (https://platform.openai.com/docs/api-reference/responses/input-tokens,
    2026-11)."""
    parts = urlsplit(request.url)
    body = {name: value for name, value in split(request.body).items() if name in _READ}
    return replace(request, url=urlunsplit(parts._replace(path=f"{parts.path}/input_tokens")), body=join(body))


_READ = frozenset({
    *("model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "reasoning", "text", "truncation"),
    *("previous_response_id", "conversation"),
})  # fmt: skip


def _gemini(request: Request) -> Request:
    """The Gemini API counts a whole request under generateContentRequest, Vertex AI the same fields as they are
    (https://ai.google.dev/api/tokens, 2026-11)."""
    parts = urlsplit(request.url)
    path = parts.path.rpartition(":")[0]
    url = urlunsplit(parts._replace(path=f"{path}:countTokens", query=parts.query.replace("alt=sse", "")))
    if "/publishers/" in path:
        return replace(request, url=url)
    named = {"model": dump("models/" + unquote(path.partition("/models/")[2])), **split(request.body)}
    return replace(request, url=url, body=join({"generateContentRequest": Raw(join(named))}))


Question = Callable[[Request], Request]
COUNTING: dict[str, Question] = {
    "anthropic_messages": _messages,
    "gemini_generate": _gemini,
    "openai_responses": _responses,
}
"""How a generation becomes the question what it would cost in tokens."""


def estimate(peeked: Peek) -> int:
    """Input tokens by the rule of thumb."""
    said = sum(len(raw) for name, raw in peeked.fields.items() if name in COUNTED)
    return max(1, said // BYTES_PER_TOKEN)
