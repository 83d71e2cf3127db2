"""What a name means inside a profile, and what a profile does to a request."""

from __future__ import annotations

import pytest
from msgspec import Raw
from msgspec.structs import replace

from hexapla.catalog.profile import SLOTS, Profile, applied, mean, slot_of
from hexapla.catalog.quirks import edit
from hexapla.catalog.resolve import Catalog, Match, resolve
from hexapla.config import Config, assemble

CATALOG: Catalog = assemble(Config(aliases={"mine": "groq/llama-3.3-70b-versatile"}), {}).catalog
DEEPSEEK = Profile(provider="deepseek", model="deepseek-v4-pro", haiku="deepseek-v4-flash")
ROUTER = Profile(provider="openrouter", model="deepseek/deepseek-chat", opus="openai/gpt-5.2")
MIXED = Profile(model="deepseek/deepseek-v4-pro", haiku="mine", sonnet="zai/glm-4.6")
OWN = Profile(provider="anthropic", model="claude-opus-4-5")

MEANT = [
    # profile, what is asked for, what it means
    (DEEPSEEK, "claude-haiku-4-5-20251001", "deepseek/deepseek-v4-flash"),
    (DEEPSEEK, "claude-3-5-haiku-latest", "deepseek/deepseek-v4-flash"),
    (DEEPSEEK, "CLAUDE-HAIKU-9", "deepseek/deepseek-v4-flash"),
    (DEEPSEEK, "claude-sonnet-5", "deepseek/deepseek-v4-pro"),
    (DEEPSEEK, "claude-opus-5-5", "deepseek/deepseek-v4-pro"),
    (DEEPSEEK, "claude-mythos-5", "deepseek/deepseek-v4-pro"),
    (DEEPSEEK, "haiku", "deepseek/deepseek-v4-flash"),
    (DEEPSEEK, "fable", "deepseek/deepseek-v4-pro"),
    (DEEPSEEK, "default", "deepseek/deepseek-v4-pro"),
    (DEEPSEEK, "deepseek-v4-flash", "deepseek/deepseek-v4-flash"),
    (DEEPSEEK, "deepseek/deepseek-v4-flash", "deepseek/deepseek-v4-flash"),
    (DEEPSEEK, "deepseek-chat", "deepseek/deepseek-chat"),
    (DEEPSEEK, "brand-new", "deepseek/brand-new"),
    (DEEPSEEK, "groq/llama-3.3-70b-versatile", "groq/llama-3.3-70b-versatile"),
    (DEEPSEEK, "mine", "mine"),
    (DEEPSEEK, "gemini-3.5-flash-lite", "deepseek/deepseek-v4-flash"),
    (DEEPSEEK, "gemini-2.5-pro", "deepseek/deepseek-v4-pro"),
    (DEEPSEEK, "gpt-5-mini", "deepseek/deepseek-v4-flash"),
    (DEEPSEEK, "gpt-5.5", "deepseek/deepseek-v4-pro"),
    (ROUTER, "claude-haiku-4-5", "openrouter/deepseek/deepseek-chat"),
    (ROUTER, "claude-opus-4-5", "openrouter/openai/gpt-5.2"),
    (ROUTER, "openai/gpt-5.2", "openrouter/openai/gpt-5.2"),
    (MIXED, "claude-haiku-4-5", "mine"),
    (MIXED, "claude-sonnet-4-5", "zai/glm-4.6"),
    (MIXED, "claude-opus-4-5", "deepseek/deepseek-v4-pro"),
    (OWN, "claude-haiku-4-5-20251001", "anthropic/claude-haiku-4-5-20251001"),
    (OWN, "claude-haiku-9", "anthropic/claude-haiku-9"),
    (OWN, "gpt-5.5", "anthropic/claude-opus-4-5"),
    (Profile(provider="deepseek"), "deepseek-chat", "deepseek/deepseek-chat"),
    (Profile(provider="deepseek"), "claude-opus-5", "deepseek/claude-opus-5"),
]


@pytest.mark.parametrize(("profile", "asked", "meant"), MEANT)
def test_what_a_name_means(profile: Profile, asked: str, meant: str) -> None:
    """Slots first, then what the provider lists, then what is somebody's full name, then the families of strangers."""
    assert mean(profile, CATALOG, asked) == meant


