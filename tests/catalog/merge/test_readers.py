"""Each source's own format becomes the same facts; what a source does not know stays unknown."""

from __future__ import annotations

import gzip
import json

import pytest

from hexapla.catalog.merge import genai_prices, litellm, model_prices, models_dev
from hexapla.catalog.merge.facts import provider_id
from hexapla.catalog.merge.sources import PACKAGES, guess
from hexapla.catalog.schema import Price, Tier

DAY = "2026-06-15"


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("google", "gemini"),
        ("x-ai", "xai"),
        ("together_ai", "together"),
        ("fireworks_ai", "fireworks-ai"),
        ("github_copilot", "github_copilot"),
        ("openai", "openai"),
    ],
)
def test_a_provider_has_one_name(name: str, ours: str) -> None:
    """Whatever a source calls it."""
    assert provider_id(name) == ours


def test_litellm() -> None:
    """Dollars for a token become dollars for a million; variants, regions and unknown kinds are left out."""
    chat = {
        "litellm_provider": "together_ai",
        "mode": "chat",
        "input_cost_per_token": 1.5e-07,
        "output_cost_per_token": 6e-07,
        "cache_read_input_token_cost": 7.5e-08,
        "input_cost_per_token_above_200k_tokens": 3e-07,
        "input_cost_per_token_flex": 1e-09,
        "max_input_tokens": 4096,
        "max_output_tokens": 512.0,
        "supports_vision": True,
        "supports_function_calling": True,
        "deprecation_date": "2027-01-01",
    }
    table = {
        "sample_spec": chat,
        "together_ai/owner/m": chat,
        "azure/eu/gpt-4o": chat | {"litellm_provider": "azure"},
        "1024-x-1024/dall-e": chat | {"mode": "image_generation"},
        "x/search": chat | {"mode": "search"},
        "alias": {"alias_of": "m"},
    }
    assert litellm.read(table) == {
        ("together", "owner/m"): {
            "kind": "chat",
            "context": 4096,
            "max_output": 512,
            "input_modalities": ("text", "image"),
            "output_modalities": ("text",),
            "capabilities": ("vision", "tools"),
            "price": Price(input=0.15, output=0.6, cached=0.075, tiers=(Tier(above=200_000, input=0.3),)),
            "retired": "2027-01-01",
        }
    }


def test_litellm_by_service_tier() -> None:
    """Flex and priority, with their own prices for long prompts, where the provider is asked for them in the body."""
    entry = {
        "litellm_provider": "openai",
        "mode": "chat",
        "input_cost_per_token": 2e-06,
        "output_cost_per_token": 8e-06,
        "input_cost_per_token_above_272k_tokens": 4e-06,
        "input_cost_per_token_flex": 1e-06,
        "output_cost_per_token_flex": 4e-06,
        "cache_read_input_token_cost_flex": 1e-07,
        "input_cost_per_token_above_272k_tokens_flex": 2e-06,
        "input_cost_per_token_priority": 4e-06,
    }
    facts = litellm.read({"m": entry, "other/m": entry | {"litellm_provider": "together_ai"}})
    assert facts["openai", "m"]["price"] == Price(input=2, output=8, tiers=(Tier(above=272_000, input=4),))
    flex = Price(input=1, output=4, cached=0.1, tiers=(Tier(above=272_000, input=2),))
    assert facts["openai", "m"]["services"] == {"flex": flex}, "half a price is none"
    assert "services" not in facts["together", "other/m"]


def test_litellm_by_the_hour_and_by_the_length() -> None:
    """Off-peak windows and ranges become tiers; a zero on both sides is no price."""
    entry = {
        "litellm_provider": "deepseek",
        "mode": "chat",
        "input_cost_per_token": 2e-06,
        "tiered_pricing": [{"range": [0, 1000]}, {"range": [1000.0, 9e9], "input_cost_per_token": 4e-06}],
        "off_peak_pricing": {
            "input_cost_per_token": 1e-06,
            "windows": [{"hours_utc": ["00:00-01:00"], "weekdays": [1, 2]}, {"hours_utc": "00:00-00:00"}],
        },
    }
    free = {"litellm_provider": "deepseek", "mode": "chat", "input_cost_per_token": 0.0, "output_cost_per_token": 0}
    facts = litellm.read({"deepseek/m": entry, "deepseek/f": free})
    assert facts["deepseek", "m"]["price"].tiers == (
        Tier(above=1000, input=4),
        Tier(window="00:00-01:00", days="mon,tue", input=1),
        Tier(window="00:00-00:00", input=1),
    )
    assert "price" not in facts["deepseek", "f"]


