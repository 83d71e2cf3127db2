"""Who is asked for a request, and in which order."""

from __future__ import annotations

import pytest

from hexapla.config import assemble, parse_config
from hexapla.engine.routes import Routes
from hexapla.errors import Kind, RoutingError
from hexapla.translate.peek import peek

PLAIN = b'{"model":"%s","messages":[{"role":"user","content":"hi"}],"max_tokens":9%s}'


def routes(text: str = "", **environment: str) -> Routes:
    return Routes(assemble(parse_config(text, "hexapla.toml", environment), environment))


def planned(router: Routes, model: str, more: str = "", protocol: str = "openai_chat") -> list[str]:
    """The plan as `provider protocol credential host`."""
    peeked = peek(protocol, PLAIN % (model.encode(), more.encode()))
    return [
        f"{c.provider.id} {c.endpoint.protocol} {c.credential} {c.address.url.split('/')[2]}"  # type: ignore[attr-defined]
        for c in router.plan(peeked)
    ]


def test_the_endpoint_that_speaks_the_clients_protocol_is_asked() -> None:
    """OpenAI's Chat for a Chat client, although Responses stands first, and Responses for a Messages client."""
    router = routes(OPENAI_API_KEY="k")
    host = "OPENAI_API_KEY api.openai.com"
    assert planned(router, "openai/gpt-4o") == [f"openai openai_chat {host}"]
    assert planned(router, "openai/gpt-4o", protocol="anthropic_messages") == [f"openai openai_responses {host}"]


def test_translating_within_a_protocol_beats_translating_to_another_one() -> None:
    """A request that must be rewritten either way stays with the endpoint of its own protocol, where less is lost."""
    more = ',"temperature":1,"seed":7'  # gpt-5 takes no temperature, so Chat is rendered anew; Responses has no seed
    assert planned(routes(OPENAI_API_KEY="k"), "openai/gpt-5", more) == [
        "openai openai_chat OPENAI_API_KEY api.openai.com"
    ]


def test_every_key_is_tried() -> None:
    """Two keys of one provider are two candidates, each with its best endpoint."""
    router = routes('[providers.openrouter]\nauth = { keys = ["a", "b"] }')
    assert planned(router, "openrouter/x/y") == [
        "openrouter openai_chat key 1 openrouter.ai",
        "openrouter openai_chat key 2 openrouter.ai",
    ]


def test_endpoints_of_one_protocol_stand_in_for_one_another() -> None:
    """Two hosts of one's own are both in the plan, in their order."""
    text = '[providers.two]\nauth = { kind = "none" }\n' + "".join(
        f'[[providers.two.endpoints]]\nprotocol = "{protocol}"\nbase_url = "http://{host}/v1"\n'
        for protocol, host in (("openai_chat", "one"), ("anthropic_messages", "three"), ("openai_chat", "two"))
    )
    assert planned(routes(text), "two/m") == ["two openai_chat  one", "two openai_chat  two"]


def test_a_provider_without_a_key_is_skipped_for_one_with() -> None:
    """A name that several vendors serve goes to those whose key is there; with none, the first says what it needs."""
    assert planned(routes(ARK_API_KEY="k"), "DeepSeek-R1") == [
        "volcano_ark openai_chat ARK_API_KEY ark.cn-beijing.volces.com"
    ]
    both = planned(routes(ARK_API_KEY="k", SILICONFLOW_API_KEY="k"), "DeepSeek-R1")
    assert [row.split()[0] for row in both] == ["siliconflow", "volcano_ark"]
    with pytest.raises(RoutingError, match="SiliconFlow needs a key: set SILICONFLOW_API_KEY") as caught:
        planned(routes(), "DeepSeek-R1")
    assert caught.value.kind is Kind.NOT_FOUND


def test_who_can_be_used() -> None:
    """Providers whose key is there, those that need none, and none that is unavailable."""
    usable = routes(AZURE_OPENAI_API_KEY="k", GROQ_API_KEY="k", GH_TOKEN="not a copilot token").usable()
    assert {"groq", "demo", "ollama"} <= set(usable)
    assert not {"azure_openai", "openai", "github_copilot", "claude_subscription"} & set(usable)
