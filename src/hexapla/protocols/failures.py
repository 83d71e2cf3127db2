"""What went wrong upstream: any status, headers and body -> one UpstreamError.

Providers send errors in a dozen shapes (an object under `error`, a string there, `message`, `detail`, `errors`, a list,
an SSE event, HTML, plain text, nothing), under statuses that mean different things.  So a body is first brought into
one shape (`Said`), and the kind is then decided by code and words, and by the status last.  One function serves HTTP
errors, another the errors that hide in a 200 or inside a stream.

Sources: the vendors' error pages named in `codes.py`; the overflow texts follow badlogic/pi-mono
packages/ai/src/utils/overflow.ts (2026-08); shapes as recorded.

Rules of this file: total on any bytes; the upstream's own words are kept (a web page only as a hint, our key never); the
client hears the upstream's own 4xx/5xx status, since its words explain that one best.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import unescape
from typing import Any

import msgspec

from hexapla.errors import Kind, ProtocolError, UpstreamError
from hexapla.protocols.codes import MINIMAX, VAGUE, WORDS, ZHIPU, status_kind, word_kind
from hexapla.protocols.hints import retry_hint, should_retry
from hexapla.wire.rawjson import UNDECODABLE

MAX_MESSAGE = 4000  # characters of a message that are kept
MAX_HTML = 200  # characters of a web page's text that are shown

_OVERFLOW = re.compile(
    r"prompt is too long|input is too long|exceeds the context window|maximum context length|context window exceeds limit"
    r"|input token count.{0,80}exceeds the maximum|maximum prompt length is \d|reduce the length of the messages"
    r"|prompt token count of \d+ exceeds the limit|exceeds the available context size|greater than the context length"
    r"|exceeded model token limit|too large for model with \d|Range of input length should be|Request too large for model"
    r"|total length of all messages is too long|context_length_exceeded|model_context_window_exceeded",
    re.IGNORECASE | re.DOTALL,
)
_BILLING = re.compile(
    r"insufficient.(?:quota|balance|credit|fund)|credit balance is too low|exceeded your current quota|Arrearage"
    r"|payment required|out of credits|run out of credits|spending limit|billing"
    r"|specified (?:workspace )?API usage limits|enforced_spend_limit_reached",
    re.IGNORECASE,
)
_FILTER = re.compile(
    r"content management policy|content violates|content.?filter|flagged by moderation|requires moderation"
    r"|inappropriate content|DataInspectionFailed",
    re.IGNORECASE,
)
_AUTH = re.compile(
    r"(?:invalid|incorrect|missing|unreadable) (?:api.?key|x-api-key|token|credentials)|api key not valid|valid API key"
    r"|api key is (?:invalid|expired)|unauthorized|authentication fail",
    re.IGNORECASE,
)

_UNSUPPORTED = re.compile(
    # a field that is not known: pydantic (Mistral, Anthropic, vLLM), OpenAI's older words, Groq, Google, LiteLLM
    r"extra inputs are not permitted|unrecognized request arguments?|unknown name \"|property '[^']{1,80}' is unsupported"
    r"|(?:unsupported|unknown|unexpected) (?:parameter|argument|field)\b|does not support parameters",
    re.IGNORECASE,
)

_PATTERNS: tuple[tuple[re.Pattern[str], Kind, frozenset[int | None]], ...] = (
    # what the words say, where they stand under a status that leaves it open
    (_BILLING, Kind.UPSTREAM_BILLING, frozenset({None, 400, 402, 403, 429})),
    (_FILTER, Kind.CONTENT_FILTER, frozenset({None, 400, 403, 422, 451})),
    (_AUTH, Kind.UPSTREAM_AUTH, frozenset({None, 400, 403})),
    (_UNSUPPORTED, Kind.UNSUPPORTED, frozenset({400, 422})),
)

_SECRET = re.compile(r"\b(?:(?:sk|pk|rk|gsk|xai|fw|hf|r8|ghu|gho|key)[-_]|AIza|ya29\.|eyJ)[A-Za-z0-9_.-]{20,}")
"""What keys of the known vendors look like: some of them are quoted whole in the vendor's own complaint."""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's error in one shape.  `error` is the object that describes it; `table`: what its numbers mean."""

    message: str = ""
    code: str | None = None
    type: str | None = None
    reason: str | None = None
    param: str | None = None
    error: Mapping[str, Any] = {}
    table: Mapping[str, Kind] = {}


def classify(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """An HTTP error answer as one error.  `headers`: lower-case names.  Total on any body."""
    value = _decoded(body)
    said = Said(message=_plain(body)) if value is None else _said(value)
    return _error(status, headers, said, body.decode("utf-8", "replace"))


def classify_value(value: Any, status: int | None = None) -> UpstreamError:
    """A decoded JSON value that says that something failed (hidden in a 200, or inside a stream) as one error."""
    return _error(status, {}, _said(value), _json(value))


def no_answer(body: bytes, protocol: str, error: ProtocolError) -> UpstreamError:
    """A 200 that is no answer of `protocol`: what it complains of, in one of the ways of other dialects, else `error`."""
    value = _decoded(body)
    if isinstance(value, dict) and _complains(value):
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
    value = _decoded(data)
    first = value[0] if isinstance(value, list) and value else value
    if event == "error":
        return classify(200, {}, data)
    if not isinstance(first, dict):
        return None
    return classify_value(first) if _complains(first) or first.get("object") == "error" else None


def _complains(value: Mapping[str, Any]) -> bool:
    """Zhipu's `success`, DashScope's message with a code, and what stands under a name of its own."""
    coded = _first(value, _CODES) is not None and bool(_message(value))
    return (
        value.get("success") is False
        or coded
        or any(value.get(name) and shape(value, value[name]) for name, shape in _SHAPES.items())
    )


def _error(status: int | None, headers: Mapping[str, str], said: Said, body: str) -> UpstreamError:
    own = _own_status(status, said)
    where = "in its answer" if own is None else f"with status {own}"
    message = said.message[:MAX_MESSAGE].strip() or f"The provider failed {where} and said no more."
    kind = _kind(own, said, message)
    return UpstreamError(
        kind,
        _SECRET.sub("[key]", message),
        upstream_status=own,
        status=own if own is not None and own >= 400 else None,
        code=said.code if said.code != str(own) else None,
        type=said.type,
        param=said.param,
        retry_after=retry_hint(headers, message, said.error),
        retryable=should_retry(headers),
        body="" if kind is Kind.UPSTREAM_AUTH else body,
    )


def _kind(status: int | None, said: Said, message: str) -> Kind:
    """Code, reason and type first, then what the message says, then the status."""
    if (status is None or status < 500) and _OVERFLOW.search(message):
        return Kind.CONTEXT_LENGTH
    words = [word for word in (said.reason, said.code, said.type) if word is not None]
    for word in words:
        if (kind := said.table.get(word) or word_kind(word)) is not None:
            return kind
    for pattern, kind, statuses in _PATTERNS:
        if status in statuses and pattern.search(message):
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


def _said(value: Any) -> Said:
    """An error without whatever it is wrapped in."""
    if isinstance(value, list):  # Google's compatible endpoint wraps its object in a list
        value = value[0] if value else {}
    if isinstance(value, str):  # SiliconFlow: a bare JSON string
        return Said(message=value)
    if not isinstance(value, dict):
        return Said()
    for name, shape in _SHAPES.items():
        if value.get(name) and (said := shape(value, value[name])) is not None:
            return said
    return _described(value)


def _under_error(value: Mapping[str, Any], error: Any) -> Said | None:
    """{"error": {...}} of OpenAI, Anthropic, Google, OpenRouter; {"error": "..."} of xAI, Ollama and Venice."""
    if isinstance(error, dict):
        return _described(error, ZHIPU)
    if not isinstance(error, str):
        return None
    beside = _text(value.get("message"))
    return _described({**value, "message": f"{error}: {beside}" if beside else error})


def _under_base(value: Mapping[str, Any], base: Any) -> Said | None:
    """MiniMax: base_resp {status_code, status_msg}, 0 where all is well."""
    if not isinstance(base, dict) or not base.get("status_code"):
        return None
    code = _text(base.get("status_code"))
    return Said(message=_text(base.get("status_msg")) or "", code=code, table=MINIMAX)


def _under_errors(value: Mapping[str, Any], errors: Any) -> Said | None:
    """Cloudflare: {"success": false, "errors": [{"code": 10000, "message": "..."}]}."""
    first = errors[0] if isinstance(errors, list) and errors else errors
    return _described(first) if isinstance(first, dict) else None


def _under_response(value: Mapping[str, Any], response: Any) -> Said | None:
    """Responses: {"type": "response.failed", "response": {"error": {...}}}."""
    error = response.get("error") if isinstance(response, dict) else None
    return _described(error) if isinstance(error, dict) else None


_SHAPES = {
    "error": _under_error,
    "base_resp": _under_base,
    "errors": _under_errors,
    "response": _under_response,
}

_MESSAGES = ("message", "detail", "msg", "error_message", "Message", "error", "title")
_CODES = ("code", "error_code")
_TYPES = ("type", "status", "error_type", "__type")


def _described(error: Mapping[str, Any], table: Mapping[str, Kind] = WORDS) -> Said:
    """The object that describes an error, whatever its fields are called."""
    return Said(
        message=_message(error),
        code=_first(error, _CODES),
        type=_first(error, _TYPES),
        reason=_reason(error),
        param=_text(error.get("param")),
        error=error,
        table=table,
    )


def _message(error: Mapping[str, Any]) -> str:
    said = next((error[name] for name in _MESSAGES if error.get(name)), "")
    message = said if isinstance(said, str) else _json(said)
    raw = _quoted(error)
    return f"{message}: {raw}" if raw and raw not in message else message


def _quoted(error: Mapping[str, Any]) -> str:
    """OpenRouter: the real provider's own words, in metadata.raw, often JSON in a string."""
    metadata = error.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    if not isinstance(raw, str):
        return ""
    value = _decoded(raw.encode("utf-8", "replace"))
    return (_said(value).message if value is not None else "") or raw