@pytest.mark.parametrize(
    ("mode", "prices", "expected"),
    [
        ("image_generation", {"output_cost_per_image": 0.04}, Price(image=0.04)),
        ("audio_transcription", {"input_cost_per_second": 0.0001, "output_cost_per_second": 0.0}, Price(second=0.0001)),
        ("audio_speech", {"input_cost_per_character": 1.5e-05}, Price(characters=15)),
        ("rerank", {"input_cost_per_query": 0.002}, Price(request=0.002)),
        ("chat", {"input_cost_per_token": 1e-6, "ocr_cost_per_page": 0.001}, Price(input=1, page=0.001)),
        (
            "chat",
            {"output_cost_per_token": 1e-6, "search_context_cost_per_query": {"search_context_size_medium": 0.01}},
            Price(output=1, search=0.01),
        ),
    ],
)
def test_every_unit_has_its_price(mode: str, prices: dict[str, object], expected: Price) -> None:
    """Images, seconds, letters, requests, pages and searches."""
    facts = litellm.read({"m": {"litellm_provider": "x", "mode": mode, **prices}})
    assert facts["x", "m"]["price"] == expected


def test_bedrock_is_named_as_its_proxy_wants_it() -> None:
    """With LiteLLM's own prefix, because LiteLLM's proxy is who is asked."""
    entry = {"litellm_provider": "bedrock_converse", "mode": "chat", "max_input_tokens": 1}
    facts = litellm.read({"anthropic.claude-v1:0": entry, "bedrock/us-east-1/anthropic.claude-v1:0": entry})
    assert list(facts) == [("bedrock_litellm", "bedrock/anthropic.claude-v1:0")]


MODEL = {
    "id": "m",
    "name": "M",
    "limit": {"context": 100, "output": 10, "input": 90},
    "modalities": {"input": ["text", "image"], "output": ["text"]},
    "tool_call": True,
    "reasoning": False,
    "release_date": "2026-01-02",
    "knowledge": "2025-10",
    "cost": {"input": 1, "output": 2, "cache_read": 0.1, "context_over_200k": {"input": 2, "output": 4}},
}


def test_models_dev() -> None:
    """Names, dates and limits; models that are no longer sold are left out."""
    table = {"google": {"models": {"m": MODEL, "old": MODEL | {"status": "deprecated"}}}}
    assert models_dev.read(table) == {
        ("gemini", "m"): {
            "name": "M",
            "kind": "chat",
            "context": 100,
            "max_input": 90,
            "max_output": 10,
            "input_modalities": ("text", "image"),
            "output_modalities": ("text",),
            "capabilities": ("vision", "tools", "cache"),
            "price": Price(input=1, output=2, cached=0.1, tiers=(Tier(above=200_000, input=2, output=4),)),
            "released": "2026-01-02",
            "knowledge": "2025-10",
        }
    }


def test_models_dev_of_yuan_and_of_nothing() -> None:
    """What is billed in yuan gets no dollars; zero is a price only where the id says so."""
    nothing = {"input": 0, "output": 0}
    table = {
        "alibaba-cn": {"models": {"m": MODEL}},
        "openrouter": {"models": {"a:free": MODEL | {"id": "a:free", "cost": nothing}, "b": MODEL | {"cost": nothing}}},
    }
    facts = models_dev.read(table)
    assert "price" not in facts["dashscope", "m"]
    assert facts["openrouter", "a:free"]["price"] == Price(input=0, output=0)
    assert facts["openrouter", "a:free"]["free"] is True
    assert "price" not in facts["openrouter", "b"]


@pytest.mark.parametrize(
    ("name", "inputs", "outputs", "kind"),
    [
        ("x", ["text"], ["text"], "chat"),
        ("x", ["text"], ["image"], "image"),
        ("x", ["text"], ["audio"], "speech"),
        ("x", ["audio"], ["text"], "transcription"),
        ("x", ["text"], ["video"], "video"),
        ("text-Embedding-3", ["text"], ["text"], "embedding"),
        ("qwen3-rerank", ["text"], ["text"], "rerank"),
        ("x", ["text"], [], "chat"),
    ],
)
def test_what_a_model_is_for(name: str, inputs: list[str], outputs: list[str], kind: str) -> None:
    """By its name, else by what goes in and comes out."""
    assert models_dev.kind_of(name, inputs, outputs) == kind


