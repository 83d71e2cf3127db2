"""Every route, its shapes, its headers, and who may use it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from server.client import Heard, call
from server.judges import client, verdict
from server.running import SHORT, Gateway, gateway, providers
from server.upstream import Upstream, Visit
from server.wire import (
    CHAT,
    DIALECTS,
    LAST,
    MESSAGES,
    PATHS,
    RESPONSES,
    STREAM,
    answer,
    ask,
    chunk,
    ending,
    opening,
    piece,
    refusal,
    whole,
)

dialects = pytest.mark.parametrize("protocol", DIALECTS)
prefixes = pytest.mark.parametrize("prefix", ["/v1", "/api/v1"])

KEY = "a-client-key"
FORMS: dict[str, dict[str, str]] = {
    "bearer": {"authorization": f"Bearer {KEY}"},
    "bearer_lower": {"authorization": f"bearer {KEY}"},
    "x_api_key": {"x_api_key": KEY},
    "api_key": {"api_key": KEY},
    "goog": {"x_goog_api_key": KEY},
    "beside a login of its own": {"authorization": "Bearer of-the-program", "x_api_key": KEY},
}
UNBUILT = (
    "/v1/embeddings",
    "/v1/images/generations",
    "/v1/images/edits",
    "/v1/audio/speech",
    "/v1/audio/transcriptions",
    "/v1/videos",
    "/v1/rerank",
)


async def answers(visit: Visit) -> None:
    """An upstream that answers, in a stream or not."""
    if not visit.asked.get("stream"):
        await visit.write(whole(visit.protocol, model=visit.asked["model"]))
        return
    said = opening(visit.protocol) + piece(visit.protocol, "Hello.") + ending(visit.protocol, "Hello.")
    await visit.write(STREAM + chunk(said) + LAST)


@pytest.fixture
def fine(upstream: Upstream) -> Upstream:
    upstream.play(answers, "fine")
    return upstream


@pytest.fixture(scope="module")
def locked(_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that needs a key, with a chain and an alias; what is asked of `spent_` providers benches their keys."""
    text = (
        f'keys = ["{KEY}", "another-key"]\n[chains]\n"u_chat/down" = ["u_msgs/fine"]\n[aliases]\nmine = "u_resp/fine"\n'
    )
    retry = "[retry]\nretries = 0\nbase = 0.01\n[routing.breaker]\nrow = 1000\nleast = 1000\n"
    upstreams = providers(_upstream.url) + providers(_upstream.url, "spent_")
    with gateway(tmp_path_factory.mktemp("locked"), text + retry + upstreams) as running:
        yield running


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that needs no key and has a name."""
    with gateway(tmp_path_factory.mktemp("named"), '[server]\nhosts = ["mine.test"]\n') as running:
        yield running


# keys


@dialects
@pytest.mark.parametrize("form", FORMS)
def test_key_in_every_place(form: str, protocol: str, fine: Upstream, locked: Gateway) -> None:
    """A key is taken from each header that SDKs use, and never passed on."""
    body = ask(protocol, f"{SHORT[protocol]}/fine")
    assert call(locked.url, PATHS[protocol], body, **FORMS[form]).status == 200
    assert KEY not in str(fine.last().headers)


@dialects
@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}, {"authorization": "Basic eDp5"}])
def test_no_right_key(headers: dict[str, str], protocol: str, fine: Upstream, locked: Gateway) -> None:
    """No key or a wrong one is a 401 in the dialect before the body is looked at."""
    heard = call(locked.url, PATHS[protocol], b"not even json", **headers)
    assert heard.status == 401
    assert heard.headers["x-request-id"]
    assert "key" in heard.error["message"]
    assert heard.error["type"] == ("authentication_error" if protocol == MESSAGES else "invalid_request_error")
    error = verdict(locked.url, protocol, ask(protocol, "u_chat/fine"), key="wrong")
    assert isinstance(error, openai.AuthenticationError | anthropic.AuthenticationError)
    assert not fine.visits


@pytest.mark.parametrize(
    "path", ["/v1/models", "/v1/models/demo/echo", "/v1/providers", "/v1/generation?id=x", "/v1/key", "/v1/credits"]
)
def test_ledger_and_catalogue_need_the_key(path: str, locked: Gateway) -> None:
    """What tells of models and money is for those with a key; health is for everybody."""
    assert call(locked.url, path).status == 401
    assert call(locked.url, path, x_api_key=KEY).status != 401
    for open_path in ("/livez", "/readyz", "/metrics"):
        assert call(locked.url, open_path).status == 200


def test_generation_belongs_to_its_key(fine: Upstream, locked: Gateway) -> None:
    """Another key's record does not exist."""
    heard = call(locked.url, PATHS[CHAT], ask(CHAT, "u_chat/fine"), x_api_key=KEY)
    path = f"/v1/generation?id={heard.headers['x-request-id']}"
    assert call(locked.url, path, x_api_key=KEY).json["data"]["outcome"] == "ok"
    assert call(locked.url, path, x_api_key="another-key").status == 404


