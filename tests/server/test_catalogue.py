"""The catalogue over HTTP: five shapes, filters, pages, one model, its endpoints, the providers."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from anthropic.types import ModelInfo
from google import genai
from google.genai import types as google_types
from openai.types import Model as OpenAIModel
from pydantic import TypeAdapter

from server.client import Heard, call
from server.judges import client
from server.running import Gateway, gateway
from server.wire import CHAT, MESSAGES

VENDORS = ("openai", "anthropic", "openrouter", "siliconflow", "deepseek")
KEYS = "".join(f'[providers.{name}]\nauth = {{ key = "k" }}\n' for name in VENDORS)
CODEX = frozenset(
    {
        "slug",
        "display_name",
        "description",
        "default_reasoning_level",
        "supported_reasoning_levels",
        "shell_type",
        "visibility",
        "supported_in_api",
        "priority",
        "availability_nux",
        "upgrade",
        "base_instructions",
        "supports_reasoning_summaries",
        "support_verbosity",
        "default_verbosity",
        "apply_patch_tool_type",
        "truncation_policy",
        "supports_parallel_tool_calls",
        "context_window",
        "experimental_supported_tools",
        "input_modalities",
    }
)
"""The fields without which Codex drops the list."""

OPENROUTER = frozenset(
    {
        "id",
        "canonical_slug",
        "name",
        "created",
        "pricing",
        "context_length",
        "architecture",
        "top_provider",
        "per_request_limits",
        "supported_parameters",
        "default_parameters",
        "supported_voices",
        "links",
    }
)
"""The fields that OpenRouter's document requires."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with keys of five vendors."""
    with gateway(tmp_path_factory.mktemp("shop"), KEYS) as running:
        yield running


@functools.cache
def listed(shop: Gateway, query: str = "", path: str = "/v1/models", **headers: str) -> list[dict[str, Any]]:
    heard = call(shop.url, f"{path}{query}", **headers)
    assert heard.status == 200, heard.body
    found: list[dict[str, Any]] = heard.json["data"]
    return found


def refused(shop: Gateway, query: str) -> Heard:
    heard = call(shop.url, f"/v1/models{query}")
    assert heard.status == 400
    return heard


def names(models: list[dict[str, Any]]) -> set[str]:
    return {model["id"] for model in models}


def test_openai_and_openrouter_read_one_shape(shop: Gateway) -> None:
    """Every entry is OpenAI's model and has all that OpenRouter's programs expect; amounts are text for one token."""
    everything = listed(shop)
    assert len(everything) > 1000
    for model in everything:
        TypeAdapter(OpenAIModel).validate_python(model, strict=True)
        assert model.keys() >= OPENROUTER
        assert model["architecture"]["input_modalities"] and model["architecture"]["output_modalities"]
        for name, amount in model["pricing"].items():
            assert name in ("currency", "overrides") or Decimal(amount) >= -1
    known = {model["id"]: model for model in everything}
    assert known["openai/gpt-4o"]["pricing"] == {
        "prompt": "0.0000025",
        "completion": "0.00001",
        "input_cache_read": "0.00000125",
        "currency": "USD",
    }
    assert known["siliconflow/deepseek-ai/DeepSeek-V3"]["pricing"]["currency"] == "CNY"
    assert known["siliconflow/deepseek-ai/DeepSeek-V3"]["pricing"]["prompt"] == "0.000002"
    assert known["siliconflow/FunAudioLLM/CosyVoice2-0.5B"]["supported_voices"][0] == "alex"
    assert "temperature" not in known["openai/gpt-5"]["supported_parameters"]
    assert "tools" in known["openai/gpt-4o"]["supported_parameters"]


