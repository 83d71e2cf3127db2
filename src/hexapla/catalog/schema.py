"""The TOML of providers and models, as structs.

A provider is a *diff* against a protocol: where it is, how to log in (login.py), and the quirks in which it deviates.  The
same schema reads the built-in files in `providers/` and `[providers.*]` of the user's own configuration.  Unknown keys and
wrong types are errors that name file, line and key (see load.py).

Rules of this file: structs only; a default means "as the protocol's inventor does it".
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from hexapla.catalog.login import Auth


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A TOML table that refuses keys it does not know."""


class Search(_Table, frozen=True, kw_only=True):
    """How an endpoint is asked to search the web itself.

    tool     stands among the request's `tools`;  fields  are set at its top level; with neither it searches unasked
    alone    the tool cannot stand beside the client's own
    include, exclude, uses, size, place  where it is told of domains, of the most searches, of how much to read and of where
             the user is: a path inside `tool`, else at the top level; "" where it cannot be told
    either   only one of include and exclude at a time
    status   how well this is known
    """

    tool: dict[str, Any] = {}
    fields: dict[str, Any] = {}
    alone: bool = False
    include: str = ""
    exclude: str = ""
    uses: str = ""
    size: str = ""
    place: str = ""
    either: bool = False
    status: Literal["documented", "third-party"] = "documented"


class Continuation(_Table, frozen=True, kw_only=True):
    """How a model is asked to go on in an answer that somebody else began, as the vendor's own mode wants it.

    turn     an assistant's turn at the end is continued; false: it would be refused or answered anew, so the request says
             in words what is wanted
    message  fields of that turn ({prefix = true}, {partial = true});  request  top-level fields
    path     the endpoint's path for it, where that is another one
    echoes   the answer begins with the turn instead of going on behind it
    status   how well this is known
    """

    turn: bool = True
    message: dict[str, Any] = {}
    request: dict[str, Any] = {}
    path: str = ""
    echoes: bool = False
    status: Literal["documented", "third-party", "unverified"] = "documented"


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
    reencode: bool = False  # answers stray so far from the protocol that its own clients get them re-encoded (Hub)
    error_codes: dict[str, str] = {}  # vendor code or type -> errors.Kind value; stands above the provider's

    search: Search | None = None  # None: it does not search the web, or not in this way
    continuation: Continuation | None = None  # None: as the protocol's inventor does it
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
    think_tags: bool = False
    search: Search | None = None
    continuation: Continuation | None = None


class Endpoint(_Table, frozen=True, kw_only=True):
    """One address that speaks one protocol.

    base_url     up to, not including, the protocol's own path; a pasted full URL is normalised by address.py
    path         overrides the protocol's own path ("/chat/completions"); "{model}" is replaced
    stream_path  the same for streams, where they have a path of their own
    models       globs of upstream ids that this endpoint serves; empty is all
    ids          id at the provider -> what this endpoint calls it, where that is another word
    headers      sent with every request;  query  added to the URL
    timeouts     seconds: connect, head, first, idle, progress, total
    """

    protocol: Literal["openai_chat", "openai_responses", "anthropic_messages", "gemini_generate"]
    base_url: str
    path: str = ""
    stream_path: str = ""
    models: tuple[str, ...] = ()
    ids: dict[str, str] = {}
    headers: dict[str, str] = {}
    query: dict[str, str] = {}
    quirks: Quirks = Quirks()
    timeouts: dict[str, float] = {}
    transport: Literal["", "http1", "reqwest"] = ""
    proxy: str = ""


class Privacy(_Table, frozen=True, kw_only=True):
    """What a provider does with prompts; None and "" are "not known", which counts as the worst where privacy is asked for.

    training   whether it may train on them
    retention  "none" where it keeps nothing (zero data retention), else for how long in words
    """

    training: bool | None = None
    retention: str = ""


class Tls(_Table, frozen=True, kw_only=True):
    """Files in PEM; a relative path is one beside the configuration.

    cert  shown to a provider that asks for one;  key: its private key, unless that stands in the same file
    ca    authorities that are trusted beside the usual ones
    """

    cert: str = ""
    key: str = ""
    ca: str = ""


class Provider(_Table, frozen=True, kw_only=True):
    """A company, or a server of one's own.

    aliases      other prefixes under which it is known ("kimi" for moonshot)
    host         scheme, host and port that every endpoint takes instead of its own ("http://gpu-box:11434")
    regions      region name -> such a host;  region  the chosen one;  key_pages  region name -> where its own keys are got
    balance      path of the balance endpoint, relative to the first endpoint's base
    error_codes  vendor code or type -> errors.Kind value, at every endpoint
    limits       what the vendor publishes about sizes and lifetimes, for people
    levels       levels of an account, lowest first -> what it must have paid in a month to reach them
    level        the account's level; "" is the lowest
    privacy      what it does with prompts
    tls          certificates, for hosts of one's own
    rates        class of models -> level -> what is allowed; a level that is not told is like the one below (rates.py)
    probe        a server of one's own: looked for at its address, its models asked for (GET {base}/models)
    status       how well its facts are known;  ended: the vendor has switched it off
    experimental  not a documented interface of the vendor's
    enabled      false: it is there, but off until the user's own table says `enabled = true`
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
    key_pages: dict[str, str] = {}
    balance: str = ""
    error_codes: dict[str, str] = {}
    limits: dict[str, Any] = {}
    levels: dict[str, float] = {}
    level: str = ""
    rates: dict[str, dict[str, Rate]] = {}
    privacy: Privacy = Privacy()
    tls: Tls = Tls()
    probe: bool = False
    status: Literal["documented", "third-party", "unverified", "ended"] = "unverified"
    experimental: bool = False
    enabled: bool = True
    unavailable: str = ""
    sources: tuple[str, ...] = ()
    notes: str = ""
    notes_zh: str = ""


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


class Price(_Table, frozen=True, kw_only=True, cache_hash=True):
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
    services  service tier ("flex", "priority") -> what it costs there; where none is told, its vendor sells none of it
    quantization  of its weights: "fp8", "bf16" ...; "" is not known
    rate_class  the class in the provider's `rates`; "" is the model's kind
    rate      what is allowed where this model has a limit of its own
    released, knowledge  "2026-01-31", "2026-01" or "2026": first sold, taught until
    retired   the same: switched off by then; such a model is not listed, but may still be asked for
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
    services: dict[str, Price] = {}
    free: bool = False
    rate_class: str = ""
    rate: Rate | None = None
    quantization: str = ""
    released: str = ""
    knowledge: str = ""
    retired: str = ""
    voices: tuple[str, ...] = ()
    target: dict[str, Any] = {}
    sources: tuple[str, ...] = ()
    notes: str = ""