# health


def test_health(served: Gateway) -> None:
    """Alive, ready, and the numbers."""
    assert call(served.url, "/livez").json == {"status": "ok"}
    assert call(served.url, "/readyz").json["status"] == "ready"
    metrics = call(served.url, "/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert b"# TYPE hexapla" in metrics.body


@pytest.mark.parametrize("path", ["/", "/api/hello"])
@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_probes(path: str, method: str, served: Gateway) -> None:
    """Claude Code's probes are answered; HEAD without a body."""
    heard = call(served.url, path, method=method)
    assert heard.status == 200
    assert bool(heard.body) == (method == "GET")


def test_websocket_attempt(served: Gateway) -> None:
    """Codex's WebSocket attempt gets a 426 at once."""
    heard = call(served.url, "/v1/responses", connection="Upgrade", upgrade="websocket", sec_websocket_version="13")
    assert heard.status == 426
    assert heard.headers["upgrade"] == "HTTP/1.1"
    assert heard.error["message"]


# catalogue


@prefixes
def test_models(prefix: str, served: Gateway) -> None:
    """The list in OpenAI's shape, in Anthropic's for those who send its version header, as the SDKs read it."""
    heard = call(served.url, f"{prefix}/models").json
    assert heard["object"] == "list"
    assert "demo/echo" in [model["id"] for model in heard["data"]]
    theirs = call(served.url, f"{prefix}/models", anthropic_version="2023-06-01").json
    assert [model["id"] for model in theirs["data"]] == [model["id"] for model in heard["data"]]
    assert theirs["has_more"] is False
    assert theirs["data"][0]["type"] == "model"


@pytest.mark.parametrize("version", ["2023-06-01", "2026-10-21"])
def test_anthropic_versions(version: str, fine: Upstream, served: Gateway) -> None:
    """The version and the betas that a client speaks are what an upstream of its protocol hears; others hear ours."""
    body = ask(MESSAGES, f"{SHORT[MESSAGES]}/fine")
    call(served.url, PATHS[MESSAGES], body, anthropic_version=version, anthropic_beta="effort-2025-11-24")
    assert fine.last().headers["anthropic-version"] == version
    assert fine.last().headers["anthropic-beta"] == "effort-2025-11-24"
    theirs = call(served.url, "/v1/models", anthropic_version=version).json
    assert theirs["data"][0]["type"] == "model"
    call(served.url, PATHS[CHAT], ask(CHAT, f"{SHORT[MESSAGES]}/fine"))
    assert fine.last().headers["anthropic-version"] == "2023-06-01"
    assert "anthropic-beta" not in fine.last().headers


def test_models_by_sdk(served: Gateway) -> None:
    """Both SDKs list and retrieve."""
    ours: Any = client(served.url, CHAT)
    theirs: Any = client(served.url, MESSAGES)
    assert {model.id for model in ours.models.list()} == {model.id for model in theirs.models.list()}
    assert ours.models.retrieve("demo/echo").id == "demo/echo"
    assert theirs.models.retrieve("demo/echo").id == "demo/echo"
    with pytest.raises(openai.NotFoundError, match="not known"):
        ours.models.retrieve("nobody/nothing")
    with pytest.raises(anthropic.NotFoundError, match="not known") as refused:
        theirs.models.retrieve("nobody/nothing")
    assert refused.value.type == "not_found_error"


def test_providers(served: Gateway) -> None:
    """Providers with the protocols that they speak."""
    listed = {provider["slug"]: provider for provider in call(served.url, "/v1/providers").json["data"]}
    assert listed["u_msgs"]["protocols"] == [MESSAGES]
    assert listed["u_msgs"]["usable"] is True


# ledger


@prefixes
@dialects
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_generation(prefix: str, protocol: str, stream: bool, fine: Upstream, served: Gateway) -> None:
    """An answer tells who gave it, and its record is there under the id that the headers name."""
    body = ask(protocol, f"{SHORT[CHAT]}/fine", stream=stream)
    heard = call(served.url, prefix + PATHS[protocol].removeprefix("/v1"), body)
    assert heard.status == 200, heard.body
    headers = heard.headers
    assert headers["x-request-id"] == headers["request-id"]
    assert (headers["x-hexapla-provider"], headers["x-hexapla-model"]) == ("u_chat", "fine")
    assert headers["x-hexapla-lane"] == ("verbatim" if protocol == CHAT else "hub")
    assert headers["x-hexapla-attempts"] == "1"
    assert "x-hexapla-losses" in headers
    assert headers["content-type"].startswith("text/event-stream" if stream else "application/json")
    told = call(served.url, f"{prefix}/generation?id={headers['x-request-id']}").json["data"]
    record = (
        told["record"] if prefix == "/api/v1" else told
    )  # OpenRouter's own fields stand around it (test_openrouter.py)
    assert (record["outcome"], record["status"], record["stream"]) == ("ok", 200, stream)
    assert (record["client_protocol"], record["provider"]) == (protocol, "u_chat")
    if not stream:
        assert (record["usage"]["input"], record["usage"]["output"]) == (3, 2)


def test_no_generation(served: Gateway) -> None:
    """An id that nobody made, or none, is a 404."""
    for query in ("?id=gen-nothing", "?id=", ""):
        heard = call(served.url, f"/v1/generation{query}")
        assert (heard.status, heard.error["code"]) == (404, "not_found")


@prefixes
def test_key_and_credits(prefix: str, fine: Upstream, locked: Gateway) -> None:
    """What a key has spent, in OpenRouter's shape."""
    key = call(locked.url, f"{prefix}/key", x_api_key=KEY).json["data"]
    assert key["label"] == "key-1"
    assert key["usage"] >= 0
    credits_ = call(locked.url, f"{prefix}/credits", x_api_key=KEY).json["data"]
    assert set(credits_) == {"total_credits", "total_usage"}


# counting


async def counts(visit: Visit) -> None:
    """Anthropic's count_tokens."""
    await visit.write(answer(200, b'{"input_tokens": 1234}'))


async def counts_not(visit: Visit) -> None:
    await visit.write(refusal(MESSAGES, 404))


def count(gateway_: Gateway, model: str, path: str = "/v1/messages/count_tokens", **headers: str) -> Heard:
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "word " * 400}]}).encode()
    return call(gateway_.url, path, body, anthropic_version="2023-06-01", **headers)