def test_prices_by_the_hour_and_by_the_length_are_overrides(shop: Gateway) -> None:
    """As OpenRouter writes them: tokens of the prompt, hours of the day in UTC."""
    (deepseek,) = listed(shop, "?providers=deepseek&q=deepseek-flash")
    hours = [each for each in deepseek["pricing"]["overrides"] if "utc_start" in each]
    assert {(each["utc_start"], each["utc_end"]) for each in hours} == {(100, 400), (600, 1000)}
    long = [model for model in listed(shop, "?providers=openai&q=gpt-5.4") if model["id"] == "openai/gpt-5.4"]
    assert long[0]["pricing"]["overrides"][0]["min_prompt_tokens"] == 272_001


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ("?q=gpt-4o%20mini", lambda m: "gpt-4o" in m["id"] and "mini" in m["id"]),
        ("?providers=DeepSeek,siliconflow", lambda m: m["owned_by"] in ("deepseek", "siliconflow")),
        ("?model_authors=anthropic", lambda m: m["id"].split("/")[-2] == "anthropic"),
        ("?arch=claude", lambda m: m["architecture"]["tokenizer"] == "Claude"),
        ("?supported_parameters=tools,reasoning", lambda m: {"tools", "reasoning"} <= set(m["supported_parameters"])),
        ("?input_modalities=image,file", lambda m: {"image", "file"} <= set(m["architecture"]["input_modalities"])),
        ("?output_modalities=image", lambda m: "image" in m["architecture"]["output_modalities"]),
        ("?output_modalities=embeddings,rerank", lambda m: m["architecture"]["output_modalities"][0] != "text"),
        ("?context=900000", lambda m: m["context_length"] >= 900_000),
        ("?min_price=1&max_price=2", lambda m: 1 <= Decimal(m["pricing"]["prompt"]) * 10**6 <= 2),
        ("?max_output_price=1", lambda m: Decimal(m["pricing"]["completion"]) * 10**6 <= 1),
        ("?currency=cny", lambda m: m["pricing"]["currency"] == "CNY"),
        ("?free=true", lambda m: m["pricing"]["prompt"] == "0"),
        ("?kind=speech", lambda m: m["architecture"]["output_modalities"] == ["speech"]),
        ("?min_age_days=1000", lambda m: m["created"] < 1_700_000_000 + 86_400 * 366),
    ],
)
def test_filters(query: str, fits: Any, shop: Gateway) -> None:
    """Each filter keeps some models and leaves out the others."""
    found = listed(shop, query)
    assert 0 < len(found) < len(listed(shop))
    assert [model["id"] for model in found if not fits(model)] == []


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("?zdr=true", "zdr"),
        ("?sort=most-popular", "sort"),
        ("?context=x", "context"),
        ("?limit=0", "limit"),
        ("?max_price=x", "max_price"),
    ],
)
def test_what_cannot_be_told_is_refused(query: str, param: str, shop: Gateway) -> None:
    """A filter that would be ignored is an error that names it."""
    assert refused(shop, query).error["param"] == param


def test_orders(shop: Gateway) -> None:
    """Cheapest first, dearest first, longest first, newest first; what is not known stands last."""
    prices = [Decimal(m["pricing"]["prompt"]) for m in listed(shop, "?sort=pricing-low-to-high&currency=usd&kind=chat")]
    known = [price for price in prices if price >= 0]
    assert known == sorted(known) and prices[: len(known)] == known
    contexts = [m["context_length"] for m in listed(shop, "?sort=context-high-to-low")]
    told = [context for context in contexts if context is not None]
    assert told == sorted(told, reverse=True) and contexts[: len(told)] == told
    assert listed(shop, "?sort=newest")[0]["created"] >= listed(shop, "?sort=newest")[50]["created"]


def test_pages(shop: Gateway) -> None:
    """OpenRouter's pages lead from one to the next until all were seen once."""
    total = len(listed(shop, "?q=claude"))
    seen: list[str] = []
    where: str | None = "/v1/models?q=claude&limit=40"
    while where is not None:
        page = call(shop.url, where).json
        assert page["total_count"] == total and 0 < len(page["data"]) <= 40
        seen += [model["id"] for model in page["data"]]
        where = page["links"]["next"]
    assert len(seen) == len(set(seen)) == total


def test_openrouters_own_path_lists_what_gives_text(shop: Gateway) -> None:
    """As OpenRouter does, unless more is asked for; and it can be counted."""
    text = listed(shop, path="/api/v1/models")
    assert all("text" in model["architecture"]["output_modalities"] for model in text)
    assert names(listed(shop, "?output_modalities=all", "/api/v1/models")) == names(listed(shop))
    assert call(shop.url, "/api/v1/models/count").json == {"data": {"count": len(text)}}
    assert call(shop.url, "/v1/models/count?output_modalities=all").json["data"]["count"] == len(listed(shop))
    assert names(listed(shop, path="/v1/embeddings/models")) == names(listed(shop, "?kind=embedding"))
    assert names(listed(shop, path="/v1/models/user")) == names(listed(shop))


