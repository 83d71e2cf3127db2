"""What a request asks of the gateway beside the answer: a search of the web, mended JSON, a shorter prompt, read PDFs.

It is said in `plugins` and `transforms`, by a tool that searches, or in `web_search_options`
(https://openrouter.ai/docs/guides/features/plugins and server-tools, 2026-08-22), in every dialect alike: `plugins` is a
field of OpenRouter's, and a vendor's own search tool is the same wish wherever another vendor serves it.

Rules of this file: pure; what cannot be read is a mistake only in `plugins`, which speaks to nobody but gateways.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hexapla.errors import ProtocolError
from hexapla.wire.rawjson import NULL, UNDECODABLE, load

SAID = frozenset({"plugins", "transforms", "web_search_options"})
"""Top-level fields without which, and without a tool that searches, nothing is asked."""

SERVER_TOOL = "openrouter:web_search"

MOST_RESULTS = 25  # https://openrouter.ai/docs/guides/features/server-tools/web-search (2026-08-22)

ROUTERS = frozenset({"auto-router"})
"""Plugins that choose the model (engine/virtual.py)."""

_NOT = Raw()
_CLIENTS = frozenset({"", "function", "custom"})
"""Types of the client's own tools."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A search of the web.

    engine   "" whoever can; "native" the endpoint itself; any other word: the gateway, before the call
    results  the most of them; None: as configured
    prompt   what stands before the results; "": our own words
    include, exclude  domains;  uses  the most searches;  size  how much to read: low, medium, high
    place    where the user is, as OpenAI and Anthropic say it
    must     refused where nobody can search
    tool     said as a tool: wanted only where somebody has just asked something
    foreign  said in the words of one vendor's dialect: an endpoint of that dialect is told of it as it stands
    beside   the request has other tools as well
    """

    engine: str = ""
    results: int | None = None
    prompt: str = ""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    uses: int | None = None
    size: str = ""
    place: Mapping[str, str] = {}
    must: bool = True
    tool: bool = False
    foreign: bool = False
    beside: bool = False


class Plugins(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is asked.

    search      a search of the web
    heals       JSON that is almost right is to be mended
    compresses  a conversation that is too long is to lose its middle
    pdf         "" nothing is said of PDFs; else the engine that is to read them ("native", or any other)
    unknown     ids of plugins that are not known here
    """

    search: Wish | None = None
    heals: bool = False
    compresses: bool = False
    pdf: str = ""
    unknown: tuple[str, ...] = ()


class _Pdf(msgspec.Struct):
    engine: str | None = None


class _Plugin(msgspec.Struct):
    """An element of `plugins`; which fields it has is its id's."""

    id: str
    enabled: bool | None = None
    engine: str | None = None
    max_results: int | None = None
    max_uses: int | None = None
    search_prompt: str | None = None
    include_domains: tuple[str, ...] | None = None
    exclude_domains: tuple[str, ...] | None = None
    user_location: dict[str, Any] | None = None
    pdf: _Pdf | None = None


class _Filters(msgspec.Struct):
    allowed_domains: tuple[str, ...] | None = None
    blocked_domains: tuple[str, ...] | None = None
    excluded_domains: tuple[str, ...] | None = None


class _Tool(_Filters):
    """A tool that searches: OpenRouter's says its wishes in `parameters`, Anthropic's flat, OpenAI's with `filters`."""

    type: str = ""
    engine: str | None = None
    max_results: int | None = None
    max_uses: int | None = None
    search_context_size: str | None = None
    user_location: dict[str, Any] | None = None
    filters: _Filters | None = None
    parameters: Raw = Raw()


class _Google(msgspec.Struct):
    """What Gemini's tool says."""

    exclude_domains: tuple[str, ...] | None = msgspec.field(name="excludeDomains", default=None)


class _Kind(msgspec.Struct, gc=False):
    """What tells a tool that searches: its type, or with Gemini its only key, in either spelling."""

    type: str = ""
    camel: Raw = msgspec.field(name="googleSearch", default=_NOT)
    snake: Raw = msgspec.field(name="google_search", default=_NOT)

    @property
    def google(self) -> Raw:
        return self.camel or self.snake


class _Options(msgspec.Struct):
    """`web_search_options` of Chat."""

    search_context_size: str | None = None
    user_location: dict[str, Any] | None = None


def searches(tools: Raw) -> bool:
    """Whether a request's tools hold one that searches.  Typed: to look for words in them takes thrice as long."""
    for tool in load(tools, list[_Kind]) or ():
        if (tool.type not in _CLIENTS and is_search(tool.type)) or tool.camel or tool.snake:
            return True
    return False


