"""From `auto` and `free` to the models that stand behind them for one request (routing/virtual.py).

The models are those of providers that can be asked here; they are listed once for each catalogue and set of keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from hexapla.catalog.listing import Listed
from hexapla.catalog.resolve import Catalog
from hexapla.catalog.schema import Endpoint, Model, Provider
from hexapla.engine.wishes import load_of, need_of
from hexapla.errors import Kind, ProtocolError, RoutingError
from hexapla.routing.virtual import VIRTUAL, Choice, Demand, candidates, takes_images
from hexapla.translate.peek import Peek
from hexapla.wire.rawjson import load

IMAGES = (b'"image_url"', b'"input_image"', b'"type":"image"', b'"type": "image"', b'"inlineData"', b'"inline_data"')
"""How dialects speak of images in a conversation."""

TITLES = {"auto": "Auto Router", "free": "Free Models Router"}
DEMANDED = ("tools", "json_schema", "vision")
OURSELVES = Provider(id="hexapla", name="Hexapla", endpoints=(Endpoint(protocol="openai_chat", base_url=""),))
"""Who offers a virtual model in a list."""


def virtual(name: str, usable: Sequence[str]) -> str:
    """The kind of a virtual name, or ""; OpenRouter's own names are its own where it can be asked."""
    kind = VIRTUAL.get(name, "")
    return "" if name.startswith("openrouter/") and "openrouter" in usable else kind


def demand_of(peeked: Peek, *, configured: bool) -> Demand:
    """What the request needs, as far as its bytes tell; `configured`: the gateway can search the web itself."""
    need = need_of(peeked, {})
    search = need.search if need.search is not None and need.search.must and not configured else None
    return Demand(
        tools=need.tools,
        images=not peeked.only_texts and any(mark in peeked.body for mark in IMAGES),
        schema=need.schema or b'"json_schema"' in peeked.body,
        search=search,
        tokens=load_of(peeked).tokens,
        max_tokens=need.max_tokens or 0,
    )


def choice_of(peeked: Peek) -> Choice:
    """What the `auto-router` plugin says.  Raises ProtocolError for what it cannot say."""
    raw = peeked.fields.get("plugins")
    listed: list[dict[str, Any]] = (load(raw, list[dict[str, Any]]) if raw is not None else None) or []
    said = next((each for each in listed if each.get("id") == "auto-router" and each.get("enabled") is not False), None)
    try:
        return msgspec.convert(said or {}, Choice)
    except msgspec.ValidationError as error:
        raise ProtocolError(f"plugins: auto-router: {error}", path="$.plugins") from None


def rows_of(catalog: Catalog, usable: Sequence[str]) -> list[Listed]:
    """Every model that is sold today at the providers that can be asked."""
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    return [
        Listed(name=f"{provider}/{model.id}", model=model, provider=catalog.providers[provider])
        for provider in usable
        for model in catalog.listed(provider)
        if not model.retired or model.retired > today
    ]


def listed(rows: Sequence[Listed], usd: Mapping[str, float]) -> list[Listed]:
    """The virtual names as rows of a list of models, where anything stands behind them; `rows`: of `rows_of`.

    A router of OpenRouter's own stands for itself.  Ours can what one of its models can and what a request is seen to need
    of them (`demand_of`).
    """
    found = [_row(name, kind, rows, usd) for name, kind in VIRTUAL.items()]
    return [row for row in found if row is not None]


def _row(name: str, kind: str, rows: Sequence[Listed], usd: Mapping[str, float]) -> Listed | None:
    theirs = next((row for row in rows if row.name == f"openrouter/{name}"), None)
    if theirs is not None:
        return replace(theirs, name=name)
    behind = candidates(kind, rows, Demand(), Choice(), usd)
    if not behind:
        return None
    able = {word for row in behind for word in row.model.capabilities}
    images = any(takes_images(row.model) for row in behind)
    model = Model(
        id=name,
        name=TITLES[kind],
        context=max(row.model.context or 0 for row in behind) or None,
        max_output=max(row.model.max_output or 0 for row in behind) or None,
        input_modalities=("text", "image") if images else ("text",),
        output_modalities=("text",),
        capabilities=tuple(word for word in DEMANDED if word in able),
        free=kind == "free",
    )
    return Listed(name=name, model=model, provider=OURSELVES)


def nothing_fits(kind: str) -> RoutingError:
    message = f"No models match your request and model restrictions: none of those that can be asked here is {kind}."
    return RoutingError(message, kind=Kind.NOT_FOUND, param="model")
