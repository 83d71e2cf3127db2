"""The TOML of providers and models, as structs.

A provider is a *diff* against a protocol: where it is, how to log in, and the quirks in which it deviates.  The same
schema reads the built-in files in `providers/` and `[providers.*]` of the user's own configuration.  Unknown keys and
wrong types are errors that name file, line and key (see load.py).

Rules of this file: structs only; a default means "as the protocol's inventor does it".
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A TOML table that refuses keys it does not know."""


class Auth(_Table, frozen=True, kw_only=True):
    """How to log in.

    kind    api_key | none | one of the flows that end in a token: device_code, pkce, gcloud, exchange, credential_file
    env     names of environment variables that may hold the key, first found wins
    key     the key itself, normally "${VARIABLE}"; several: `keys`
    optional  the key is sent when there is one, and not asked for when there is none (servers of one's own)
    header  where the key goes: "authorization" (as Bearer), "x-api-key", "api-key", "x-goog-api-key"; "" is the
            protocol's own place
    """

    kind: Literal["api_key", "none", "device_code", "pkce", "gcloud", "exchange", "credential_file"] = "api_key"
    env: str | tuple[str, ...] = ()
    key: str | None = None
    keys: tuple[str, ...] = ()
    optional: bool = False
    header: str = ""
    options: dict[str, Any] = {}


class Quirks(_Table, frozen=True, kw_only=True):
    """Deviations of one endpoint.  The first group are edits of the rendered top-level request fields (both the Patch
    and the Hub lane apply them, in this order); the second are facts that fill in `ir.target.Target` by the same name;
    the third concerns answers.
    """

    rename: dict[str, str] = {}
    strip: tuple[str, ...] = ()
    set: dict[str, Any] = {}
    default: dict[str, Any] = {}  # like set, only where the request is silent
    clamp: dict[str, tuple[float, float]] = {}  # {temperature = [0, 1]}

    target: dict[str, Any] = {}  # Target fields: {developer_role = false, reasoning_style = "enable_thinking"}

    think_tags: bool = False  # <think>...</think> in the text is reasoning
    error_codes: dict[str, str] = {}  # vendor code -> errors.Kind value

    when: tuple[When, ...] = ()  # further quirks for models that match


class When(_Table, frozen=True, kw_only=True):
    """Quirks for the models whose upstream id matches one of the globs."""

    model: str | tuple[str, ...]
    rename: dict[str, str] = {}
    strip: tuple[str, ...] = ()
    set: dict[str, Any] = {}
    default: dict[str, Any] = {}
    clamp: dict[str, tuple[float, float]] = {}
    target: dict[str, Any] = {}


class Endpoint(_Table, frozen=True, kw_only=True):
    """One address that speaks one protocol.

    base_url     up to, not including, the protocol's own path; a pasted full URL is normalised by address.py
    path         overrides the protocol's own path ("/chat/completions"); "{model}" is replaced
    stream_path  the same for streams, where they have a path of their own
    models       globs of upstream ids that this endpoint serves; empty is all
    headers      sent with every request;  query  added to the URL
    timeouts     seconds: connect, head, idle, first, progress, total
    """

    protocol: Literal["openai_chat", "openai_responses", "anthropic_messages", "gemini_generate"]
    base_url: str
    path: str = ""
    stream_path: str = ""
    models: tuple[str, ...] = ()
    headers: dict[str, str] = {}
    query: dict[str, str] = {}
    quirks: Quirks = Quirks()
    timeouts: dict[str, float] = {}
    transport: Literal["", "http1", "reqwest"] = ""
    proxy: str = ""


class Provider(_Table, frozen=True, kw_only=True):
    """A company, or a server of one's own.

    aliases      other prefixes under which it is known ("kimi" for moonshot)
    host         scheme, host and port that every endpoint takes instead of its own ("http://gpu-box:11434")
    regions      region name -> such a host;  region  the chosen one
    balance      path of the balance endpoint, relative to the first endpoint's base
    limits       what the vendor publishes about sizes and lifetimes, for people
    levels       levels of an account, lowest first -> what it must have paid in a month to reach them
    level        the account's level; "" is the lowest
    rates        class of models -> level -> what is allowed; a level that is not told is like the one below (rates.py)
    probe        a server of one's own: looked for at its address, its models asked for (GET {base}/models)
    status       how well its facts are known;  ended: the vendor has switched it off
    unavailable  why no request can be sent to it at all; "" where one can
    sources      "URL (date): claim"
    """

    id: str = ""
    name: str = ""
    name_zh: str = ""
    docs: str = ""
    key_page: str = ""
    auth: Auth = Auth()
    endpoints: tuple[Endpoint, ...] = ()
    aliases: tuple[str, ...] = ()
    host: str = ""
    regions: dict[str, str] = {}
    region: str = ""
    balance: str = ""
    limits: dict[str, Any] = {}
    levels: dict[str, float] = {}
    level: str = ""
    rates: dict[str, dict[str, Rate]] = {}
    probe: bool = False
    status: Literal["documented", "third-party", "unverified", "ended"] = "unverified"
    experimental: bool = False
    unavailable: str = ""
    sources: tuple[str, ...] = ()
    notes: str = ""


