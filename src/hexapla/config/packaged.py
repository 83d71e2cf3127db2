"""The catalogue that comes with the package: providers and models as TOML, packed for speed, and the table of names.

Rules of this file: read once for a process; the table is read anew when its file is another one.
"""

from __future__ import annotations

import functools
import mmap
from collections.abc import Mapping
from pathlib import Path

from hexapla.catalog.load import load_model_file, load_provider, sourced
from hexapla.catalog.pack import Texts, unpack
from hexapla.catalog.schema import Model, Provider
from hexapla.catalog.table import Table, TableError

FOLDER = Path(__file__).parent.with_name("catalog")  # importlib.resources is for zipped packages, and loads zipfile
PACK = "catalogue.pack"
TABLE = "models.table"


@functools.cache
def builtin() -> tuple[Mapping[str, Provider], Mapping[str, tuple[Model, ...]]]:
    """The packaged providers by id, and their models by provider id."""
    texts = packaged_texts()
    packed = FOLDER / PACK
    found = unpack(packed.read_bytes(), texts) if packed.is_file() else None
    if found is None:
        read = [load_model_file(text, name) for name, text in texts.models]
        found = [load_provider(text, name) for name, text in texts.providers], read
    models: dict[str, tuple[Model, ...]] = {}
    for file in found[1]:
        for provider, listed in sourced(file).items():
            models[provider] = models.get(provider, ()) + listed
    return {provider.id: provider for provider in found[0]}, models


def builtin_providers() -> dict[str, Provider]:
    """The packaged providers, by id."""
    return dict(builtin()[0])


def builtin_models() -> dict[str, tuple[Model, ...]]:
    """The packaged models, by provider id."""
    return dict(builtin()[1])


def model_table(environment: Mapping[str, str]) -> Table | None:
    """The large table of models: the newer of the packaged one and the user's own (`hexapla catalog update`)."""
    found = [table for file in (user_table(environment), packaged_table()) if (table := _opened(file)) is not None]
    return max(found, key=lambda table: table.header.made, default=None)


def packaged_table() -> Path:
    """The table that came with the package."""
    return FOLDER / TABLE


def user_table(environment: Mapping[str, str]) -> Path:
    """Where the user's own table is kept."""
    data = environment.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "hexapla" / TABLE


def _opened(file: Path) -> Table | None:
    """A table of models, mapped into memory; None where there is none that can be read."""
    try:
        stat = file.stat()
        return _mapped(file, stat.st_mtime_ns, stat.st_ino)
    except (OSError, ValueError, TableError):
        return None


@functools.lru_cache(maxsize=4)
def _mapped(file: Path, changed: int, inode: int) -> Table:
    with file.open("rb") as opened:
        return Table(memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)))


def packaged_texts() -> Texts:
    """The TOML files of the package, in the order of their names."""
    return Texts(_packaged("providers"), _packaged("models"))


def _packaged(folder: str) -> list[tuple[str, str]]:
    files = sorted((FOLDER / folder).glob("*.toml"), key=lambda file: file.name)
    return [(file.name, file.read_text(encoding="utf-8")) for file in files]
