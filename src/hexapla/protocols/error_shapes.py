"""A provider's error in one shape, whatever shape it came in.

Providers send errors in a dozen shapes: an object under `error`, a string there, `message`, `detail`, `errors`, a list, an
SSE event, HTML, plain text, nothing (as recorded).  All of them become a `Said`; what kind of failure it is, `failures.py`
decides.

Rules of this file: total on any bytes; the upstream's own words are kept, of a web page only a hint.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import unescape
from typing import Any

import msgspec

from hexapla.errors import Kind
from hexapla.protocols.codes import MINIMAX, WORDS, ZHIPU
from hexapla.wire.rawjson import UNDECODABLE

MAX_MESSAGE = 4000  # characters of a message that are kept
MAX_HTML = 200  # characters of a web page's text that are shown


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's error in one shape.  `error` is the object that describes it; `table`: what its numbers mean."""

    message: str = ""
    code: str | None = None
    type: str | None = None
    reason: str | None = None
    param: str | None = None
    error: Mapping[str, Any] = {}
    table: Mapping[str, Kind] = {}


def said_by(body: bytes) -> Said:
    """The error in a body of any form."""
    value = decoded(body)
    return Said(message=_plain(body)) if value is None else said_in(value)


def complains(value: Mapping[str, Any]) -> bool:
    """Whether an object says that something failed: by Zhipu's `success`, DashScope's message with a code, or under a name
    that only errors have."""
    coded = _first(value, _CODES) is not None and bool(_message(value))
    return (
        value.get("success") is False
        or coded
        or any(value.get(name) and shape(value, value[name]) for name, shape in _SHAPES.items())
    )


def said_in(value: Any) -> Said:
    """The error in a decoded JSON value, without whatever it is wrapped in."""
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
    kind = _first(error, _TYPES)
    return Said(
        message=_message(error),
        code=_first(error, _CODES),
        type=kind if kind != "error" else None,  # the name of an event, which Responses says flat
        reason=_reason(error),
        param=_text(error.get("param")),
        error=error,
        table=table,
    )


def _message(error: Mapping[str, Any]) -> str:
    said = next((error[name] for name in _MESSAGES if error.get(name)), "")
    message = said if isinstance(said, str) else as_text(said)
    raw = _quoted(error)
    return f"{message}: {raw}" if raw and raw not in message else message


def _quoted(error: Mapping[str, Any]) -> str:
    """OpenRouter: the real provider's own words, in metadata.raw, often JSON in a string."""
    metadata = error.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    if not isinstance(raw, str):
        return ""
    value = decoded(raw.encode("utf-8", "replace"))
    return (said_in(value).message if value is not None else "") or raw


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


def as_text(value: Any) -> str:
    """A value in the spacing that people write."""
    try:
        return json.dumps(value, ensure_ascii=False, default=repr)[: 2 * MAX_MESSAGE]
    except (ValueError, RecursionError):
        return ""


_SSE_DATA = rb"^(?:event|id|retry|:).*?$|^data: ?(\{.*)$"


def decoded(body: bytes) -> Any:
    """A JSON body, or the first JSON event of an SSE body; None for anything else."""
    try:
        return msgspec.json.decode(body.strip())
    except UNDECODABLE:
        pass
    if not body.lstrip().startswith((b"data:", b"event:", b":")):
        return None
    found = next((line[1] for line in re.finditer(_SSE_DATA, body, re.MULTILINE) if line[1]), None)
    return None if found is None else decoded(found)


_PAGE = r"<(?:!doctype|html|head|body|center|h1)\b"
_HIDDEN = r"<(script|style)\b.*?(?:</\1\s*>|\Z)"
_TAG = r"<[^<>]*>"


def _plain(body: bytes) -> str:
    """A text body as it is; a web page as the few words that it shows."""
    text = body[:16384].decode("utf-8", "replace").strip()
    if re.search(_PAGE, text[:1000], re.IGNORECASE) is None:
        return text
    shown = unescape(re.sub(_TAG, " ", re.sub(_HIDDEN, " ", text, flags=re.IGNORECASE | re.DOTALL)))
    hint = " ".join("".join(sign if sign.isprintable() else " " for sign in shown).split())[:MAX_HTML].strip()
    return f"The provider answered with a web page: {hint}" if hint else "The provider answered with a web page."