@pytest.mark.parametrize(
    ("asked", "slot"),
    [
        ("claude-haiku-4-5", "haiku"),
        ("deepseek-v4-flash", "haiku"),
        ("deepseek/deepseek-v4-pro", "default"),
        ("opus", "opus"),
        ("gemini-3-flash", "haiku"),
        ("brand-new", "default"),
    ],
)
def test_which_slot_a_backup_answers_with(asked: str, slot: str) -> None:
    """The same size, also where the program asks for the model by its own name."""
    assert slot_of(DEEPSEEK, asked) == slot


def test_a_slot_that_is_not_set_is_the_main_model() -> None:
    """Every slot has a name, so that a program may be told all of them."""
    assert {slot: DEEPSEEK.slot(slot) for slot in SLOTS} == {
        "haiku": "deepseek/deepseek-v4-flash",
        "sonnet": "deepseek/deepseek-v4-pro",
        "opus": "deepseek/deepseek-v4-pro",
        "fable": "deepseek/deepseek-v4-pro",
    }


def match(name: str, protocol: str) -> Match:
    return next(each for each in resolve(CATALOG, name) if each.endpoint.protocol == protocol)


def edited(profile: Profile, name: str, protocol: str, **fields: bytes) -> dict[str, bytes]:
    done = edit({key: Raw(raw) for key, raw in fields.items()}, applied(profile, match(name, protocol)).quirks)
    return {key: bytes(raw) for key, raw in done.items()}


def test_the_limit_lowers_what_is_asked_for() -> None:
    """Never raises it, speaks each protocol's word for it, and keeps room for the answer behind the thought."""
    capped = Profile(model="x", max_tokens=2000)
    messages = edited(
        capped,
        "anthropic/claude-opus-4-5",
        "anthropic_messages",
        max_tokens=b"32000",
        thinking=b'{"type":"enabled","budget_tokens":31999}',
    )
    assert messages["max_tokens"] == b"2000"
    assert messages["thinking"] == b'{"type":"enabled","budget_tokens":1999}'
    assert edited(capped, "groq/x", "openai_chat", max_completion_tokens=b"10")["max_completion_tokens"] == b"10"
    assert edited(capped, "openai/gpt-5", "openai_responses", max_output_tokens=b"9999")["max_output_tokens"] == b"2000"


def test_parameters_are_stripped_as_the_profile_says() -> None:
    """A list joins what the catalogue knows, none takes that back."""
    known = match("ollama/qwen", "openai_chat").quirks.strip
    assert "logit_bias" in known
    fields = {"seed": b"1", "logit_bias": b"{}"}
    assert edited(Profile(model="x"), "ollama/qwen", "openai_chat", **fields).keys() == {"seed"}
    listed = Profile(model="x", strip_params=("seed",))
    assert not edited(listed, "ollama/qwen", "openai_chat", **fields)
    nothing = Profile(model="x", strip_params="none")
    assert edited(nothing, "ollama/qwen", "openai_chat", **fields).keys() == {"seed", "logit_bias"}


def test_headers_and_query_are_the_providers_own() -> None:
    """A header may hold a secret: somebody else who serves a name inside the profile does not get it.  The limit holds
    for everybody."""
    said = Profile(model="x", headers={"x-team": "a"}, query={"v": "1"}, max_tokens=9)
    at = match("moonshot/kimi-k3", "openai_chat")
    for name in ("moonshot", "kimi"):
        mine = applied(replace(said, provider=name), at)
        assert mine.endpoint.headers["x-team"] == "a" and mine.endpoint.query == {"v": "1"}
    other = applied(replace(said, provider="deepseek"), at)
    assert "x-team" not in other.endpoint.headers and not other.endpoint.query
    assert other.quirks.clamp["max_tokens"] == (1, 9)


def test_headers_and_query_join_those_of_the_endpoint() -> None:
    """The profile's stand above the endpoint's."""
    own = Profile(model="x", headers={"x-team": "a"}, query={"api-version": "1"})
    endpoint = applied(own, match("anthropic/claude-opus-4-5", "anthropic_messages")).endpoint
    assert endpoint.headers["x-team"] == "a" and endpoint.query == {"api-version": "1"}
