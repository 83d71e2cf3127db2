"""Errors in both roles: as OpenAI's SDKs understand them, and as providers hide them in a 200."""

from __future__ import annotations

from hexapla.errors import GatewayError, Kind, UpstreamError
from hexapla.protocols.codes import common_status
from hexapla.protocols.failures import classify, classify_value
from hexapla.protocols.openai_chat.schema import Choice, Chunk
from hexapla.protocols.openai_chat.words import failed
from hexapla.protocols.openai_errors import error_body


def render_error(error: GatewayError) -> tuple[int, bytes]:
    """(HTTP status, body)."""
    return common_status(error), error_body(error)


def hidden_error(chunk: Chunk, data: bytes) -> UpstreamError | None:
    """The error that a chunk or a whole answer is, in one of the ways that providers have; None when it is none.

    data  the JSON that `chunk` was decoded from
    """
    if chunk.error or (not chunk.choices and _failed(chunk)):
        return classify(200, {}, data)
    if chunk.x_groq is not None and chunk.x_groq.error:
        return classify_value({"error": chunk.x_groq.error})
    return None


def choice_error(choice: Choice) -> UpstreamError | None:
    """The error in a choice: OpenRouter's object, or a finish reason that says that the provider failed."""
    if choice.error:
        return classify_value({"error": choice.error})
    if failed(choice.finish_reason):
        return UpstreamError(Kind.UPSTREAM_ERROR, f"The provider ended the answer with {choice.finish_reason!r}.")
    return None


def _failed(chunk: Chunk) -> bool:
    """MiniMax's base_resp, Zhipu's `success`, older vLLM's `object`, DashScope's message with a code, FastAPI's detail."""
    if chunk.base_resp is not None and chunk.base_resp.status_code != 0:
        return True
    coded = isinstance(chunk.message, str) and bool(chunk.code)
    return chunk.success is False or chunk.object == "error" or coded or bool(chunk.detail)
