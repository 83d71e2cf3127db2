"""A first look at a client's body: the few top-level fields that routing needs, everything else untouched.

This runs for every request, so it decodes one level only: `fields` keeps each value as raw bytes, and the Verbatim and
Patch lanes edit that dict.  The checks here are the ones that cost nothing; what a vendor would judge (roles and their
order, ranges, schemas) is judged by the parser in the Hub lane and by the vendor itself in the others.

Rules of this file: one level deep; what costs more than a look is left to whoever needs it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hexapla.errors import ProtocolError
from hexapla.plugins.asked import SAID, Plugins, read, searches
from hexapla.translate.fallbacks import Entry, laid_over
from hexapla.translate.fallbacks import read as read_fallbacks
from hexapla.wire.nesting import UNBOUNDED, too_deep
from hexapla.wire.rawjson import NULL, TOO_DEEP, UNDECODABLE, decode_fields, dump, join, load, split

CONVERSATION = {
    "openai_chat": "messages",
    "anthropic_messages": "messages",
    "openai_responses": "input",
    "gemini_generate": "contents",
}
"""Where each dialect keeps the conversation."""


_NUMBER = frozenset(b"-n0123456789")
_LIST = frozenset(b"[n")

PRESET = "@preset/"
"""What stands before the name of a preset where a model is named (preset.py)."""

TYPES: dict[str, tuple[frozenset[int], str]] = {
    "max_tokens": (_NUMBER, "an integer"),
    "max_completion_tokens": (_NUMBER, "an integer"),
    "max_output_tokens": (_NUMBER, "an integer"),
    "temperature": (_NUMBER, "a number"),
    "top_p": (_NUMBER, "a number"),
    "tools": (_LIST, "a list"),
}
"""Fields that mean the same in every dialect: the first bytes that they may have (null is "not given")."""

_BRACKET, _QUOTE = b'["'
_OFF = (NULL, Raw(b"false"))
_PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")  # gzip, zstd

_HALF = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)


LARGE = 64 * 1024
"""Bytes of a conversation from which on it is not looked through: that would cost more than all else that is done to it."""

_OBJECTS = re.compile(rb"\[\s*\{").match


class _Item(msgspec.Struct, gc=False):
    """An item of a conversation, whatever it is."""


class _Text(msgspec.Struct, gc=False):
    """An item that is a text that somebody says, and nothing more."""

    content: str
    tool_call_id: None = None
    tool_calls: None = None


class Peek(msgspec.Struct):
    """What routing may know of a request without parsing it.

    body    the client's bytes, unchanged
    fields  its top-level fields; a lane that edits makes its own copy
    models  the models to try, in order: `model`, then `models` / `fallbacks`
    only_texts  a look at the conversation has found nothing in it but texts
    usual   besides, it says nothing but a model and settings for the vendor
    plugins  what is asked of the gateway beside the answer; None for nothing
    preset   the name of the preset that its fields were joined with
    entries  those of `fallbacks` that say more than a model
    """

    protocol: str
    body: bytes
    fields: dict[str, Raw]
    model: str
    models: tuple[str, ...]
    stream: bool
    include_usage: bool = False
    only_texts: bool = False
    usual: bool = False
    plugins: Plugins | None = None
    preset: str = ""
    entries: tuple[Entry, ...] = ()

    @property
    def names_others(self) -> bool:
        """Its `fallbacks` name models for when one declines to answer, which `models` do not promise
        (https://platform.claude.com/docs/en/build-with-claude/refusals-and-fallback, 2026-11-29; OpenRouter: "fails or
        refuses")."""
        return "fallbacks" in self.fields and len(self.models) > 1

    def by(self, entry: Entry) -> Peek:
        """The same request as `entry` has it."""
        fields = laid_over(self.fields, entry)
        return replace(self, fields=fields, body=join(fields), entries=())


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


FURTHER = frozenset({"models", "fallbacks"})
"""Fields that name models to try after the first."""

TEXTS = frozenset({"openai_chat", "anthropic_messages"})
UNUSUAL = (
    FURTHER
    | SAID
    | {
        *("tools", "stream_options", "max_output_tokens", "thread", "service_tier", "preset", "debug"),
        *("provider", "route", "session_id", "prompt_cache_key", "trace", "usage"),
    }
)
"""Fields that somebody here looks at; a request without them need not be asked for any."""


LONGEST_NAME = 512
"""Characters of a model's name: whoever is asked for is remembered, logged and told in a header."""

MOST_MODELS = 100


class _Usual(msgspec.Struct, gc=False):
    """What programs send that only ask: texts and numbers, in Chat and Messages alike."""

    model: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NAME)]
    messages: Annotated[list[_Text], msgspec.Meta(min_length=1)]
    stream: bool | None = None
    max_tokens: float | None = None
    max_completion_tokens: float | None = None
    temperature: float | None = None
    top_p: float | None = None


