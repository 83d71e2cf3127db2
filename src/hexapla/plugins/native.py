"""A search that the endpoint makes itself: who can, and how it is asked.

How an endpoint is asked stands in the catalogue (`catalog/schema.py`: Search), so nothing here knows a vendor.

Rules of this file: pure; a wish that cannot be told is a Loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Literal

from msgspec.structs import replace

from hexapla.catalog.schema import Search
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest, ServerTool
from hexapla.plugins.asked import Wish, is_search
from hexapla.wire.rawjson import dump

Way = Literal["native", "found", ""]
"""Who searches: the endpoint, the gateway before the call, or nobody can."""

NATIVE = "native"
OPTIONS = "web_search_options"

DOMAINS = ("include", "exclude")


def way(wish: Wish, search: Search | None, *, configured: bool) -> Way:
    """Who makes the search that is wished for, where the endpoint has `search` and the gateway a service or none.

    An endpoint that cannot be told of domains leaves the search to the gateway, as OpenRouter leaves it to Exa.  A vendor's
    own tool among others, which the model need not use, is no reason for the gateway's: that would come with every turn.
    """
    able = search is not None and not (search.alone and wish.beside)
    if wish.foreign and not wish.must and wish.beside:
        return "native" if able and _exact(wish, search) and _certain(search) else ""
    if wish.engine not in ("", NATIVE):
        return "found" if configured else ""
    if able and (wish.engine == NATIVE or not configured or _exact(wish, search)):
        return "native"
    return "found" if configured and wish.engine != NATIVE else ""


def why_not(wish: Wish, search: Search | None) -> str:
    """Why nobody can make this search, and what would help."""
    if wish.engine not in ("", NATIVE):
        return f"no search service is configured for the engine {wish.engine!r} ([search] in hexapla.toml)"
    own = "its own web search cannot stand beside other tools"
    why = "it has no web search of its own" if search is None else own
    return why if wish.engine == NATIVE else f"{why}, and no search service is configured ([search] in hexapla.toml)"


def _certain(search: Search | None) -> bool:
    return search is not None and search.status == "documented"


def _exact(wish: Wish, search: Search | None) -> bool:
    """Whether the endpoint can be told of the domains."""
    assert search is not None
    wanted = [name for name in DOMAINS if getattr(wish, name)]
    return all(getattr(search, name) for name in wanted) and not (search.either and len(wanted) > 1)


def without_search(request: GenerateRequest) -> GenerateRequest:
    """`request` without tools that search, without a choice of one, and without Chat's options."""
    tools = tuple(tool for tool in request.tools if not (isinstance(tool, ServerTool) and is_search(tool.type)))
    chat = request.extras.get("openai_chat", {})
    if OPTIONS in chat:
        rest = {name: raw for name, raw in chat.items() if name != OPTIONS}
        request = replace(request, extras={**request.extras, "openai_chat": rest})
    if len(tools) == len(request.tools):
        return request
    choice = request.tool_choice
    names = {tool.name for tool in request.tools} - {tool.name for tool in tools}
    gone = choice is not None and (choice.mode == "native" or choice.name in names or not tools)
    return replace(request, tools=tools, tool_choice=None if gone else choice)


def asking(
    request: GenerateRequest, wish: Wish, search: Search, protocol: str, losses: LossLog
) -> tuple[GenerateRequest, Mapping[str, Any]]:
    """(`request` with the endpoint's own tool, further top-level fields of its body)."""
    said: dict[str, Any] = deepcopy(search.tool or search.fields)
    for name, value in _wishes(wish, search, losses).items():
        _put(said, getattr(search, name), value)
    if not search.tool:
        return without_search(request), said
    kind = str(said.get("type") or next(iter(said)))
    tool = ServerTool(origin=protocol, type=kind, name=said.get("name"), data=dump(said))
    rest = without_search(request)
    return replace(rest, tools=(*rest.tools, tool)), {}


def _wishes(wish: Wish, search: Search, losses: LossLog) -> dict[str, Any]:
    """The details that are wished for and can be told."""
    told: dict[str, Any] = {}
    for name in (*DOMAINS, "uses", "size", "place"):
        value = getattr(wish, name)
        if not value:
            continue
        if not getattr(search, name) or (search.either and name == "exclude" and wish.include):
            severity = "parameter" if name in DOMAINS else "cosmetic"
            losses.add(f"search.{name}", "the provider's own search cannot be told", severity)  # type: ignore[arg-type]
            continue
        told[name] = {"type": "approximate", **value} if name == "place" else value
    return told


def _put(said: dict[str, Any], path: str, value: Any) -> None:
    *outer, last = path.split(".")
    for name in outer:
        said = said.setdefault(name, {})
    said[last] = value