@pytest.mark.parametrize("path", ["", "?beta=true"])
def test_vendor_counts(path: str, upstream: Upstream, served: Gateway) -> None:
    """An upstream that can count is asked, in both versions of the API, with the client's beta."""
    model = f"u_msgs/{upstream.play(counts)}"
    heard = count(served, model, f"/v1/messages/count_tokens{path}", anthropic_beta="token-counting-2024-11-01")
    assert heard.json == {"input_tokens": 1234}
    assert upstream.last().path == "/v1/messages/count_tokens"
    assert upstream.last().headers["anthropic-beta"] == "token-counting-2024-11-01"
    assert "u_msgs" not in upstream.last().body.decode()


@pytest.mark.parametrize(("provider", "end"), [("u_resp", "/responses/input_tokens"), ("u_gem", ":countTokens")])
def test_vendors_of_other_dialects_count(provider: str, end: str, upstream: Upstream, served: Gateway) -> None:
    """What would be sent is what is counted, without what the operation does not know."""
    heard = count(served, f"{provider}/{upstream.play(counts)}")
    asked = upstream.last()
    assert heard.json == {"input_tokens": 1234} and asked.path.endswith(end)
    assert b"word word" in asked.body and b"max_output_tokens" not in asked.body


@pytest.mark.parametrize("provider", ["u_chat", "u_resp", "u_msgs"])
def test_estimate(provider: str, upstream: Upstream, served: Gateway) -> None:
    """Where nobody counts, the answer is a near estimate that says so."""
    heard = count(served, f"{provider}/{upstream.play(counts_not)}")
    assert heard.status == 200
    assert heard.json["estimated"] is True
    assert 300 < heard.json["input_tokens"] < 800