_usual = msgspec.json.Decoder(_Usual).decode


def peek(protocol: str, body: bytes, *, model: str = "", stream: bool | None = None) -> Peek:
    """Look at `body`.  `model` and `stream` are given where the dialect has them in the path.

    Raises ProtocolError with the path of the first field that cannot be right.
    """
    try:
        if not body.isascii():
            body.decode()  # values stay raw, so nobody else would notice
        fields = decode_fields(body)
    except UNDECODABLE:
        raise _unreadable(body) from None
    if UNBOUNDED and too_deep(body):
        raise ProtocolError(_explained(body, TOO_DEEP))
    if protocol in TEXTS and not model and len(body) <= LARGE and UNUSUAL.isdisjoint(fields):
        try:
            usual = _usual(body)
        except UNDECODABLE:
            pass  # it says more than that, or something is wrong with it: the next lines tell which
        else:
            name = usual.model
            named = PRESET not in name
            return Peek(protocol, body, fields, name, (name,), usual.stream is True, only_texts=True, usual=named)
    return _looked_at(protocol, body, fields, model, stream)


def _looked_at(protocol: str, body: bytes, fields: dict[str, Raw], model: str, stream: bool | None) -> Peek:
    """`peek`, field by field."""
    _check_types(fields)
    model = model or (_text(fields, "model") if "model" in fields else _unnamed(fields))
    asks = not SAID.isdisjoint(fields) or ("tools" in fields and searches(fields["tools"]))
    models, entries = ((model,), ()) if FURTHER.isdisjoint(fields) else _models(protocol, fields, model)
    if max(map(len, models)) > LONGEST_NAME:
        raise ProtocolError(f"a model's name has at most {LONGEST_NAME} characters", path="$.model")
    return Peek(
        protocol,
        body,
        fields,
        model,
        models=models,
        stream=_flag(fields, "stream") if stream is None else stream,
        include_usage="stream_options" in fields and _include_usage(fields),
        plugins=read(fields) if asks else None,
        entries=entries,
    )


def check_conversation(peeked: Peek) -> None:
    """Raise ProtocolError unless the conversation is there and not empty."""
    if peeked.only_texts:
        return
    name = CONVERSATION[peeked.protocol]
    raw = peeked.fields.get(name)
    if raw is None or raw == NULL:
        if name == "input" and ("prompt" in peeked.fields or "previous_response_id" in peeked.fields):
            return  # Responses: a stored prompt or conversation may stand alone
        raise ProtocolError(f"{name} is required", path=f"$.{name}")
    first = memoryview(raw)[0]
    if first == _BRACKET:
        _check_items(peeked, name, raw)
    elif not (first == _QUOTE and name == "input"):
        raise ProtocolError(f"{name} must be a list", path=f"$.{name}")
    elif raw == Raw(b'""'):
        raise ProtocolError(f"{name} must not be empty", path=f"$.{name}")