def read(fields: Mapping[str, Raw]) -> Plugins | None:
    """What a request's top-level fields ask; None for nothing.  Raises ProtocolError for `plugins` that are none."""
    listed = {each.id: each for each in _listed(fields.get("plugins")) if each.enabled is not False}
    transforms = load(fields.get("transforms", Raw()), list[str]) or []
    web, pdf = listed.get("web"), listed.get("file-parser")
    known = {"web", "file-parser", "response-healing", "context-compression"} | ROUTERS
    asked = Plugins(
        search=_search(web, fields),
        heals="response-healing" in listed,
        compresses="context-compression" in listed or "middle-out" in transforms,
        pdf="" if pdf is None else (pdf.pdf.engine if pdf.pdf is not None else None) or "auto",
        unknown=tuple(name for name in (*listed, *transforms) if name not in known and name != "middle-out"),
    )
    return asked if asked != _NOTHING else None


def online(fields: Mapping[str, Raw]) -> Wish:
    """What `:online` behind a model's name asks: the `web` plugin, as it is."""
    return Wish(beside=_beside(fields))


_NOTHING = Plugins()


def _listed(raw: Raw | None) -> Sequence[_Plugin]:
    if raw is None or raw == NULL:
        return ()
    try:
        return msgspec.json.decode(raw, type=list[_Plugin])
    except UNDECODABLE as error:
        raise ProtocolError(f"plugins must be a list of objects with an id ({error})", path="$.plugins") from None


def _search(web: _Plugin | None, fields: Mapping[str, Raw]) -> Wish | None:
    """The search that is asked for: by the plugin, else by a tool, else by Chat's options, which add to the others."""
    wish = _of_plugin(web) if web is not None else _of_tools(fields)
    raw = fields.get("web_search_options")
    options = load(raw, _Options) if raw is not None else None
    if options is not None:
        wish = wish or Wish(must=False)
        size, place = wish.size or options.search_context_size or "", wish.place or _place(options.user_location)
        wish = replace(wish, size=size, place=place)
    return None if wish is None else replace(wish, beside=_beside(fields))


def _of_plugin(web: _Plugin) -> Wish:
    return Wish(
        engine=_engine(web.engine),
        results=_results(web.max_results),
        prompt=web.search_prompt or "",
        include=web.include_domains or (),
        exclude=web.exclude_domains or (),
        uses=web.max_uses,
        place=_place(web.user_location),
    )


def _of_tools(fields: Mapping[str, Raw]) -> Wish | None:
    """The first tool that searches.  A vendor's own must be served only where the model is made to use it."""
    raw = fields.get("tools", _NOT)
    for place, kind in enumerate(load(raw, list[_Kind]) or ()):
        if kind.google:
            said = load(kind.google, _Google) or _Google()
            return Wish(exclude=said.exclude_domains or (), must=False, tool=True, foreign=True)
        if is_search(kind.type):
            tool = load((load(raw, list[Raw]) or [])[place], _Tool) or _Tool()
            if kind.type == SERVER_TOOL:
                return _of_tool(load(tool.parameters, _Tool) or tool)
            forced = b"web_search" in bytes(fields.get("tool_choice", _NOT))
            return replace(_of_tool(tool), must=forced, foreign=True)
    return None


def is_search(kind: str) -> bool:
    """Whether a tool of this type searches the web."""
    return kind in (SERVER_TOOL, "googleSearch", "google_search") or kind.startswith("web_search")


def _of_tool(tool: _Tool) -> Wish:
    beside = tool.filters or tool
    return Wish(
        engine=_engine(tool.engine),
        results=_results(tool.max_results),
        include=beside.allowed_domains or (),
        exclude=beside.excluded_domains or beside.blocked_domains or (),
        uses=tool.max_uses,
        size=tool.search_context_size or "",
        place=_place(tool.user_location),
        tool=True,
    )


def _beside(fields: Mapping[str, Raw]) -> bool:
    """Whether the request has a tool that does not search."""
    tools = load(fields.get("tools", _NOT), list[_Kind]) or ()
    return not all(is_search(tool.type) or tool.google for tool in tools)


def _engine(said: str | None) -> str:
    return "" if said in (None, "auto", "undefined") else said or ""


def _results(said: int | None) -> int | None:
    return None if said is None else max(1, min(said, MOST_RESULTS))


def _place(said: dict[str, Any] | None) -> Mapping[str, str]:
    """Where the user is; Chat's options say it one level deeper."""
    inner = (said or {}).get("approximate")
    flat = inner if isinstance(inner, dict) else said or {}
    return {name: value for name, value in flat.items() if isinstance(value, str) and name != "type"}