def test_one_model(shop: Gateway) -> None:
    """By its name, by a name that people know it by, and in OpenRouter's wrapping."""
    assert call(shop.url, "/v1/models/openai/GPT-4o").json["id"] == "openai/gpt-4o"
    assert call(shop.url, "/v1/models/Claude%20Sonnet%204.6").json["id"] == "anthropic/claude-sonnet-4-6"
    assert call(shop.url, "/api/v1/model/openai/gpt-4o").json["data"]["canonical_slug"] == "openai/gpt-4o"
    missing = call(shop.url, "/v1/models/openia/gpt-4o")
    assert missing.status == 404 and "openai/gpt-4o" in missing.error["message"]


def test_endpoints(shop: Gateway) -> None:
    """Every address that serves a model, at every provider that lists the same."""
    data = call(shop.url, "/v1/models/openai/gpt-4o/endpoints").json["data"]
    assert data["id"] == "openai/gpt-4o" and data["architecture"]["tokenizer"] == "GPT"
    usable = {each["tag"] for each in data["endpoints"] if each["usable"]}
    assert {"openai/openai_chat", "openai/openai_responses", "openrouter/openai_chat"} <= usable
    assert all(each["latency_last_30m"] is None for each in data["endpoints"])
    assert call(shop.url, "/v1/models/nobody/nothing/endpoints").status == 404


def test_providers_are_openrouters_and_more(shop: Gateway) -> None:
    """Slug and name as OpenRouter has them; whether they can be asked, besides."""
    known = {provider["slug"]: provider for provider in listed(shop, path="/api/v1/providers")}
    assert known["siliconflow"]["name_zh"] == "硅基流动"
    assert known["openai"]["usable"] is True and known["groq"]["usable"] is False
    assert {"privacy_policy_url", "terms_of_service_url", "status_page_url"} <= known["openai"].keys()


# --- the other dialects, as their own SDKs read them -------------------------------------------------------------------


def test_anthropic(shop: Gateway) -> None:
    """Its SDK walks page by page and meets every model once; each is its ModelInfo."""
    theirs: Any = client(shop.url, MESSAGES)
    walked = [model.id for model in theirs.models.list(limit=300)]
    assert len(walked) == len(set(walked)) and set(walked) == names(listed(shop))
    for model in listed(shop, anthropic_version="2023-06-01"):
        TypeAdapter(ModelInfo).validate_json(_dumped(model), strict=True)
    last = call(shop.url, f"/v1/models?limit=2&before_id={walked[5]}", anthropic_version="2023-06-01").json
    assert [model["id"] for model in last["data"]] == walked[3:5] and last["has_more"] is True
    lost = call(shop.url, "/v1/models?after_id=nobody", anthropic_version="2023-06-01")
    assert lost.status == 400
    with pytest.raises(anthropic.NotFoundError):
        theirs.models.retrieve("nobody/nothing")


def test_openai(shop: Gateway) -> None:
    """Its SDK lists and retrieves."""
    ours: Any = client(shop.url, CHAT)
    assert {model.id for model in ours.models.list()} == names(listed(shop))
    assert ours.models.retrieve("openai/gpt-4o").owned_by == "openai"
    with pytest.raises(openai.NotFoundError):
        ours.models.retrieve("nobody/nothing")


def test_google(shop: Gateway) -> None:
    """Its SDK lists all pages and reads limits and actions."""
    theirs = genai.Client(api_key="any", http_options=google_types.HttpOptions(base_url=shop.url))
    walked = {model.name: model for model in theirs.models.list(config={"page_size": 400})}
    assert set(walked) == {f"models/{name}" for name in names(listed(shop))}
    sonnet = walked["models/anthropic/claude-sonnet-4-6"]
    assert sonnet.input_token_limit == 1_000_000 and "generateContent" in (sonnet.supported_actions or ())
    assert theirs.models.get(model="openai/gpt-4o").display_name == "GPT-4o"