def _reason(error: Mapping[str, Any]) -> str | None:
    """The finest word for it: Google's ErrorInfo.reason, Azure's innererror.code, OpenRouter's error_type, Anthropic's
    details.error_code (platform.claude.com/docs/en/api/rate-limits, 2026-09)."""
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and isinstance(detail.get("reason"), str):
            return str(detail["reason"])
    for holder, name in _FINER:
        inner = error.get(holder)
        if isinstance(inner, dict) and isinstance(inner.get(name), str):
            return str(inner[name])
    return None


_FINER = (
    ("innererror", "code"),
    ("metadata", "error_type"),
    ("metadata", "provider_code"),
    ("details", "error_code"),
)


def _first(error: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((text for name in names if (text := _text(error.get(name))) is not None), None)


def _text(value: Any) -> str | None:
    """A word as text: providers send numbers, strings, booleans, objects and null."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value) or None


def _json(value: Any) -> str:
    """A value in the spacing that people write."""
    try:
        return json.dumps(value, ensure_ascii=False, default=repr)[: 2 * MAX_MESSAGE]
    except (ValueError, RecursionError):
        return ""


_SSE_DATA = re.compile(rb"^(?:event|id|retry|:).*?$|^data: ?(\{.*)$", re.MULTILINE)


def _decoded(body: bytes) -> Any:
    """A JSON body, or the first JSON event of an SSE body; None for anything else."""
    try:
        return msgspec.json.decode(body.strip())
    except UNDECODABLE:
        pass
    if not body.lstrip().startswith((b"data:", b"event:", b":")):
        return None
    found = next((line[1] for line in _SSE_DATA.finditer(body) if line[1]), None)
    return None if found is None else _decoded(found)


_PAGE = re.compile(r"<(?:!doctype|html|head|body|center|h1)\b", re.IGNORECASE)
_HIDDEN = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")


def _plain(body: bytes) -> str:
    """A text body as it is; a web page as the few words that it shows."""
    text = body[:16384].decode("utf-8", "replace").strip()
    if _PAGE.search(text[:1000]) is None:
        return text
    shown = unescape(_TAG.sub(" ", _HIDDEN.sub(" ", text)))
    hint = " ".join("".join(sign if sign.isprintable() else " " for sign in shown).split())[:MAX_HTML].strip()
    return f"The provider answered with a web page: {hint}" if hint else "The provider answered with a web page."
