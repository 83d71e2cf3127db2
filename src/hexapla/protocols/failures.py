"""What went wrong upstream: any status, headers and body -> one UpstreamError.

Providers send errors under statuses that mean different things.  So a body is first brought into one shape
(`error_shapes.py`), and the kind is then decided by code and words, and by the status last.  One function serves HTTP
errors, another the errors that hide in a 200 or inside a stream.

Sources: the vendors' error pages named in `codes.py`; the overflow texts follow badlogic/pi-mono
packages/ai/src/utils/overflow.ts (2026-08).

Rules of this file: total on any bytes; the upstream's own words are kept, our key never; the client hears the upstream's
own 4xx/5xx status, since its words explain that one best.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hexapla.errors import Kind, ProtocolError, UpstreamError
from hexapla.protocols.codes import VAGUE, status_kind, word_kind
from hexapla.protocols.error_shapes import MAX_MESSAGE, Said, as_text, complains, decoded, said_by, said_in
from hexapla.protocols.hints import retry_hint, should_retry

# These texts are compiled when the first error is read: that takes as long as a hundredth of a start.
_OVERFLOW = (
    r"prompt is too long|input is too long|exceeds the context window|maximum context length|context window exceeds limit"
    r"|input token count.{0,80}exceeds the maximum|maximum prompt length is \d|reduce the length of the messages"
    r"|prompt token count of \d+ exceeds the limit|exceeds the available context size|greater than the context length"
    r"|exceeded model token limit|too large for model with \d|Range of input length should be|Request too large for model"
    r"|total length of all messages is too long|context_length_exceeded|model_context_window_exceeded"
)
_BILLING = (
    r"insufficient.(?:quota|balance|credit|fund)|credit balance is too low|exceeded your current quota|Arrearage"
    r"|payment required|out of credits|run out of credits|spending limit|billing"
    r"|specified (?:workspace )?API usage limits|enforced_spend_limit_reached"
)
_FILTER = (
    r"content management policy|content violates|content.?filter|flagged by moderation|requires moderation"
    r"|inappropriate content|DataInspectionFailed"
)
_AUTH = (
    r"(?:invalid|incorrect|missing|unreadable) (?:api.?key|x-api-key|token|credentials)|api key not valid|valid API key"
    r"|api key is (?:invalid|expired)|unauthorized|authentication fail"
)

_UNSUPPORTED = (
    # a field that is not known: pydantic (Mistral, Anthropic, vLLM), OpenAI's older words, Groq, Google, LiteLLM
    r"extra inputs are not permitted|unrecognized request arguments?|unknown name \"|property '[^']{1,80}' is unsupported"
    r"|(?:unsupported|unknown|unexpected) (?:parameter|argument|field)\b|does not support parameters"
)

_PATTERNS: tuple[tuple[str, Kind, frozenset[int | None]], ...] = (
    # what the words say, where they stand under a status that leaves it open
    (_BILLING, Kind.UPSTREAM_BILLING, frozenset({None, 400, 402, 403, 429})),
    (_FILTER, Kind.CONTENT_FILTER, frozenset({None, 400, 403, 422, 451})),
    (_AUTH, Kind.UPSTREAM_AUTH, frozenset({None, 400, 403})),
    (_UNSUPPORTED, Kind.UNSUPPORTED, frozenset({400, 422})),
)

_QUOTED = r"\b(?:(?:sk|pk|rk|gsk|xai|fw|hf|r8|ghu|gho|key)[-_]|AIza|ya29\.|eyJ)[A-Za-z0-9_.-]{20,}"
"""What keys of the known vendors look like: some of them are quoted whole in the vendor's own complaint."""


def classify(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """An HTTP error answer as one error.  `headers`: lower-case names.  Total on any body."""
    return _error(status, headers, said_by(body), body.decode("utf-8", "replace"))


def classify_value(value: Any) -> UpstreamError:
    """A decoded JSON value that says that something failed (hidden in a 200, or inside a stream) as one error."""
    return _error(None, {}, said_in(value), as_text(value))


def no_answer(body: bytes, protocol: str, error: ProtocolError) -> UpstreamError:
    """A 200 that is no answer of `protocol`: what it complains of, in one of the ways of other dialects, else `error`."""
    value = decoded(body)
    if isinstance(value, dict) and complains(value):
        return classify_value(value)
    return UpstreamError(
        Kind.UPSTREAM_PROTOCOL,
        f"The provider's answer is not {protocol}: {error.message}",
        body=body[:2000].decode("utf-8", "replace"),
    )


def complaint(event: str, data: bytes) -> UpstreamError | None:
    """What an event that is none of its dialect says to have failed, in one of the ways of other dialects; None: nothing.

    event  its name, if it has one
    """
    value = decoded(data)
    first = value[0] if isinstance(value, list) and value else value
    if event == "error":
        return classify(200, {}, data)
    if not isinstance(first, dict):
        return None
    return classify_value(first) if complains(first) or first.get("object") == "error" else None


def _error(status: int | None, headers: Mapping[str, str], said: Said, body: str) -> UpstreamError:
    own = _own_status(status, said)
    where = "in its answer" if own is None else f"with status {own}"
    message = said.message[:MAX_MESSAGE].strip() or f"The provider failed {where} and said no more."
    kind = _kind(own, said, message)
    return UpstreamError(
        kind,
        re.sub(_QUOTED, "[key]", message),
        upstream_status=own,
        status=own if own is not None and 400 <= own < 600 else None,  # there are no others (RFC 9110, 15)
        code=said.code if said.code != str(own) else None,
        type=said.type,
        param=said.param,
        retry_after=retry_hint(headers, message, said.error),
        retryable=should_retry(headers),
        body="" if kind is Kind.UPSTREAM_AUTH else body,
    )


def _kind(status: int | None, said: Said, message: str) -> Kind:
    """Code, reason and type first, then what the message says, then the status."""
    if (status is None or status < 500) and re.search(_OVERFLOW, message, re.IGNORECASE | re.DOTALL):
        return Kind.CONTEXT_LENGTH
    words = [word for word in (said.reason, said.code, said.type) if word is not None]
    for word in words:
        if (kind := said.table.get(word) or word_kind(word)) is not None:
            return kind
    for pattern, kind, statuses in _PATTERNS:
        if status in statuses and re.search(pattern, message, re.IGNORECASE):
            return kind
    if status is None:
        return next((kind for word in words if (kind := VAGUE.get(word)) is not None), Kind.UPSTREAM_ERROR)
    return status_kind(status)


def _own_status(status: int | None, said: Said) -> int | None:
    """The HTTP status; for an error inside a 200 the number that the body gives, where it is one."""
    if status is not None and status >= 300:
        return status
    for name in ("code", "status", "status_code", "http_code"):
        code = said.error.get(name)
        number = int(code) if isinstance(code, str) and re.fullmatch(r"[45]\d\d", code, re.ASCII) else code
        if isinstance(number, int) and 400 <= number < 600:
            return number
    return None
