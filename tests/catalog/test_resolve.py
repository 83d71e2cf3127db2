"""Names lead to endpoints, wrong names to the nearest right ones."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from hexapla.catalog.nearest import Names
from hexapla.catalog.resolve import Catalog, Match, resolve
from hexapla.catalog.schema import Endpoint, Model, Provider, Quirks, When
from hexapla.errors import Kind, RoutingError

CHAT = Endpoint(protocol="openai_chat", base_url="https://chat.test/v1")
MESSAGES = Endpoint(protocol="anthropic_messages", base_url="https://messages.test", models=("claude-*",))


def provider(name: str, *endpoints: Endpoint, **more: object) -> Provider:
    return Provider(id=name, endpoints=endpoints or (CHAT,), **more)  # type: ignore[arg-type]


CATALOG = Catalog(
    {
        each.id: each
        for each in (
            provider("alpha", CHAT, MESSAGES, aliases=("a1", "ALFA")),
            provider("alpha/nested"),
            provider("beta"),
            provider("openrouter"),
            provider("closed", unavailable="its vendor forbids it"),
        )
    },
    {
        "alpha": [
            Model(id="claude-one-20250101", name="Claude One", also=("claude-one",), aliases=("one",)),
            Model(id="plain:free", name="Plain Free"),
        ],
        "beta": [Model(id="owner/Big-Model", name="Big-Model", aliases=("one",)), Model(id="shared")],
        "openrouter": [Model(id="owner/Big-Model"), Model(id="google/gem"), Model(id="openrouter/own")],
        "closed": [Model(id="secret"), Model(id="shared")],
        "gone": [Model(id="orphan")],
    },
    {"fast": "openrouter/google/gem", "quick": "fast", "loop": "pool", "pool": "loop", "Mixed": "beta/shared"},
)


def found(name: str) -> list[tuple[str, str, str, str]]:
    return [(m.provider.id, m.endpoint.protocol, m.model, m.suffix) for m in resolve(CATALOG, name)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # the provider's prefix, the rest verbatim
        ("beta/anything at all", [("beta", "openai_chat", "anything at all", "")]),
        ("BETA/x/y:z~w", [("beta", "openai_chat", "x/y:z~w", "")]),
        ("a1/gpt-x", [("alpha", "openai_chat", "gpt-x", "")]),
        ("alfa/gpt-x", [("alpha", "openai_chat", "gpt-x", "")]),
        # the longest prefix wins
        ("alpha/nested/gpt-x", [("alpha/nested", "openai_chat", "gpt-x", "")]),
        # an endpoint that serves other models only is left out
        (
            "alpha/claude-zzz",
            [("alpha", "openai_chat", "claude-zzz", ""), ("alpha", "anthropic_messages", "claude-zzz", "")],
        ),
        # names of the catalogue: id, shown name, alias, in any case; every provider that knows the name
        ("Big-Model", [("beta", "openai_chat", "owner/Big-Model", "")]),
        ("big-model", [("beta", "openai_chat", "owner/Big-Model", "")]),
        (
            "owner/big-model",
            [("beta", "openai_chat", "owner/Big-Model", ""), ("openrouter", "openai_chat", "owner/Big-Model", "")],
        ),
        # what the upstream itself understands is sent as it is
        (
            "claude-one",
            [("alpha", "openai_chat", "claude-one", ""), ("alpha", "anthropic_messages", "claude-one", "")],
        ),
        # aliases of the user, also of one another and in any case
        ("quick", [("openrouter", "openai_chat", "google/gem", "")]),
        ("mixed", [("beta", "openai_chat", "shared", "")]),
        # suffixes: cut off where the name is known without, kept where it is known with, given to who knows them
        ("Big-Model:nitro", [("beta", "openai_chat", "owner/Big-Model", ":nitro")]),
        ("beta/owner/Big-Model:floor", [("beta", "openai_chat", "owner/Big-Model", ":floor")]),
        ("alpha/plain:free", [("alpha", "openai_chat", "plain:free", "")]),
        ("plain:free", [("alpha", "openai_chat", "plain:free", "")]),
        ("beta/unknown:free", [("beta", "openai_chat", "unknown:free", "")]),
        ("openrouter/google/gem:online", [("openrouter", "openai_chat", "google/gem:online", "")]),
        ("google/gem:online", [("openrouter", "openai_chat", "google/gem:online", "")]),
        ("fast:nitro", [("openrouter", "openai_chat", "google/gem:nitro", "")]),
        # an id that begins with its provider's name may be said without saying that twice
        ("openrouter/own", [("openrouter", "openai_chat", "openrouter/own", "")]),
        ("OpenRouter/Own:nitro", [("openrouter", "openai_chat", "openrouter/Own:nitro", "")]),
        ("openrouter/openrouter/own", [("openrouter", "openai_chat", "openrouter/own", "")]),
        ("openrouter/other", [("openrouter", "openai_chat", "other", "")]),
        # a provider that cannot be asked is skipped where another one can
        ("shared", [("beta", "openai_chat", "shared", "")]),
    ],
)
def test_a_name_leads_to_endpoints(name: str, expected: list[tuple[str, str, str, str]]) -> None:
    """Every way to name a model, with the id that is sent."""
    assert found(name) == expected


def test_facts_come_along() -> None:
    """A prefix, a name and an alias bring the same facts; an unknown model has none."""
    (match,) = resolve(CATALOG, "beta/BIG-MODEL")
    assert match.facts is not None and match.facts.id == "owner/Big-Model"
    assert resolve(CATALOG, "beta/never-heard-of")[0].facts is None


def refused(name: str) -> RoutingError:
    with pytest.raises(RoutingError) as caught:
        resolve(CATALOG, name)
    assert caught.value.kind is Kind.NOT_FOUND and caught.value.param == "model"
    return caught.value


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("Big-Modle", "beta/owner/Big-Model"),
        ("cluade-one", "alpha/claude-one-20250101"),
        ("gogle/gem", "openrouter/google/gem"),
        ("betta/shared", "beta/shared"),
    ],
)
def test_an_unknown_name_hears_the_nearest(name: str, near: str) -> None:
    """At most three names, the meant one first, and the error points at the field `model`."""
    error = refused(name)
    assert error.nearest is not None and error.nearest[0] == near
    assert len(error.nearest) <= 3
    assert near in error.message


@pytest.mark.parametrize("name", ["nope", "local", "nobody/knows-it", "x", ""])
def test_where_nothing_is_near_nothing_is_named(name: str) -> None:
    """Names that have nothing to do with the one asked for tell nobody anything."""
    error = refused(name)
    assert error.nearest == ()
    assert "Nearest" not in error.message and "GET /v1/models" in error.message


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ("gpt-5.5-tubro", "openai/gpt-5.5-turbo openai/gpt-5.5"),  # letters in the wrong order
        ("gpt5.5", "openai/gpt-5.5"),
        ("opnai/gpt-5.5", "openai/gpt-5.5 openai/gpt-5.5-turbo"),  # whose it is, wrong
        ("claude-opus-4-5", "anthropic/claude-opus-4-5-20251101 anthropic/claude-opus-4-6"),  # without its date
        ("cluade-opus-4-5", "anthropic/claude-opus-4-5-20251101 anthropic/claude-opus-4-6"),
        ("claude-opus-4-6-20260101", "anthropic/claude-opus-4-6 anthropic/claude-opus-4-5-20251101"),  # with one
        ("opus", "anthropic/claude-opus-4-6 anthropic/claude-opus-4-5-20251101"),  # its family
        ("gpt-3.5-turbo-x", "openai/gpt-3.5-turbo openai/gpt-5.5-turbo"),  # a version counts more than letters
        ("nope", ""),
        ("ge", ""),
    ],
)
def test_who_was_meant(asked: str, near: str) -> None:
    names = ["openai/gpt-5.5", "openai/gpt-5.5-turbo", "openai/gpt-3.5-turbo", "mistral/mistral-large"]
    names += ["anthropic/claude-opus-4-5-20251101", "anthropic/claude-opus-4-6", "google/gemma"]
    assert Names(names).nearest(asked, 2) == tuple(near.split())


def test_a_model_that_many_sell_is_named_once() -> None:
    """The places are for other models, while there are any."""
    sold = ["a/gpt-4o", "b/gpt-4o", "c/gpt-4o", "a/gpt-4o-mini"]
    assert Names(sold).nearest("gpt-4", 3) == ("a/gpt-4o", "a/gpt-4o-mini", "b/gpt-4o")


@pytest.mark.parametrize("name", ["", "/", "beta/", "/x", "loop", "orphan", ":nitro", "x" * 1_000_000, "\x00\ud800"])
def test_odd_names_are_unknown_not_crashes(name: str) -> None:
    """Nothing that a client may write ends in anything but a short error."""
    assert len(refused(name).message) < 1000


def test_a_closed_provider_says_why() -> None:
    """A provider that cannot be asked answers with the reason, by prefix and by name."""
    assert "its vendor forbids it" in refused("closed/secret").message
    assert "its vendor forbids it" in refused("secret").message


def test_a_provider_without_an_endpoint_for_the_model_says_so() -> None:
    """Endpoints may serve some models only; asking for another one is told, not called an unknown name."""
    only = Catalog({"m": provider("m", MESSAGES)}, {})
    with pytest.raises(RoutingError, match="none of its endpoints serves 'gpt-4o'"):
        resolve(only, "m/gpt-4o")


def test_quirks_are_merged_for_the_model() -> None:
    """A match carries the quirks that hold for its model."""
    quirks = Quirks(strip=("a",), when=(When(model="gpt-*", strip=("b",)),))
    catalog = Catalog(
        {"q": provider("q", Endpoint(protocol="openai_chat", base_url="https://q.test", quirks=quirks))}, {}
    )
    assert resolve(catalog, "q/GPT-5")[0].quirks.strip == ("a", "b")
    assert resolve(catalog, "q/other")[0].quirks.strip == ("a",)


def test_of_many_alike_the_shortest_comes_first() -> None:
    """Who leaves out the owner means the maker rather than one of those who sell it on."""
    sold = [f"reseller{place}/gpt-4o" for place in range(60)]
    assert Names(["maker/gpt-4o", "maker/gpt-4.1", *sold]).nearest("gtp-4o", 3)[0] == "maker/gpt-4o"


def test_names_index_answers_short() -> None:
    """Few names, no names and equal names: never more than asked for, never one twice."""
    assert Names([]).nearest("x", 3) == ()
    assert Names(["gpt-4o", "gpt-4o"]).nearest("gpt4o", 3) == ("gpt-4o",)


def best(do: Callable[[], object], rounds: int = 200, tries: int = 7) -> float:
    """Seconds of one call, the best of several tries: noise only adds."""
    times = []
    for _ in range(tries):
        began = time.perf_counter()
        for _ in range(rounds):
            do()
        times.append((time.perf_counter() - began) / rounds)
    return min(times)


@pytest.fixture(scope="module")
def large() -> Catalog:
    """Five thousand models at ten providers."""
    quirks = Quirks(when=(When(model="a*"), When(model=("gpt-*", "o1*"), strip=("x",))))
    endpoints = (Endpoint(protocol="openai_chat", base_url="https://x.test", quirks=quirks), CHAT)
    providers = {f"p{n}": provider(f"p{n}", *endpoints) for n in range(10)}
    models = {
        name: [Model(id=f"owner{n}/model-{name}-{n}", aliases=(f"{name}m{n}",)) for n in range(500)]
        for name in providers
    }
    return Catalog(providers, models)


@pytest.mark.parametrize("name", ["p3/owner7/model-p3-7", "p9m499", "p3/unheard/of", "owner7/model-p3-7:nitro"])
def test_resolving_is_fast(large: Catalog, name: str) -> None:
    """A name among five thousand models is resolved in less than 20 microseconds."""
    assert best(lambda: resolve(large, name)) < 20e-6


def test_refusing_is_fast(large: Catalog) -> None:
    """Wrong names cannot be used to keep the process busy: less than 20 milliseconds each, after the first."""

    def ask() -> tuple[Match, ...] | None:
        try:
            return resolve(large, "ownr7/modl-p3-7")
        except RoutingError:
            return None

    ask()
    assert best(ask, rounds=3) < 20e-3
