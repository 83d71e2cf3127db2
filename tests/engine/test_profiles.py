"""Profiles in the plan: who is tried, under whose model name, and that it costs a look-up."""

from __future__ import annotations

import pytest

from hexapla.config import assemble, parse_config
from hexapla.engine.address import Address
from hexapla.engine.routes import Routes
from hexapla.errors import RoutingError
from hexapla.translate.peek import peek

TEXT = """
[profiles.work]
provider = "deepseek"
model = "deepseek-v4-pro"
haiku = "deepseek-v4-flash"
backups = ["spare", "groq/llama-3.3-70b-versatile"]
headers = { x-team = "a" }
query = { v = "2" }
[profiles.spare]
provider = "zai"
model = "glm-4.6"
haiku = "glm-4.5-air"
[chains]
"deepseek/deepseek-v4-pro" = ["openai/gpt-5"]
"""
KEYS = dict.fromkeys(("DEEPSEEK_API_KEY", "ZAI_API_KEY", "GROQ_API_KEY", "OPENAI_API_KEY"), "k")


def routes(text: str = TEXT, **environment: str) -> Routes:
    env = environment or KEYS
    return Routes(assemble(parse_config(text, "hexapla.toml", env), env))


def planned(router: Routes, model: str, profile: str) -> list[str]:
    body = b'{"model":"%s","messages":[{"role":"user","content":"hi"}],"max_tokens":9}' % model.encode()
    return [candidate.name for candidate in router.plan(peek("anthropic_messages", body), profile).candidates]


def test_a_backup_hears_its_own_model_name() -> None:
    """A backup that is a profile answers with its model of the size that was asked for (it would refuse the first
    one's name with a 404), one that is a model with itself; chains stand before them."""
    assert planned(routes(), "claude-haiku-4-5", "work") == [
        "deepseek/deepseek-v4-flash",
        "zai/glm-4.5-air",
        "groq/llama-3.3-70b-versatile",
    ]
    assert planned(routes(), "claude-opus-4-5", "work") == [
        "deepseek/deepseek-v4-pro",
        "openai/gpt-5",
        "zai/glm-4.6",
        "groq/llama-3.3-70b-versatile",
    ]


def test_a_profile_whose_key_is_missing_leaves_the_work_to_its_backups() -> None:
    """And says what is missing where there is nobody else."""
    assert planned(routes(ZAI_API_KEY="k"), "claude-haiku-4-5", "work") == ["zai/glm-4.5-air"]
    with pytest.raises(RoutingError, match="DEEPSEEK_API_KEY"):
        planned(routes(OTHER="k"), "claude-haiku-4-5", "work")


def test_the_profile_is_in_its_own_requests_only() -> None:
    """Its headers and its query go out with its requests, not with those of its backups or of others."""
    router = routes()
    (own,) = router.candidates("deepseek/deepseek-v4-pro", "work")[:1]
    (plain,) = router.candidates("deepseek/deepseek-v4-pro")[:1]
    assert isinstance(own.address, Address) and isinstance(plain.address, Address)
    assert ("x-team", "a") in own.address.headers and own.address.url.endswith("?v=2")
    assert ("x-team", "a") not in plain.address.headers and "?" not in plain.address.url


def test_candidates_are_worked_out_once() -> None:
    """The second request for a name takes what the first one made."""
    router = routes()
    body = b'{"model":"claude-haiku-4-5","messages":[{"role":"user","content":"hi"}],"max_tokens":9}'
    first, second = (router.plan(peek("anthropic_messages", body), "work").candidates for _ in range(2))
    assert all(one is other for one, other in zip(first, second, strict=True))


def test_an_unknown_profile_names_the_others() -> None:
    """A misspelt path is told as such."""
    with pytest.raises(RoutingError, match="no profile 'wrok' here; there are: claude, spare, work"):
        planned(routes(), "x", "wrok")


def test_the_subscription_is_not_carried() -> None:
    """The built-in profile `claude` starts Claude Code with its own login; the gateway says so."""
    with pytest.raises(RoutingError, match="own login"):
        planned(routes(), "claude-opus-5", "claude")