def test_who_has_no_counter_is_asked_once(upstream: Upstream, served: Gateway) -> None:
    model = f"u_resp/{upstream.play(counts_not)}"
    assert [count(served, model).json["estimated"] for _ in range(3)] == [True] * 3
    assert len(upstream.visits) == 1


def test_count_for_the_demo(served: Gateway) -> None:
    """The demo only converses; a count for it is an estimate like any other."""
    heard = count(served, "demo/echo")
    assert (heard.status, heard.json["estimated"]) == (200, True)


def test_count_by_sdk(upstream: Upstream, served: Gateway) -> None:
    """The SDK counts, by its stable and its beta method."""
    sdk: Any = client(served.url, MESSAGES)
    asked = {"model": f"u_msgs/{upstream.play(counts)}", "messages": [{"role": "user", "content": "Hello"}]}
    assert sdk.messages.count_tokens(**asked).input_tokens == 1234
    assert sdk.beta.messages.count_tokens(**asked).input_tokens == 1234


@pytest.mark.parametrize("body", [b"", b"{", b'{"model":"u_msgs/x"}', b'{"model":"nobody","messages":[{}]}'])
def test_count_of_nothing(body: bytes, served: Gateway) -> None:
    """What cannot be counted is Anthropic's error."""
    heard = call(served.url, "/v1/messages/count_tokens", body)
    assert heard.status in (400, 404)
    assert heard.json["type"] == "error"
    assert heard.headers["x-request-id"]


# what is not there


@pytest.mark.parametrize("path", UNBUILT)
def test_not_built(path: str, served: Gateway) -> None:
    """Operations of a later version say that they are not there, and SDKs do not try again."""
    for full in (path, "/api" + path):
        heard = call(served.url, full, b"{}")
        assert heard.status == 501
        code = heard.error["code"] if full == path else heard.error["metadata"]["provider_code"]
        assert code == "not_implemented"
        assert heard.headers["x-should-retry"] == "false"
        assert heard.headers["x-request-id"]
        assert full in heard.error["message"]


@pytest.mark.parametrize("path", ["/v2/chat/completions", "/v1/chat", "/v1/messages/batches", "/v1/%2e%2e/etc", "/x"])
def test_unknown_route(path: str, served: Gateway) -> None:
    """An unknown path is a 404 that names the known ones, in the dialect that it looks like."""
    heard = call(served.url, path, b"{}")
    assert heard.status == 404
    assert "/v1/chat/completions" in heard.error["message"]
    assert (heard.json.get("type") == "error") == ("messages" in path)
    assert heard.headers["x-request-id"]


@pytest.mark.parametrize("path", [PATHS[CHAT], PATHS[MESSAGES], "/v1/models", "/v1/messages/count_tokens", "/livez"])
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_wrong_method(path: str, method: str, served: Gateway) -> None:
    """A method that a path does not take is a 405 that says which one it takes."""
    heard = call(served.url, path, b"{}", method=method)
    assert heard.status == 405
    assert ("POST" if path in (*PATHS.values(), "/v1/messages/count_tokens") else "GET") in heard.headers["allow"]
    assert method in heard.error["message"]


def test_get_of_a_generation_endpoint(served: Gateway) -> None:
    """A browser that opens the endpoint learns that it takes POST."""
    heard = call(served.url, PATHS[CHAT])
    assert heard.status == 405
    assert "POST" in heard.error["message"]


