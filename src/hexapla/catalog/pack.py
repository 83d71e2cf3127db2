"""The packaged catalogue in a form that loads in milliseconds.

TOML is for people, and reading some eighty kilobytes of it costs a tenth of a second at every start of a command.  So the
same tables are kept once more as JSON, one line for each file, behind a digest of the texts that they were made from.
A pack whose digest is another one is ignored: the texts are the truth, and a forgotten pack costs time only.

Rules of this file: pure; a pack holds what the texts hold and was checked when it was made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TypeVar

import msgspec

from hexapla.catalog.load import ModelFile, load_model_file, load_provider, load_toml
from hexapla.catalog.schema import Provider

T = TypeVar("T")
Text = tuple[str, str]
"""A file's name and its text."""

_provider = msgspec.json.Decoder(Provider)
_models = msgspec.json.Decoder(ModelFile)


class Texts(msgspec.Struct, frozen=True):
    """The TOML files of the package."""

    providers: Sequence[Text]
    models: Sequence[Text]

    def digest(self) -> bytes:
        """What tells these texts from any others."""
        said = hashlib.sha256()
        for name, text in (*self.providers, *self.models):
            said.update(f"{name}\0{text}\0".encode())
        return said.hexdigest().encode()


def pack(texts: Texts) -> bytes:
    """The texts as a pack.  Raises ConfigError for a mistake in one of them."""
    for name, text in texts.providers:
        load_provider(text, name)
    for name, text in texts.models:
        load_model_file(text, name)
    tables = (load_toml(text, name) for name, text in (*texts.providers, *texts.models))
    return b"\n".join((texts.digest(), *(msgspec.json.encode(table) for table in tables), b""))


def unpack(packed: bytes, texts: Texts) -> tuple[list[Provider], list[ModelFile]] | None:
    """What `texts` hold, from a pack of them; None when the pack was made from other texts."""
    digest, _, body = packed.partition(b"\n")
    if digest != texts.digest():
        return None
    lines = body.splitlines()
    count = len(texts.providers)
    return _all(_provider, lines[:count]), _all(_models, lines[count:])


def _all(decoder: msgspec.json.Decoder[T], lines: Iterable[bytes]) -> list[T]:
    return [decoder.decode(line) for line in lines]
