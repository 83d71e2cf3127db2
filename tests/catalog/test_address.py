"""Whatever people paste as a base URL means the same place."""

from __future__ import annotations

import pytest

from hexapla.catalog.address import endpoint_url, normalise, rehosted
from hexapla.catalog.schema import Endpoint, Provider

PASTED = {
    "openai_chat": {
        "https://api.openai.com/v1": "https://api.openai.com/v1",
        "https://api.openai.com/v1/": "https://api.openai.com/v1",
        " https://api.openai.com/v1/chat/completions ": "https://api.openai.com/v1",
        "https://ai.soruxgpt.com/v1/chat/completions/": "https://ai.soruxgpt.com/v1",
        "https://ark.cn-beijing.volces.com/api/v3/chat/completions": "https://ark.cn-beijing.volces.com/api/v3",
        "https://api.deepseek.com": "https://api.deepseek.com",
        "https://x.test/v1/chat/completions?a=b": "https://x.test/v1",
        "https://x.test/v1/models": "https://x.test/v1",
        "localhost:8000/v1": "http://localhost:8000/v1",
        "gpu-box:8000/v1": "http://gpu-box:8000/v1",
        "192.168.1.7/v1": "http://192.168.1.7/v1",
        "api.example.com/v1": "https://api.example.com/v1",
    },
    "openai_responses": {
        "https://api.openai.com/v1/responses": "https://api.openai.com/v1",
    },
    "anthropic_messages": {
        "https://api.anthropic.com": "https://api.anthropic.com/v1",
        "https://api.anthropic.com/v1": "https://api.anthropic.com/v1",
        "https://api.anthropic.com/v1/messages": "https://api.anthropic.com/v1",
        "https://api.anthropic.com/v1/messages/count_tokens": "https://api.anthropic.com/v1",
        "https://api.minimax.io/anthropic": "https://api.minimax.io/anthropic/v1",
        "https://proxy.test/v2": "https://proxy.test/v2",
        "https://gateway.test/v1/account/anthropic": "https://gateway.test/v1/account/anthropic/v1",
    },
    "gemini_generate": {
        "https://generativelanguage.googleapis.com": "https://generativelanguage.googleapis.com/v1beta",
        "https://g.test/v1beta/models/gemini-3-pro:generateContent": "https://g.test/v1beta",
    },
}
CASES = [(protocol, pasted, base) for protocol, pairs in PASTED.items() for pasted, base in pairs.items()]


@pytest.mark.parametrize(("protocol", "pasted", "base"), CASES)
def test_a_pasted_url_becomes_a_base(protocol: str, pasted: str, base: str) -> None:
    """Operations, slashes and queries go; a missing scheme or version comes."""
    assert normalise(protocol, pasted) == base


@pytest.mark.parametrize(("protocol", "pasted", "base"), CASES)
def test_a_base_stays_what_it_is(protocol: str, pasted: str, base: str) -> None:
    """Normalising twice changes nothing."""
    assert normalise(protocol, base) == base


def url(protocol: str, base: str, *, stream: bool = False, model: str = "m", **more: object) -> str:
    return endpoint_url(Endpoint(protocol=protocol, base_url=base, **more), model, stream=stream)  # type: ignore[arg-type]


def test_each_protocol_has_its_path() -> None:
    """The documented paths, and Gemini's verbs with the model in between."""
    assert url("openai_chat", "https://a/v1") == "https://a/v1/chat/completions"
    assert url("openai_responses", "https://a/v1") == "https://a/v1/responses"
    assert url("anthropic_messages", "https://a") == "https://a/v1/messages"
    assert url("gemini_generate", "https://a/v1beta") == "https://a/v1beta/models/m:generateContent"
    streamed = url("gemini_generate", "https://a/v1beta", stream=True)
    assert streamed == "https://a/v1beta/models/m:streamGenerateContent?alt=sse"


def test_queries_are_kept_added_and_encoded() -> None:
    """What was pasted behind ? stays, the configured query follows, Gemini's alt=sse comes last."""
    assert url("openai_chat", "https://a/v1?x=1", query={"api-version": "2024-10-21 preview"}) == (
        "https://a/v1/chat/completions?x=1&api-version=2024-10-21+preview"
    )
    assert url("gemini_generate", "https://a/v1", query={"k": "v"}, stream=True).endswith("?k=v&alt=sse")


def test_a_path_of_its_own_takes_the_model() -> None:
    """Azure's older form and Vertex's two verbs."""
    azure = {"path": "/openai/deployments/{model}/chat/completions", "query": {"api-version": "2024-10-21"}}
    assert url("openai_chat", "https://r.openai.azure.com", model="gpt-4o", **azure) == (
        "https://r.openai.azure.com/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"
    )
    vertex = {"path": "/models/{model}:rawPredict", "stream_path": "/models/{model}:streamRawPredict"}
    assert url("anthropic_messages", "https://v/v1/p", **vertex) == "https://v/v1/p/models/m:rawPredict"
    assert url("anthropic_messages", "https://v/v1/p", stream=True, **vertex).endswith("/m:streamRawPredict")


@pytest.mark.parametrize("model", ["../../admin", "a/b?c=d#e", "m;x", "m\r\nhost: evil"])
def test_a_model_name_cannot_leave_its_segment(model: str) -> None:
    """The client chooses the model's name; in a path it stays one encoded segment."""
    made = url("gemini_generate", "https://a/v1beta", model=model)
    segment = made.removeprefix("https://a/v1beta/models/").removesuffix(":generateContent")
    assert not set(segment) & set("/?#; \r\n")


def test_a_host_of_ones_own_replaces_scheme_and_host_only() -> None:
    """Paths stay; a path in the given host is no part of it."""
    endpoint = Endpoint(protocol="openai_chat", base_url="http://127.0.0.1:11434/v1")
    moved = rehosted(Provider(id="x", host="gpu-box:9000/v1", endpoints=(endpoint,)))
    assert moved.endpoints[0].base_url == "http://gpu-box:9000/v1"
    assert rehosted(Provider(id="x", endpoints=(endpoint,))).endpoints == (endpoint,)