# errors of upstreams, and going elsewhere


@dialects
@pytest.mark.parametrize("provider", DIALECTS)
def test_limit_is_passed_on(protocol: str, provider: str, upstream: Upstream, locked: Gateway) -> None:
    """A 429 stays one, with its hint and without an invitation to try again at once."""

    async def limited(visit: Visit) -> None:
        await visit.write(refusal(visit.protocol, 429, "retry-after: 17"))

    body = ask(protocol, f"{SHORT[provider]}/{upstream.play(limited)}")
    heard = call(locked.url, PATHS[protocol], body, x_api_key=KEY)
    assert heard.status == 429
    assert heard.headers["retry-after"] == "17"
    assert heard.headers["x-should-retry"] == "false"
    assert heard.headers["x-hexapla-attempts"] == "1"
    error = verdict(locked.url, protocol, body, key=KEY)
    assert isinstance(error, openai.RateLimitError | anthropic.RateLimitError)


@dialects
@pytest.mark.parametrize("provider", DIALECTS)
@pytest.mark.parametrize("status", [401, 402])
def test_bad_upstream_account(status: int, protocol: str, provider: str, upstream: Upstream, locked: Gateway) -> None:
    """An upstream that refuses our key or our purse is told with its own status and words, and never with our key."""

    async def unknown(visit: Visit) -> None:
        await visit.write(refusal(visit.protocol, status))

    body = ask(protocol, f"spent_{SHORT[provider]}/{upstream.play(unknown)}")
    heard = call(locked.url, PATHS[protocol], body, x_api_key=KEY)
    assert heard.status == status, heard.body
    assert heard.headers["x-should-retry"] == "false"
    assert "upstream-key" not in heard.body.decode()
    assert len(upstream.visits) == 1


@dialects
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("way", ["models", "fallbacks", "fallback_objects", "chain"])
def test_second_model_answers(way: str, stream: bool, protocol: str, fine: Upstream, locked: Gateway) -> None:
    """When the first model fails the second answers, and the headers say so."""

    async def down(visit: Visit) -> None:
        await visit.write(refusal(visit.protocol, 500))

    fine.play(down, "down")
    more: dict[str, Any] = {
        "models": {"models": ["u_chat/down", "u_msgs/fine"]},
        "fallbacks": {"fallbacks": ["u_msgs/fine"]},
        "fallback_objects": {"fallbacks": [{"model": "u_msgs/fine"}]},
        "chain": {},
    }[way]
    body = ask(protocol, "u_chat/down", stream=stream, **more)
    heard = call(locked.url, PATHS[protocol], body, x_api_key=KEY)
    assert heard.status == 200, heard.body
    assert (heard.headers["x-hexapla-provider"], heard.headers["x-hexapla-model"]) == ("u_msgs", "fine")
    assert heard.headers["x-hexapla-attempts"] == "2"
    assert b"Hello." in heard.body
    for visit in fine.visits:
        assert not {"models", "fallbacks"} & visit.asked.keys()
    record = locked.generation(heard.headers["x-request-id"], x_api_key=KEY)
    assert [attempt["model"] for attempt in record["attempts"]] == ["down", "fine"]


def test_alias(fine: Upstream, locked: Gateway) -> None:
    """A name of the user's own stands for a model."""
    heard = call(locked.url, PATHS[RESPONSES], ask(RESPONSES, "mine"), x_api_key=KEY)
    assert heard.status == 200
    assert heard.headers["x-hexapla-provider"] == "u_resp"
    assert heard.headers["x-hexapla-lane"] == "verbatim"


@dialects
def test_strict_about_losses(protocol: str, fine: Upstream, served: Gateway) -> None:
    """x-hexapla-on-loss: strict refuses what would be lost; without it the header names the loss."""
    other = {CHAT: "u_msgs", RESPONSES: "u_msgs", MESSAGES: "u_resp"}[protocol]
    lost: dict[str, Any] = {"top_k": 5} if protocol == MESSAGES else {"top_logprobs": 3}
    if protocol == CHAT:
        lost["logprobs"] = True
    body = ask(protocol, f"{other}/fine", **lost)
    heard = call(served.url, PATHS[protocol], body)
    assert heard.status == 200
    assert heard.headers["x-hexapla-losses"]
    strict = call(served.url, PATHS[protocol], body, x_hexapla_on_loss="strict")
    assert strict.status == 400
    assert next(iter(lost)) in strict.error["message"]


