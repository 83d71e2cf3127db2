"""A foreign configuration, imported and read back: what comes out is always proven by loading it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hexapla.catalog.resolve import Catalog, resolve
from hexapla.catalog.schema import Provider
from hexapla.config import Config, assemble, builtin_models, builtin_providers, parse_config
from hexapla.engine.routes import Routes
from hexapla.importers.draft import Draft
from hexapla.importers.load import load
from hexapla.importers.note import TEXTS, told
from hexapla.importers.render import render

PLACES = dict.fromkeys(
    ("ANTHROPIC_VERTEX_PROJECT_ID", "CLOUD_ML_REGION", "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION"), "somewhere"
)
"""What the report asks for where a provider is on Vertex AI."""

CATALOG = Catalog(builtin_providers(), builtin_models())


@dataclass(frozen=True)
class Imported:
    """text, as it is written;  config and catalog, as they are loaded with every variable set to its own name"""

    draft: Draft
    text: str
    config: Config
    catalog: Catalog

    def codes(self, where: str) -> set[str]:
        """What was said of a place in the foreign file."""
        return {note.code for note in self.draft.notes if note.where.split(" ")[0] == where}

    def kinds(self, kind: str) -> dict[str, str]:
        """Place -> code of every note of a kind."""
        return {note.where: note.code for note in self.draft.notes if note.kind == kind}

    def serves(self, name: str) -> str:
        """The first endpoint of a model's name, as `provider/model url`."""
        match = resolve(self.catalog, name)[0]
        return f"{match.provider.id}/{match.model} {match.endpoint.base_url}"

    def provider(self, name: str) -> Provider:
        return self.catalog.providers[name]


def imported(text: str, file: str, convert: Callable[[dict[str, Any], Draft], None], *, keep: bool = False) -> Imported:
    draft = Draft(CATALOG, keep_secrets=keep)
    convert(load(text, file), draft)
    written = render(draft, "elsewhere")
    environment = PLACES | {name: f"value-of-{name}" for name in draft.safe.variables}
    config = parse_config(written, "hexapla.toml", environment)
    loaded = assemble(config, environment)
    catalog = loaded.catalog
    for note in draft.notes:
        assert note.code in TEXTS and told(note, "en") and told(note, "zh")
        assert not any(secret in repr(note) for secret in draft.safe.secrets.values()), note
    for name in (*config.aliases, *config.chains, *(m for chain in config.chains.values() for m in chain)):
        assert resolve(catalog, name), name
    for name, profile in config.profiles.items():
        if profile.provider in config.providers and config.providers[profile.provider].host == "":
            assert Routes(loaded).first(profile.full(profile.model), name).model == profile.model
    return Imported(draft, written, config, catalog)