Span = int | tuple[int, int]
"""A limit, or the least and the most of it where the vendor says no more than that it differs between models."""


class Rate(_Table, frozen=True, kw_only=True):
    """How much an account may ask of one model: requests, tokens and images, a minute, an hour and a day.

    None is unknown or not limited.  `concurrent`: requests or tasks at the same time.
    """

    rpm: Span | None = None
    rph: Span | None = None
    rpd: Span | None = None
    tpm: Span | None = None
    tpd: Span | None = None
    ipm: Span | None = None
    ipd: Span | None = None
    concurrent: Span | None = None


class Price(_Table, frozen=True, kw_only=True):
    """Price per million tokens in `currency`; None is unknown, 0 is free.

    tiers  further prices that hold for long prompts or at certain times
    """

    currency: Literal["USD", "CNY"] = "USD"
    input: float | None = None
    output: float | None = None
    cached: float | None = None
    cache_write: float | None = None
    cache_write_1h: float | None = None
    reasoning: float | None = None  # where thought is billed apart from output
    audio_input: float | None = None
    audio_output: float | None = None
    image_input: float | None = None  # where an image's tokens have a price of their own
    image_output: float | None = None
    request: float | None = None  # per call
    image: float | None = None  # per image
    second: float | None = None  # per second of sound or video
    characters: float | None = None  # per million characters
    page: float | None = None  # per page of a document that is read
    search: float | None = None  # per search of the web
    tiers: tuple[Tier, ...] = ()


class Tier(_Table, frozen=True, kw_only=True):
    """A price that replaces the base price above a prompt length or at certain times.  All conditions must hold.

    above            more than this many tokens of input
    window           hours of the day: "00:30-08:30+08:00"; without an offset UTC
    days             days of the week, in the window's offset: "mon-fri", "sat,sun"
    except_holidays  not on the holidays of this calendar (calendar.py)
    """

    above: int = 0
    window: str = ""
    days: str = ""
    except_holidays: Literal["", "cn"] = ""
    input: float | None = None
    output: float | None = None
    cached: float | None = None
    cache_write: float | None = None
    cache_write_1h: float | None = None


class Model(_Table, frozen=True, kw_only=True):
    """Facts of one model at one provider.

    id        the id that the upstream wants to hear
    also      further ids that the upstream itself understands (moving names, short forms); they are sent as they are
    aliases   names by which people know it; `id` is sent for them
    snapshot  the dated id that a moving id ("…-latest") stands for at present
    max_image_tokens  the most that one image may cost
    rate_class  the class in the provider's `rates`; "" is the model's kind
    rate      what is allowed where this model has a limit of its own
    released, knowledge, retired  "2026-01-31", "2026-01" or "2026": first sold, taught until, switched off
    voices    names that a speech model knows
    target    Target fields that hold for this model at every endpoint (adaptive_only, sampling, effort_levels ...)
    """

    id: str = ""
    name: str = ""
    also: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    snapshot: str = ""
    kind: Literal["chat", "embedding", "image", "video", "speech", "transcription", "rerank", "moderation"] = "chat"
    context: int | None = None
    max_input: int | None = None
    max_output: int | None = None
    max_image_tokens: int | None = None
    input_modalities: tuple[str, ...] = ()
    output_modalities: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()  # tools, reasoning, json_schema, vision, cache, web_search ...
    price: Price | None = None
    free: bool = False
    rate_class: str = ""
    rate: Rate | None = None
    released: str = ""
    knowledge: str = ""
    retired: str = ""
    voices: tuple[str, ...] = ()
    target: dict[str, Any] = {}
    sources: tuple[str, ...] = ()
    notes: str = ""