def test_codex(shop: Gateway) -> None:
    """Every field that it needs, instructions in each entry, and none of OpenAI's models, which it knows better."""
    models = call(shop.url, "/v1/models?client_version=0.169.0").json["models"]
    assert models
    for place, model in enumerate(models):
        assert model.keys() >= CODEX
        assert len(model["base_instructions"]) > 500 and model["priority"] == place
    slugs = {model["slug"] for model in models}
    assert "anthropic/claude-sonnet-4-6" in slugs
    assert not [slug for slug in slugs if slug.startswith(("openai/gpt-5", "openrouter/openai/gpt-5"))]


def _dumped(model: dict[str, Any]) -> bytes:
    return json.dumps(model).encode()  # dates are text in JSON only


def test_the_names_that_stand_for_any_model(shop: Gateway, tmp_path: Path) -> None:
    """`auto` and `free` are listed where something stands behind them, with what that can; OpenRouter's own as its own."""
    for path in ("/v1/models", "/api/v1/models"):
        known = {model["id"]: model for model in listed(shop, path=path)}
        assert known["auto"]["pricing"] == {"prompt": "-1", "completion": "-1"}
        assert known["free"]["pricing"] == {"prompt": "0", "completion": "0"}
        assert {"tools", "response_format"} <= set(known["auto"]["supported_parameters"])
        assert known["auto"]["architecture"]["input_modalities"] == ["text", "image"]
        assert known["auto"]["context_length"] >= known["openai/gpt-4o"]["context_length"]
        assert known["openrouter/auto"]["name"] == "Auto Router"
        owners = {name: known[name]["owned_by"] for name in ("auto", "openrouter/auto")}
        assert owners == {"auto": "hexapla", "openrouter/auto": "openrouter"}
    assert call(shop.url, "/api/v1/model/free").json["data"]["id"] == "free"
    assert call(shop.url, "/api/v1/models/auto/endpoints").json["data"]["endpoints"] == []
    assert call(shop.url, "/api/v1/models/openrouter/auto/endpoints").json["data"]["endpoints"]
    alone = KEYS.replace('[providers.openrouter]\nauth = { key = "k" }\n', "") + '[aliases]\nauto = "openai/gpt-4o"\n'
    with gateway(tmp_path, alone + "[providers.demo]\nenabled = false\n") as other:
        found = {model["id"]: model["owned_by"] for model in listed(other)}
        assert found["openrouter/auto"] == "hexapla" and "auto" not in found


ENDPOINT = frozenset(
    {
        "context_length", "latency_last_30m", "max_completion_tokens", "max_prompt_tokens", "model_id", "model_name",
        "name", "native_tools", "pricing", "provider_name", "quantization", "service_tier", "supported_parameters",
        "supports_diarization", "supports_implicit_caching", "supports_tool_choice", "tag", "throughput_last_30m",
        "uptime_last_1d", "uptime_last_30m", "uptime_last_5m",
    }
)  # fmt: skip
"""What openrouter-python 1.3.84 requires of an endpoint (2026-11)."""


def test_what_openrouters_sdk_demands_of_an_endpoint(shop: Gateway) -> None:
    """All of it, at the plain tier and at others."""
    found = call(shop.url, "/api/v1/models/openai/gpt-5/endpoints").json["data"]["endpoints"]
    assert all(each.keys() >= ENDPOINT for each in found)
    assert {each["service_tier"] for each in found} == {None, "flex", "priority"}
    own = [each for each in found if each["tag"].startswith("openai/")]
    assert own[0]["supports_tool_choice"] == {"auto": True, "none": True, "required": True, "function": True}


def test_who_keeps_nothing(shop: Gateway, tmp_path: Path) -> None:
    """Endpoints of those of whom it is known; nobody is by default."""
    assert call(shop.url, "/api/v1/endpoints/zdr").json == {"data": []}
    with gateway(tmp_path, '[providers.demo]\nprivacy = { retention = "none" }\n') as private:
        found = call(private.url, "/api/v1/endpoints/zdr").json["data"]
        assert {each["provider_name"] for each in found} == {"Demo"}
        assert all(each.keys() >= ENDPOINT for each in found)
