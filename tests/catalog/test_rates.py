"""What an account may ask of a model: by level, by class of models, by model."""

from __future__ import annotations

import pytest

from hexapla.catalog.load import load_provider
from hexapla.catalog.rates import allowed, least, levels_up_to
from hexapla.catalog.schema import Model, Provider, Rate
from hexapla.config import builtin_models, builtin_providers
from hexapla.errors import ConfigError

MODELS = [(provider, model) for provider, listed in builtin_models().items() for model in listed]
SILICONFLOW = builtin_providers()["siliconflow"]
TEXT = """
id = "x"
[levels]
low = 0
mid = 10
high = 100
[rates.chat]
low = { rpm = [5, 7] }
high = { rpm = 50 }
"""


def at(level: str) -> Provider:
    return load_provider(f'level = "{level}"{TEXT}', "x.toml")


@pytest.mark.parametrize(("level", "rpm"), [("", (5, 7)), ("low", (5, 7)), ("mid", (5, 7)), ("high", 50)])
def test_a_level_that_is_not_told_is_like_the_one_below(level: str, rpm: object) -> None:
    """An account that names no level is on the lowest."""
    rate = allowed(at(level), Model(id="m"))
    assert rate is not None and rate.rpm == rpm


def test_a_model_may_have_a_limit_of_its_own() -> None:
    """What stands at the model wins; a class that the provider does not tell is unknown."""
    own = Rate(rpm=1)
    assert allowed(at("high"), Model(id="m", rate=own)) is own
    assert allowed(at("high"), Model(id="m", rate_class="fast")) is None
    assert allowed(at("high"), Model(id="m", kind="image")) is None
    assert allowed(at("high"), None) is None


def test_a_level_stands_on_those_below() -> None:
    assert levels_up_to(at("mid")) == ("low", "mid")


def test_the_least_may_be_counted_on() -> None:
    """A limit that differs between models is at least its lower end."""
    assert [least(span) for span in (None, 5, (3, 9))] == [None, 5, 3]


@pytest.mark.parametrize(
    ("text", "line", "meant"),
    [('level = "hihg"' + TEXT, 1, "high"), (TEXT.replace("high = { rpm", "hihg = { rpm"), 9, "high")],
)
def test_a_level_that_does_not_exist_is_a_mistake(text: str, line: int, meant: str) -> None:
    """Said with its line and with the name that was probably meant."""
    with pytest.raises(ConfigError) as caught:
        load_provider(text, "x.toml")
    assert (caught.value.line, caught.value.did_you_mean) == (line, meant)


def test_siliconflow_has_six_levels() -> None:
    """By yuan a month, as its vendor's table has them."""
    assert SILICONFLOW.levels == {"L0": 0, "L1": 50, "L2": 200, "L3": 2000, "L4": 5000, "L5": 10000}
    assert set(SILICONFLOW.rates) == {"chat", "pro", "free", "embedding", "rerank", "image"}


@pytest.mark.parametrize(
    ("provider", "model"), [(p, m) for p, m in MODELS if m.rate_class], ids=lambda it: str(it)[:60]
)
def test_every_rate_class_is_told(provider: str, model: Model) -> None:
    """A class that a model names is one of its provider's."""
    assert allowed(builtin_providers()[provider], model) is not None