def _check_items(peeked: Peek, name: str, raw: Raw) -> None:
    """Raise ProtocolError unless the items of a conversation are objects; of a large one only the first is looked at."""
    items: Sequence[_Item | _Text] | None
    if len(peeked.body) > LARGE:
        items = [_Item()] if _OBJECTS(raw) else None
    else:
        items = load(raw, list[_Text])  # fails at the first that is more
        peeked.only_texts = items is not None
        if items is None:
            items = load(raw, list[_Item])
    if items is None:
        raise ProtocolError(f"{name}: every item must be an object", path=f"$.{name}")
    if not items:
        raise ProtocolError(f"{name}: at least one item is required", path=f"$.{name}")


def _unreadable(body: bytes) -> ProtocolError:
    """What keeps `body` from being a JSON object, in words for whoever wrote the client."""
    try:
        body.decode()
        split(body)
    except UnicodeDecodeError as error:
        packed = " It is compressed, which is not taken here." if body.startswith(_PACKED) else ""
        return ProtocolError(f"The request body is not UTF-8 (byte {error.start}).{packed}")
    except ProtocolError as error:
        return ProtocolError(_explained(body, error.message))
    return ProtocolError("The request body is not valid JSON.")


def _explained(body: bytes, found: str) -> str:
    if not body.strip():
        return "The request body is empty; send a JSON object."
    if found.startswith("Expected"):
        return f"The request body must be a JSON object ({found})."
    if half := _HALF.search(body):
        said = half.group().decode()
        return f"The request body holds {said}, half of a surrogate pair (byte {half.start()}); send whole characters."
    found = found.removeprefix("JSON is malformed: ")
    return f"The request body is not valid JSON: {found}."


def _check_types(fields: dict[str, Raw]) -> None:
    """Raise ProtocolError for a field whose first byte is wrong already."""
    for name in TYPES.keys() & fields.keys():
        rule, raw = TYPES[name], fields[name]
        if memoryview(raw)[0] not in rule[0]:
            raise ProtocolError(f"{name} must be {rule[1]}", path=f"$.{name}")


def _text(fields: dict[str, Raw], name: str) -> str:
    value = load(fields[name], str)
    if not value:
        raise ProtocolError(f"{name} must be a non-empty string", path=f"$.{name}")
    return value


def _flag(fields: dict[str, Raw], name: str) -> bool:
    raw = fields.get(name)
    if raw is None or raw in _OFF:
        return False
    value = load(raw, bool)
    if value is None:
        raise ProtocolError(f"{name} must be true or false", path=f"$.{name}")
    return value


def _include_usage(fields: dict[str, Raw]) -> bool:
    options = load(fields["stream_options"], _StreamOptions)
    return bool(options and options.include_usage)


def _unnamed(fields: dict[str, Raw]) -> str:
    """Who is asked for without `model`: whoever a preset names, else the first of OpenRouter's `models`; it is written
    where everybody looks for it."""
    if "preset" in fields:
        return PRESET + _text(fields, "preset")
    listed = load(fields.get("models", NULL), list[str])
    if not listed:
        raise ProtocolError("model is required", path="$.model")
    fields["model"] = dump(listed[0])
    return listed[0]


def _models(protocol: str, fields: dict[str, Raw], model: str) -> tuple[tuple[str, ...], tuple[Entry, ...]]:
    """OpenRouter's `models` and Messages' `fallbacks`, after `model` itself and without repetition; and those of the
    latter that say more than a name."""
    names = [model]
    entries: list[Entry] = []
    if (raw := fields.get("models")) is not None and raw != NULL:
        listed = load(raw, list[str])
        if listed is None:
            raise ProtocolError("models must be a list of model names", path="$.models")
        names += listed
    if (raw := fields.get("fallbacks")) is not None and raw != NULL:
        if fields.get("models", NULL) != NULL:
            raise ProtocolError("fallbacks cannot stand beside models; send one of them", path="$.fallbacks")
        entries = read_fallbacks(raw, protocol, model)
        names += [entry.model for entry in entries]
    if len(names) > MOST_MODELS:
        raise ProtocolError(f"models: at most {MOST_MODELS} entries are allowed", path="$.models")
    return tuple(dict.fromkeys(names)), tuple(entry for entry in entries if entry.said)
