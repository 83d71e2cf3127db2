"""`~author/family-latest`: the newest model of a family, whatever it is called by now.

OpenRouter's moving names (https://openrouter.ai/docs/guides/routing/routers/latest-resolution, 2026-08-22).  Ours are
worked out from the catalogue: of the author's models those whose name is made of the family's words, numbers and dates
alone, and of these the one with the highest version; the day of release decides between equals.

Rules of this file: pure; an alias of the vendor's own that moves ("claude-opus-latest") is no answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from hexapla.catalog.schema import Model

_ASKED = re.compile(r"~([^/]+)/(.+)-latest")
_WORDS = re.compile(r"[^-_/: ]+")
_VERSION = re.compile(r"[a-z]?(\d{1,2}(?:\.\d{1,2})*)[a-z]?")
_DATE = re.compile(r"-\d{4}-\d\d-\d\d\b|-\d{4,8}\b")
_STAGES = frozenset({"preview", "exp"})


def asked(name: str) -> tuple[str, str] | None:
    """(author, family) of a moving name; None for any other one."""
    found = _ASKED.fullmatch(name.lower())
    return (found[1], found[2]) if found else None


def newest(models: Iterable[Model], family: str) -> Model | None:
    """The newest of `models` that belongs to `family`."""
    wanted = _WORDS.findall(family)
    dated = [(key, model) for model in models if (key := _key(model, wanted)) is not None]
    return max(dated, key=lambda pair: pair[0])[1] if dated else None


def _key(model: Model, family: list[str]) -> tuple[list[int], bool, str, int] | None:
    """How new a model is: its version, whether it is finished, its day, and the shorter name; None outside the family."""
    words = _WORDS.findall(_DATE.sub("", model.id.lower()))
    if model.kind != "chat" or any(word not in words for word in family):
        return None
    version: list[int] = []
    for word in words:
        if word in family or word in _STAGES:
            continue
        number = _VERSION.fullmatch(word)
        if number is None:
            return None
        version += map(int, number[1].split("."))
    return (version, _STAGES.isdisjoint(words), model.released, -len(model.id)) if version else None
