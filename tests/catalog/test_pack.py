"""The pack holds what the TOML files hold, and is never believed when it does not."""

from __future__ import annotations

import time
from importlib import resources

import pytest

from hexapla.catalog.load import load_model_file, load_provider
from hexapla.catalog.pack import Texts, pack, unpack
from hexapla.config import PACK, Config, assemble, packaged_texts
from hexapla.config.packaged import builtin
from hexapla.errors import ConfigError

TEXTS = packaged_texts()


def packaged() -> bytes:
    return (resources.files("hexapla.catalog") / PACK).read_bytes()


def test_the_pack_is_of_today() -> None:
    """The packaged pack was made from the packaged texts; after a change run `python tools/pack.py`."""
    assert packaged() == pack(TEXTS)


def test_a_pack_says_what_the_texts_say() -> None:
    """Providers and models are equal, whichever way they were read."""
    unpacked = unpack(pack(TEXTS), TEXTS)
    assert unpacked is not None
    assert unpacked[0] == [load_provider(text, name) for name, text in TEXTS.providers]
    assert unpacked[1] == [load_model_file(text, name) for name, text in TEXTS.models]


@pytest.mark.parametrize("packed", [b"", b"\n", b"0" * 64 + b"\n{}"])
def test_a_foreign_pack_is_ignored(packed: bytes) -> None:
    """Another digest, or none: the texts are read instead."""
    assert unpack(packed, TEXTS) is None


def test_a_changed_text_is_noticed() -> None:
    """One letter more in one file, and the pack of before is no longer believed."""
    (name, text), *rest = TEXTS.providers
    changed = Texts([(name, text + "#"), *rest], TEXTS.models)
    assert unpack(packaged(), changed) is None


def test_mistakes_are_not_packed() -> None:
    """What would not load cannot be packed either."""
    with pytest.raises(ConfigError):
        pack(Texts([("x.toml", 'id = "x"\nnmae = "y"')], []))


def test_loading_is_fast() -> None:
    """The whole catalogue is loaded and indexed in less than 50 milliseconds."""
    times = []
    for _ in range(5):
        builtin.cache_clear()
        began = time.perf_counter()
        assemble(Config(), {})
        times.append(time.perf_counter() - began)
    assert min(times) < 0.05
