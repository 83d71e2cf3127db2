"""OpenRouter's routes for presets: what [presets.NAME] tables there are, to be read and not to be written.

    GET  /presets, /presets/{slug}                      the tables, each as its own first and only version
    GET  /presets/{slug}/versions[/{version}]           that one version
    POST /presets/{slug}/{chat/completions|…}           403: the file is the place where presets are made

Shapes: OpenRouter's OpenAPI document, Preset and PresetDesignatedVersion (2026-08-22).  Ids are made of what they stand
for, so they stay the same from start to start; a version's id changes with its content.

Rules of this file: whoever may use a preset may read it, but no secret that it holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from hexapla.config import Loaded
from hexapla.config.shown import without_secrets
from hexapla.engine.gateway import Gateway
from hexapla.errors import ClientError, Kind
from hexapla.server.filters import paged
from hexapla.server.keys import KeyRing
from hexapla.server.views import answer
from hexapla.translate.preset import of_name

Json = dict[str, Any]

ONLY = 1  # the number of every preset's version


class PresetList:
    """The views, bound to one gateway."""

    def __init__(self, gateway: Gateway, keys: KeyRing) -> None:
        self._gateway = gateway
        self._keys = keys

    async def listed(self, request: Request) -> Response:
        """All of them."""
        loaded, written = await self._looked_at(request)
        versions = [(slug, _version(loaded, slug, written)) for slug in loaded.config.presets]
        return _page([_preset(slug, version) for slug, version in versions], request)

    async def one(self, request: Request) -> Response:
        """One, with its version."""
        version = _version(*await self._named(request))
        preset = _preset(request.path_params["slug"], version)
        return answer({"data": preset | {"designated_version": version}})

    async def versions(self, request: Request) -> Response:
        """The versions of one."""
        return _page([_version(*await self._named(request))], request)

    async def version(self, request: Request) -> Response:
        """The version of this number."""
        version = _version(*await self._named(request))
        number: str = request.path_params["version"]
        if number != str(ONLY):
            message = (
                f"There is no version {number[:20]!r}: a preset of the configuration file has only version {ONLY}."
            )
            raise ClientError(Kind.NOT_FOUND, message, param="version", code="not_found")
        return answer({"data": version})

    async def made(self, request: Request) -> Response:
        """Nothing is made here."""
        self._keys.name(request.headers.raw)
        slug: str = request.path_params["slug"]
        message = (
            "Presets are not made over HTTP here. Write the fields of this request (model, temperature, provider, tools "
            f"..., and `system` for its instructions) into a table [presets.{slug[:100]}] of the configuration file; it "
            "holds from the next request on."
        )
        raise ClientError(Kind.PERMISSION, message, param="preset")

    async def _named(self, request: Request) -> tuple[Loaded, str, str]:
        loaded, written = await self._looked_at(request)
        return loaded, request.path_params["slug"], written

    async def _looked_at(self, request: Request) -> tuple[Loaded, str]:
        """The configuration, and when its file was written.  Raises ClientError for a wrong key."""
        self._keys.name(request.headers.raw)
        loaded = self._gateway.routes.loaded
        return loaded, await asyncio.to_thread(_written, loaded)


def _version(loaded: Loaded, slug: str, written: str) -> Json:
    """What the table says.  Raises ClientError for a preset that is not there."""
    said = without_secrets(of_name(loaded.config.presets, slug), loaded.environment)
    content = msgspec.json.encode(said, order="sorted").decode()
    return {
        "id": str(uuid5(NAMESPACE_URL, f"hexapla:preset:{slug}:{content}")),
        "preset_id": preset_id(slug),
        "creator_id": "",
        "version": ONLY,
        "system_prompt": said.get("system"),
        "config": {name: value for name, value in said.items() if name != "system"},
        "created_at": written,
        "updated_at": written,
    }


def preset_id(slug: str) -> str:
    """The id of the preset of this name."""
    return str(uuid5(NAMESPACE_URL, f"hexapla:preset:{slug}"))


def _preset(slug: str, version: Json) -> Json:
    return {
        "id": preset_id(slug),
        "creator_user_id": None,
        "workspace_id": None,
        "name": slug,
        "slug": slug,
        "description": None,
        "status": "active",
        "designated_version_id": version["id"],
        "created_at": version["created_at"],
        "updated_at": version["updated_at"],
        "status_updated_at": None,
    }


def _written(loaded: Loaded) -> str:
    """When the file was written, as far as it is still there."""
    file = Path(loaded.config.file)
    seconds = file.stat().st_mtime if file.is_file() else 0.0
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _page(rows: Sequence[Json], request: Request) -> Response:
    page, _ = paged(rows, request.query_params, request.url.path)
    return answer({"data": page, "total_count": len(rows)})