def test_folder_is_left_alone(served: Gateway) -> None:
    """Nothing is written to stderr by anything that clients did."""
    assert served.complaints() == ""
    assert Path(served.folder, "ledger").exists()


# pages in a browser


@dialects
@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://evil.example", 403),
        ("http://localhost.evil.example", 403),
        ("http://127.0.0.1.evil.example:6336", 403),
        ("null", 403),
        ("http://localhost:3000", 200),
        ("https://127.0.0.1", 200),
        ("http://[::1]:8080", 200),
        ("vscode-webview://panel", 200),
        ("app://client", 200),
    ],
)
def test_other_peoples_pages_cannot_spend(origin: str, status: int, protocol: str, served: Gateway) -> None:
    """Where no key is needed a browser's page of another site is refused, also for models and the ledger."""
    body = ask(protocol, "demo/echo")
    heard = call(served.url, PATHS[protocol], body, origin=origin, content_type="text/plain")
    assert heard.status == status
    assert status == 200 or "[[keys]]" in heard.error["message"]
    assert call(served.url, "/v1/models", origin=origin).status == status


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example", 403),
        ("evil.example:6336", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example:6336", 403),
        ("127.0.0.1:6336@evil.example", 400),
        ("", 403),
        ("localhost", 200),
        ("LOCALHOST:6336", 200),
        ("127.0.0.1:1", 200),
        ("[::1]:6336", 200),
        ("192.168.1.5:6336", 200),
        ("mine.test:6336", 200),
        ("Mine.Test.", 200),
    ],
)
@pytest.mark.parametrize("path", [*PATHS.values(), "/v1/models", "/metrics"])
def test_a_name_that_was_made_to_lead_here_is_refused(host: str, status: int, path: str, named: Gateway) -> None:
    """A page whose name a resolver leads to this machine has no foreign origin; where no key is needed it is refused by
    the name, addresses and names that the operator trusts are not."""
    posted = {at: ask(protocol, "demo/echo") for protocol, at in PATHS.items()}
    heard = call(named.url, path, posted.get(path), host=host)
    assert heard.status == status
    assert status != 403 or ("server.hosts" in heard.error["message"] and "[[keys]]" in heard.error["message"])


@pytest.mark.parametrize(("access", "without", "with_key"), [("open", 200, 200), ("key", 401, 200), ("off", 404, 404)])
def test_who_reads_the_metrics(access: str, without: int, with_key: int, tmp_path: Path) -> None:
    with gateway(tmp_path, f'keys = ["{KEY}"]\n[server]\nmetrics = "{access}"\n') as running:
        assert call(running.url, "/metrics").status == without
        assert call(running.url, "/metrics", x_api_key=KEY).status == with_key


def test_a_page_at_a_trusted_name_is_served(named: Gateway) -> None:
    """It is the operator's own."""
    for origin, status in (("http://mine.test:6336", 200), ("http://mine.test.evil.example", 403)):
        body = ask("openai_chat", "demo/echo")
        assert call(named.url, PATHS["openai_chat"], body, host="mine.test:6336", origin=origin).status == status


def test_any_name_will_do_where_a_key_is_needed(locked: Gateway, fine: Upstream) -> None:
    """The key is what a page does not have."""
    body = ask("openai_chat", "u_chat/fine")
    assert call(locked.url, PATHS["openai_chat"], body, host="gateway.example", x_api_key=KEY).status == 200
    assert call(locked.url, "/metrics", host="gateway.example").status == 200


def test_a_page_with_a_key_is_served(locked: Gateway, fine: Upstream) -> None:
    """Whoever has a key may ask from anywhere."""
    body = ask("openai_chat", "u_chat/fine")
    assert call(locked.url, PATHS["openai_chat"], body, origin="https://app.example", x_api_key=KEY).status == 200
