"""The sources of the merged table: what each is called, where its table lies in its package, and how it is read.

Rules of this file: pure; the order is that in which they are named to people.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable

import msgspec

from hexapla.catalog.merge import genai_prices, litellm, model_prices, models_dev
from hexapla.catalog.merge.facts import Facts


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """A published package with a table of models.

    member  the table's path inside the package
    read    makes facts of the table's bytes, as of a day ("2026-11-28")
    large   many times as large as the others: fetched only on request
    """

    name: str
    url: str
    member: str
    read: Callable[[bytes, str], Facts]
    large: bool = False


PACKAGES = (
    Package(
        name="litellm",
        url="https://github.com/BerriAI/litellm",
        member="litellm/model_prices_and_context_window_backup.json",
        read=lambda data, _: litellm.read(msgspec.json.decode(data)),
        large=True,
    ),
    Package(
        name="models-dev",
        url="https://github.com/sst/models.dev",
        member="models_dev/data.json.gz",
        read=lambda data, _: models_dev.read(msgspec.json.decode(_unzipped(data))),
    ),
    Package(
        name="genai-prices",
        url="https://github.com/pydantic/genai-prices",
        member="genai_prices/data.py",
        read=lambda data, today: genai_prices.read(data.decode(), today),
    ),
    Package(
        name="model-prices",
        url="https://github.com/wakamex/model-prices",
        member="model_prices/snapshot.json",
        read=lambda data, today: model_prices.read(msgspec.json.decode(data), today),
    ),
)


def gone(package: str, data: bytes) -> frozenset[tuple[str, str]]:
    """The models that a source says no longer exist."""
    return model_prices.gone(msgspec.json.decode(data)) if package == "model-prices" else frozenset()


def guess(name: str, data: bytes) -> str:
    """The package that a bare table belongs to, by its file's name and its first bytes; "" for none."""
    if name.startswith("model_prices_and_context_window"):
        return "litellm"
    if data.startswith(b"\x1f\x8b"):
        return "models-dev"
    if b"genai_prices" in data[:4096] or b"providers: list[Provider]" in data[:4096]:
        return "genai-prices"
    return "model-prices" if name == "snapshot.json" else ""


def _unzipped(data: bytes) -> bytes:
    return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
