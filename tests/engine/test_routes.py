"""Who is asked for a request, and in which order."""

from __future__ import annotations

import pytest

from hexapla.config import assemble, parse_config
from hexapla.engine.routes import Routes
from hexapla.engine.session import NAMES
from hexapla.engine.traffic import Planned
from hexapla.engine.wishes import WISHING
from hexapla.errors import Kind, RoutingError, UpstreamError
from hexapla.ir.response import Usage
from hexapla.plugins.asked import SAID
from hexapla.routing.candidate import Candidate
from hexapla.routing.commands import Tried
from hexapla.routing.limits import Load
from hexapla.translate.peek import FURTHER, UNUSUAL, peek
from hexapla.translate.straight import LOOKED_INTO

PLAIN = b'{"model":"%s","messages":[{"role":"user","content":"hi"}],"max_tokens":9%s}'


def routes(text: str = "", **environment: str) -> Routes:
    return Routes(assemble(parse_config(text, "hexapla.toml", environment), environment), chance=lambda: 0.0)


def planned(router: Routes, model: str, more: str = "", protocol: str = "openai_chat") -> list[str]:
    """The plan as `provider protocol credential host`."""
    peeked = peek(protocol, PLAIN % (model.encode(), more.encode()))
    return [
        f"{c.provider.id} {c.endpoint.protocol} {c.credential} {c.address.url.split('/')[2]}"  # type: ignore[attr-defined]
        for c in router.plan(peeked).candidates
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
    with pytest.raises(RoutingError, match=r"needs a key: set \w+_API_KEY") as caught:
        planned(routes(), "DeepSeek-R1")
    assert caught.value.kind is Kind.NOT_FOUND


def test_who_can_be_used() -> None:
    """Providers whose key is there, those that need none, and none that is unavailable."""
    usable = routes(AZURE_OPENAI_API_KEY="k", GROQ_API_KEY="k", GH_TOKEN="not a copilot token").usable()
    assert {"groq", "demo", "ollama"} <= set(usable)
    assert not {"azure_openai", "openai", "github_copilot", "claude_subscription"} & set(usable)


# wishes

THREE = "".join(
    f"""
[providers.{name}]
auth = {{ kind = "none" }}
[[providers.{name}.endpoints]]
protocol = "openai_chat"
base_url = "http://{name}/v1"
[[models.{name}]]
id = "heron"
price = {{ input = {price}, output = {price}, cached = 0.1 }}
"""
    for name, price in (("dear", 9), ("middle", 5), ("cheap", 1))
)


def asked(model: str, more: str = "", text: str = "") -> list[str]:
    """The providers of `model`, in order."""
    return [row.split()[0] for row in planned(routes(THREE + text), model, more)]


def test_a_name_of_several_providers_is_balanced_by_price() -> None:
    """The first draw weighs by price, the rest follows by price."""
    assert asked("heron") == ["dear", "cheap", "middle"]


def test_a_wish_reaches_beyond_the_named_provider() -> None:
    """`provider/model` is that provider's alone until the request wishes to choose."""
    assert asked("middle/heron") == ["middle"]
    assert asked("middle/heron:floor") == ["cheap", "middle", "dear"]
    assert asked("middle/heron", ',"provider":{"sort":"price"}') == ["cheap", "middle", "dear"]
    assert asked("middle/heron", ',"provider":{"order":["dear"],"allow_fallbacks":false}') == ["dear"]
    assert asked("heron", ',"provider":{"ignore":["cheap"],"sort":"price"}') == ["middle", "dear"]


def test_standing_wishes_of_the_configuration() -> None:
    """They hold where the request is silent, and the request's own word stands above them."""
    standing = '[routing]\nprovider = { sort = "price", ignore = ["cheap"] }\n'
    assert asked("heron", text=standing) == ["middle", "dear"]
    assert asked("heron", ',"provider":{"order":["dear"]}', standing) == ["dear", "middle"]


def test_wishes_that_leave_nobody() -> None:
    """404, and the reason for each."""
    with pytest.raises(RoutingError, match=r"dear/heron: its prompt price is 9 USD, above 0\.5") as caught:
        asked("heron", ',"provider":{"max_price":{"prompt":0.5}}')
    assert caught.value.status == 404
    assert len(caught.value.rejected) == 3


def test_a_provider_field_of_somebody_else_is_no_wish() -> None:
    """Only an object is OpenRouter's."""
    assert asked("middle/heron", ',"provider":"openai"') == ["middle"]


def test_openrouter_serves_what_nobody_else_has_a_key_for() -> None:
    """The same name means the same model there, so a client of OpenRouter's keeps its names."""
    name = "anthropic/claude-sonnet-4"
    assert [row.split()[0] for row in planned(routes(OPENROUTER_API_KEY="k"), name)] == ["openrouter"]
    both = routes(OPENROUTER_API_KEY="k", ANTHROPIC_API_KEY="k")
    assert [row.split()[0] for row in planned(both, name)] == ["anthropic"]


NOTHING = Planned(candidates=())


def still(text: str, **environment: str) -> Routes:
    """Routes whose clock stands still at 1."""
    loaded = assemble(parse_config(text, "hexapla.toml", environment), environment)
    return Routes(loaded, clock=lambda: 1.0, chance=lambda: 0.0)


def served(candidate: Candidate, headers: dict[str, str] | None = None, **usage: int) -> Tried:
    """An attempt that succeeded."""
    told = headers or {}
    return Tried(candidate=candidate, lane="hub", started=0.5, ended=1.0, usage=Usage(**usage), headers=told)


def test_an_endpoint_that_keeps_failing_is_left_alone() -> None:
    """Its last failure is told in its place, with the time until it is asked again; a success lets everybody in."""
    router = still(THREE)
    candidate = router.candidates("dear/heron")[0]
    failed = Tried(
        candidate=candidate, lane="hub", started=0.0, ended=1.0, error=UpstreamError(Kind.OVERLOADED, "busy")
    )
    for _ in range(router.traffic.health.policy.row):
        assert router.traffic.admit(candidate, Load()) == 0
        router.traffic.heard(failed, NOTHING)
    alone = router.traffic.admit(candidate, Load())
    assert isinstance(alone, UpstreamError)
    assert (alone.kind, alone.message, alone.retryable, alone.retry_after) == (Kind.OVERLOADED, "busy", False, 1.0)
    router.traffic.heard(served(candidate), NOTHING)
    assert router.traffic.admit(candidate, Load()) == 0


# limits

LEVEL = """
[providers.acme]
level = "small"
levels = { small = 0 }
auth = { keys = ["a", "b"] }
[[providers.acme.endpoints]]
protocol = "openai_chat"
base_url = "http://acme/v1"
[providers.acme.rates.chat]
small = { rpm = 2 }
[[models.acme]]
id = "heron"
"""


def test_a_stated_limit_spreads_over_keys_then_queues_then_refuses() -> None:
    """Two requests a minute and two keys: four at once, the next ones after half a minute, which is too long."""
    router = still(LEVEL)
    peeked = peek("openai_chat", PLAIN % (b"acme/heron", b""))
    asked = []
    for _ in range(4):
        first = router.plan(peeked).candidates[0]
        assert router.traffic.admit(first, Load()) == 0
        asked.append(first.credential)
    assert sorted(asked) == ["key 1", "key 1", "key 2", "key 2"]
    full = router.traffic.admit(router.plan(peeked).candidates[0], Load())
    assert isinstance(full, UpstreamError)
    assert (full.kind, full.retry_after) == (Kind.RATE_LIMIT, 30.0)
    patient = still(LEVEL + "[routing]\npatience = 60\n")
    candidate = patient.candidates("acme/heron")[0]
    assert [patient.traffic.admit(candidate, Load()) for _ in range(4)] == [0, 0, 30.0, 60.0]


def test_without_a_level_nothing_is_limited() -> None:
    """What an account may do is guessed by nobody."""
    router = still(LEVEL.replace('level = "small"\n', ""))
    candidate = router.candidates("acme/heron")[0]
    assert [router.traffic.admit(candidate, Load()) for _ in range(9)] == [0.0] * 9


def test_headers_teach_a_limit() -> None:
    """A vendor that says that nothing is left is not asked with that key; the other one serves."""
    router = still(THREE + '[providers.two]\nauth = { keys = ["a", "b"] }\n[[providers.two.endpoints]]\n'
                   'protocol = "openai_chat"\nbase_url = "http://two/v1"\n')  # fmt: skip
    first, second = router.candidates("two/heron")
    told = {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "1m",
    }
    router.traffic.heard(served(first, told), NOTHING)
    assert router.plan(peek("openai_chat", PLAIN % (b"two/heron", b""))).candidates[0].credential == second.credential
    assert router.traffic.admit(first, Load()) == 1.0


def test_a_vendor_that_named_its_limit_is_quoted_until_it_has_passed() -> None:
    """Who waits for a limit hears what the vendor said about it: it tells of tiers, of days and of whom to ask."""
    router = still(THREE)
    candidate = router.candidates("dear/heron")[0]
    told = {"x-ratelimit-limit": "1", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "60"}
    words = UpstreamError(Kind.RATE_LIMIT, "1 request per minute on the free tier")
    router.traffic.heard(
        Tried(candidate=candidate, lane="hub", started=0.5, ended=1.0, error=words, headers=told),
        NOTHING,
    )
    full = router.traffic.admit(candidate, Load())
    assert isinstance(full, UpstreamError)
    assert (full.kind, full.retry_after) == (Kind.RATE_LIMIT, 60.0)
    assert full.message.endswith("It said: 1 request per minute on the free tier")


# sessions


def test_a_session_stays_where_it_was_served() -> None:
    """A named session at once; without a name after an answer from the cache; other conversations are free."""
    router = still(THREE)
    named = peek("openai_chat", PLAIN % (b"heron", b',"session_id":"s"'))
    plan = router.plan(named)
    cheap = next(candidate for candidate in plan.candidates if candidate.provider.id == "cheap")
    router.traffic.heard(served(cheap, input=9, cached=0), plan)
    assert router.plan(named).candidates[0].provider.id == "cheap"
    assert router.plan(named, key="somebody else").candidates[0].provider.id == "dear"
    header = router.plan(peek("openai_chat", PLAIN % (b"heron", b"")), session="s")
    assert header.candidates[0].provider.id == "cheap"
    unnamed = peek("openai_chat", PLAIN % (b"heron", b""))
    router.traffic.heard(served(cheap, input=9, cached=0), router.plan(unnamed))
    assert router.plan(unnamed).candidates[0].provider.id == "dear"
    router.traffic.heard(served(cheap, input=9, cached=8), router.plan(unnamed))
    grown = PLAIN.replace(b'"hi"}', b'"hi"},{"role":"assistant","content":"yes"},{"role":"user","content":"more"}')
    assert router.plan(peek("openai_chat", grown % (b"heron", b""))).candidates[0].provider.id == "cheap"


def test_a_fallback_that_served_does_not_take_the_session() -> None:
    """The next request asks for the model that was wanted again."""
    router = still(THREE + '[chains]\nheron = ["demo/echo"]\n')
    named = peek("openai_chat", PLAIN % (b"heron", b',"session_id":"s"'))
    plan = router.plan(named)
    assert plan.candidates[-1].provider.id == "demo"
    router.traffic.heard(served(plan.candidates[-1], cached=9), plan)
    assert [candidate.provider.id for candidate in router.plan(named).candidates] == ["dear", "cheap", "middle", "demo"]


def test_an_order_stands_above_the_session() -> None:
    """Whoever lists providers has chosen."""
    router = still(THREE)
    named = peek("openai_chat", PLAIN % (b"heron", b',"session_id":"s","provider":{"order":["middle"]}'))
    router.traffic.heard(served(router.candidates("cheap/heron")[0], cached=9), router.plan(named))
    assert router.plan(named).candidates[0].provider.id == "middle"


def test_timers_are_each_candidates_own() -> None:
    """The gateway's, above them those of slow models, the endpoint's, and those of the user's globs; connect as well."""
    text = (
        '[timeouts]\nfirst = 40\nmodels."*/big-*" = { first = 99, connect = 3 }\n'
        '[providers.own]\nauth = { kind = "none" }\n[[providers.own.endpoints]]\nprotocol = "openai_chat"\n'
        'base_url = "http://127.0.0.1:9/v1"\ntimeouts = { idle = 7, connect = 1 }\n'
    )
    router = routes(text, OPENAI_API_KEY="k")

    def found(name: str) -> tuple[float, float, float, float]:
        candidate = router.first(name)
        timers, sent = candidate.timers, candidate.address.timeouts  # type: ignore[attr-defined]
        assert sent.connect == timers.connect
        return timers.first, timers.idle, timers.connect, sent.idle

    assert found("openai/gpt-4o") == (40, 120, 5, 300)
    assert found("openai/o3-pro-2025-06-10") == (900, 900, 5, 900)
    assert found("own/small") == (40, 7, 1, 7)
    assert found("own/big-one") == (99, 7, 3, 7)


# suffixes and names that stand for others

FACTS = """
[[models.cheap]]
id = "owl"
price = { input = 1, output = 1 }
context = 1000000
capabilities = ["tools"]
[[models.dear]]
id = "owl"
free = true
context = 100000
capabilities = ["tools"]
[[models.middle]]
id = "owl"
price = { input = 2, output = 2 }
context = 1000000
capabilities = ["tools", "reasoning"]
"""


def test_free_reaches_everybody_who_offers_it() -> None:
    """`:free` leaves those who take nothing, whoever was named."""
    assert asked("middle/owl:free", text=FACTS) == ["dear"]


def test_extended_keeps_the_longest_context() -> None:
    """Of those who offer the model."""
    assert sorted(asked("owl:extended", text=FACTS)) == ["cheap", "middle"]


def test_thinking_is_noted_on_its_candidates() -> None:
    """And on no others: a fallback without the suffix does not think."""
    router = routes(THREE + FACTS)
    body = b'{"model":"middle/owl:thinking","models":["cheap/owl"],"messages":[{"role":"user","content":"hi"}]}'
    plan = router.plan(peek("openai_chat", body))
    assert [(each.provider.id, each.thinks) for each in plan.candidates] == [("middle", True), ("cheap", False)]
    assert [plan.name_of(each) for each in plan.candidates] == ["middle/owl:thinking", "cheap/owl"]


def test_online_is_for_those_who_can_search() -> None:
    """Where nobody can, an error says what to configure; whoever searches itself is asked where it does so; with a service
    of the gateway's own everybody can."""
    with pytest.raises(RoutingError, match=r"no web search of its own.*\[search\]") as caught:
        asked("middle/owl:online", text=FACTS)
    assert caught.value.status == 404
    router = routes(OPENROUTER_API_KEY="k", OPENAI_API_KEY="k")
    rows = [row.split()[:2] for row in planned(router, "openai/gpt-5.2:online")]
    assert sorted(rows) == [["openai", "openai_responses"], ["openrouter", "openai_chat"]]
    peeked = peek("openai_chat", PLAIN % (b"openrouter/openai/gpt-5.2:online", b""))
    assert router.plan(peeked).candidates[0].model == "openai/gpt-5.2:online"
    assert sorted(asked("owl:online", text=FACTS + SERVICE)) == sorted(asked("owl", text=FACTS))


def test_auto_searches_where_that_is_asked_for() -> None:
    """Of the models that can, where nobody else does it for them."""
    assert asked("auto", SEARCH, FACTS + SERVICE) == ["cheap"]
    with pytest.raises(RoutingError, match="No models match"):
        asked("auto", SEARCH, FACTS)
    router = routes(THREE + FACTS, OPENAI_API_KEY="k")
    assert {row.split()[0] for row in planned(router, "auto", SEARCH)} == {"openai"}


SERVICE = '[search]\nkind = "exa"\nkey = "k"\n'
SEARCH = ',"plugins":[{"id":"web"}]'


def test_the_first_candidate_decides_whether_the_gateway_searches() -> None:
    """It does where that one cannot; where it can, those who need what was not looked for come when it has failed."""
    router = routes(THREE + FACTS + SERVICE, OPENAI_API_KEY="k")
    body = b'{"model":"%s","models":["%s"],"messages":[{"role":"user","content":"hi"}]%s}'

    def planned_with(first: bytes, second: bytes) -> tuple[list[str], list[str]]:
        plan = router.plan(peek("openai_chat", body % (first, second, SEARCH.encode())))
        assert plan.search is not None
        return [each.provider.id for each in plan.candidates], [each.provider.id for each in plan.later]

    assert planned_with(b"cheap/owl", b"openai/gpt-5.2") == (["cheap", "openai"], [])
    assert planned_with(b"openai/gpt-5.2", b"cheap/owl") == (["openai"], ["cheap"])


def test_auto_is_the_cheapest_that_can() -> None:
    """With the next ones behind it; a wish of the request still rules."""
    assert asked("auto", text=FACTS) == ["cheap"]
    tier = ',"plugins":[{"id":"auto-router","cost_tier":"max","excluded_models":["*/heron"]}]'
    assert asked("openrouter/auto", tier, FACTS) == ["middle"]
    with pytest.raises(RoutingError, match="No models match"):
        asked("auto", ',"plugins":[{"id":"auto-router","allowed_models":["nobody/*"]}]', FACTS)


def test_free_is_any_that_costs_nothing() -> None:
    """`free` alone is a name of its own; a user's alias of that name stands above it."""
    only = ',"provider":{"only":["dear"]}'
    assert asked("free", only, FACTS) == ["dear"]
    assert asked("free", text=FACTS + '[aliases]\nfree = "cheap/owl"\n') == ["cheap"]


def test_openrouters_own_names_are_its_own() -> None:
    """Where its key is here."""
    assert planned(routes(OPENROUTER_API_KEY="k"), "openrouter/auto")[0].startswith("openrouter ")


@pytest.mark.parametrize("name", ["auto", "auto-beta", "free", "pareto-code", "fusion", "fusion-flash", "bodybuilder"])
def test_openrouters_own_routers(name: str) -> None:
    """They go there under their whole names, with the plugin that steers them; without its key the error says so."""
    peeked = peek("openai_chat", PLAIN % (b"openrouter/" + name.encode(), b',"plugins":[{"id":"pareto-router"}]'))
    router = routes(OPENROUTER_API_KEY="k")
    (candidate,) = router.plan(peeked).candidates
    assert (candidate.provider.id, candidate.model) == ("openrouter", f"openrouter/{name}")
    assert "plugins" in router.kept(candidate, peeked)
    if name not in ("auto", "free"):  # which are here as well
        with pytest.raises(RoutingError, match="set OPENROUTER_API_KEY, or run `hexapla login openrouter`"):
            routes(OPENAI_API_KEY="k").plan(peeked)


def test_route_sort_is_a_partition() -> None:
    """The deprecated `route` says where `sort` looks."""
    models = ',"models":["cheap/heron"],"provider":{"sort":"price","only":["middle","cheap"]}'
    assert asked("middle/heron", models) == ["cheap", "middle", "cheap", "middle"]
    first = asked("dear/heron", ',"models":["cheap/owl"],"provider":{"sort":"price"},"route":"sort"', FACTS)
    assert first[:2] == ["dear", "cheap"] and first[-1] == "dear"


def test_the_operators_list_is_a_ceiling() -> None:
    """A request narrows `only` and never widens it."""
    standing = '[routing]\nprovider = { only = ["cheap", "middle"], sort = "price" }\n'
    assert asked("heron", text=standing) == ["cheap", "middle"]
    assert asked("heron", ',"provider":{"only":["middle","dear"]}', standing) == ["middle"]


def test_an_endpoint_that_calls_a_model_differently_goes_first_where_it_stands_first() -> None:
    """Perplexity's Agent API has another name for sonar than its Chat, which stands in for it."""
    router = routes(PERPLEXITY_API_KEY="k")
    plan = router.plan(peek("openai_chat", PLAIN % (b"perplexity/sonar", b"")))
    assert [(c.endpoint.protocol, c.model) for c in plan.candidates] == [
        ("openai_responses", "perplexity/sonar"),
        ("openai_chat", "sonar"),
    ]


def test_what_is_usual_says_nothing_that_anybody_here_reads() -> None:
    """Nobody looks into a usual request for its own fields (peek.py)."""
    assert WISHING | NAMES | LOOKED_INTO | SAID | FURTHER <= UNUSUAL