def test_model_prices() -> None:
    """Of a history the price that holds today; models that are gone are told."""
    history = [
        {"start": None, "rates": {"input": 9, "output": 9}},
        {
            "start": "2026-06-01T00:00:00Z",
            "rates": {
                "input": 1,
                "output": 2,
                "cache_read": 0.1,
                "cache_write_1h_multiple": 2,
                "tiers": [{"above": 5, "input": 3, "output": 4}],
            },
        },
        {"start": "2026-12-01T00:00:00Z", "rates": {"input": 8, "output": 8}},
    ]
    table = {
        "prices": {"xai": {"m": {"standard": history}, "none": {"standard": [{"start": None, "rates": None}]}}},
        "status": {"xai": {"old": "removed", "aging": "deprecated"}},
    }
    assert model_prices.read(table, DAY) == {
        ("xai", "m"): {
            "price": Price(input=1, output=2, cached=0.1, cache_write_1h=2, tiers=(Tier(above=5, input=3, output=4),))
        }
    }
    assert model_prices.gone(table) == {("xai", "old")}


GENAI = """
providers: list[Provider] = [
    Provider(
        id='x-ai', name='X', api_pattern='x', extractors=[UsageExtractor(root='u', mappings=[])],
        models=[
            ModelInfo(
                id='m', match=ClauseEquals(equals='m'), name='M', context_window=100,
                prices=ModelPrice(
                    input_mtok=TieredPrices(base=Decimal('1.5'), tiers=[Tier(start=200, price=Decimal('3'))]),
                    output_mtok=Decimal('2'), web_searches_kcount=Decimal('10'),
                ),
                price_variants=[PriceVariant(when={'processing': 'batch'}, prices=ModelPrice(input_mtok=Decimal('0')))],
            ),
            ModelInfo(
                id='h', match=ClauseEquals(equals='h'),
                prices=[
                    ConditionalPrice(prices=ModelPrice(input_mtok=Decimal('9'))),
                    ConditionalPrice(
                        constraint=StartDateConstraint(start_date=datetime.date(2026, 6, 1)),
                        prices=ModelPrice(input_mtok=Decimal('5')),
                    ),
                    ConditionalPrice(
                        constraint=StartDateConstraint(start_date=datetime.date(2026, 7, 1)),
                        prices=ModelPrice(input_mtok=Decimal('7')),
                    ),
                    ConditionalPrice(
                        constraint=TimeOfDateConstraint(
                            start_time=datetime.time(0, 30, tzinfo=datetime.UTC),
                            end_time=datetime.time(8, tzinfo=datetime.UTC),
                        ),
                        prices=ModelPrice(input_mtok=Decimal('1')),
                    ),
                ],
            ),
            ModelInfo(id='n', match=ClauseEquals(equals='n'), prices=ModelPrice()),
        ],
    )
]
"""


def test_genai_prices() -> None:
    """Read as a tree and never run; of a history the entry in force, hours as tiers."""
    assert genai_prices.read(GENAI, DAY) == {
        ("xai", "m"): {
            "name": "M",
            "context": 100,
            "price": Price(input=1.5, output=2, search=0.01, tiers=(Tier(above=200, input=3),)),
        },
        ("xai", "h"): {"price": Price(input=5, tiers=(Tier(window="00:30-08:00", input=1),))},
        ("xai", "n"): {},
    }


def test_what_is_no_table_is_never_run() -> None:
    """A file that would do something is refused, and so is one that is no Python."""
    for text in ("providers: list[Provider] = __import__('os').abort()", "x = 1"):
        with pytest.raises(ValueError, match="no list of providers"):
            genai_prices.read(text, DAY)
    with pytest.raises(SyntaxError):
        genai_prices.read("providers: list[", DAY)


def test_a_bare_table_is_known_by_its_name_and_its_bytes() -> None:
    """And one that is unknown is not guessed."""
    zipped = gzip.compress(json.dumps({"google": {"models": {"m": MODEL}}}).encode())
    assert guess("model_prices_and_context_window.json", b"{}") == "litellm"
    assert guess("data.json.gz", zipped) == "models-dev"
    assert guess("data.py", GENAI.encode()) == "genai-prices"
    assert guess("snapshot.json", b"{}") == "model-prices"
    assert guess("other.json", b"{}") == ""
    reader = next(package.read for package in PACKAGES if package.name == "models-dev")
    assert ("gemini", "m") in reader(zipped, DAY)
