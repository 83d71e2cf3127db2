"""The ways in that the suite's configured key does not take: tokens, older addresses, regions."""

from __future__ import annotations

import asyncio

import pytest

from providers.clients import CHAT, MESSAGES, ask, understood
from providers.facts import VENDORS
from providers.fake import GOOD_KEY, Fake, Visit
from providers.house import QUICK, House
from providers.script import TEXT


def visit(
    loop: asyncio.Runner,
    fake: Fake,
    dialect: str,
    name: str,
    *,
    settings: str = "",
    keys: tuple[str, ...] = (),
    environment: dict[str, str] | None = None,
) -> Visit:
    """What a vendor heard of one request, which it served."""

    async def run() -> Visit:
        own = House({fake.vendor.provider: fake}, QUICK + settings, keys, environment or {})
        answer = await own.ask(dialect, ask(dialect, name, "plain"))
        await own.aclose()
        assert understood(dialect, answer.body, stream=False).text == TEXT, fake.visits[-1].judged
        return fake.visits[-1]

    return loop.run(run())


def test_azure_by_deployment(loop: asyncio.Runner, fakes: dict[str, Fake]) -> None:
    """The older form: the deployment in the path, the version of the interface in the query, the key as api-key."""
    fake = fakes["azure_openai"]
    settings = f"""
        [providers.older]
        auth = {{ key = "{GOOD_KEY}", header = "api-key" }}
        [[providers.older.endpoints]]
        protocol = "openai_chat"
        base_url = "{fake.url}"
        path = "/openai/deployments/{{model}}/chat/completions"
        query = {{ api-version = "2024-10-21" }}
    """
    heard = visit(loop, fake, CHAT, "older/my-gpt-4o", settings=settings, keys=(GOOD_KEY,))
    assert heard.path == "/openai/deployments/my-gpt-4o/chat/completions?api-version=2024-10-21"
    assert heard.headers["api-key"] == GOOD_KEY


def test_azure_with_an_entra_token(loop: asyncio.Runner, fakes: dict[str, Fake]) -> None:
    """A finished token goes as Bearer, and no api-key goes with it."""

    async def run() -> Visit:
        token = {"AZURE_OPENAI_AD_TOKEN": "entra-token"}
        own = House({"azure_openai": fakes["azure_openai"]}, QUICK, (), token)
        await own.ask(CHAT, ask(CHAT, "azure_openai/gpt-4o", "plain"))
        await own.aclose()
        return fakes["azure_openai"].visits[-1]

    heard = loop.run(run())
    assert heard.headers["authorization"] == "Bearer entra-token" and "api-key" not in heard.headers


@pytest.mark.parametrize("name", ["vertex_anthropic", "vertex_gemini"])
def test_vertex_with_an_access_token(loop: asyncio.Runner, fakes: dict[str, Fake], name: str) -> None:
    """What `gcloud auth print-access-token` prints, in its variable."""
    model = f"{name}/{VENDORS[name].rows[0].model}"
    heard = visit(loop, fakes[name], MESSAGES, model, environment={"CLOUDSDK_AUTH_ACCESS_TOKEN": GOOD_KEY})
    assert heard.headers["authorization"] == f"Bearer {GOOD_KEY}"


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("moonshot", "MOONSHOT_API_KEY"),
        ("kimi_code", "KIMI_API_KEY"),
        ("bigmodel", "ZHIPUAI_API_KEY"),
        ("volcano_ark", "ARK_API_KEY"),
        ("github_copilot", "COPILOT_GITHUB_TOKEN"),
        ("gitlab_duo", "GITLAB_TOKEN"),
        ("qwen_subscription", "BAILIAN_CODING_PLAN_API_KEY"),
    ],
)
def test_a_key_found_in_the_environment(loop: asyncio.Runner, fakes: dict[str, Fake], name: str, variable: str) -> None:
    """A variable is enough; where a key buys a token, it is the token that is sent."""
    model = f"{name}/{VENDORS[name].rows[0].model}"
    assert visit(loop, fakes[name], CHAT, model, environment={variable: GOOD_KEY}).key == GOOD_KEY


@pytest.mark.parametrize("name", ["ollama", "vllm", "lmstudio"])
def test_servers_of_ones_own_need_no_key(loop: asyncio.Runner, fakes: dict[str, Fake], name: str) -> None:
    """Nothing is sent where nothing is configured."""
    heard = visit(loop, fakes[name], CHAT, f"{name}/{VENDORS[name].rows[0].model}")
    assert heard.key == ""
