"""What OpenRouter's clients look for in answers: at /api/v1 in its own shape, at /v1 beside the dialect's fields."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from server.client import Heard, call
from server.running import SHORT, Gateway, gateway, providers
from server.upstream import Script, Upstream, Visit
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
    broken,
    chunk,
    ending,
    opening,
    piece,
    refusal,
    whole,
)

HUB = {CHAT: MESSAGES, MESSAGES: RESPONSES, RESPONSES: CHAT}
"""For each dialect an upstream that speaks another one."""

dialects = pytest.mark.parametrize("protocol", DIALECTS)


async def fine(visit: Visit) -> None:
    protocol = visit.protocol
    if visit.stream:
        await visit.write(STREAM + chunk(opening(protocol)) + chunk(piece(protocol, "Hello.")))
        await visit.write(chunk(ending(protocol, "Hello.")) + LAST)
    else:
        await visit.write(whole(protocol))


async def down(visit: Visit) -> None:
    await visit.write(refusal(visit.protocol, 500))


async def busy(visit: Visit) -> None:
    await visit.write(refusal(visit.protocol, 429, "retry-after: 40"))


async def breaks(visit: Visit) -> None:
    protocol = visit.protocol
    await visit.write(
        STREAM + chunk(opening(protocol)) + chunk(piece(protocol, "Hel")) + chunk(broken(protocol)) + LAST
    )


def said(heard: Heard) -> list[Any]:
    """The events of a stream."""
    lines = heard.body.decode().splitlines()
    data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    return [json.loads(each) for each in data if each != "[DONE]"]


def asked(served: Gateway, protocol: str, model: str, *, prefix: str = "/api", **more: Any) -> Heard:
    headers = more.pop("headers", {})
    return call(served.url, prefix + PATHS[protocol], ask(protocol, model, **more), **headers)


# errors


@dialects
def test_an_unknown_model(protocol: str, served: Gateway) -> None:
    """A 400 at /api/v1, as there, with the nearest names; the dialect's 404 at /v1 with the same beside it."""
    error = asked(served, protocol, "nobody-knows-it").error
    assert error["availability"] == {
        "code": "model_not_found",
        "retryable": False,
        "requested_models": ["nobody-knows-it"],
        "docs_url": "https://openrouter.ai/docs/errors#model_not_found",
    }
    near = asked(served, protocol, "claude-sonet-4-5").error["availability"]["fallback_models"]
    assert near[0].endswith("/claude-sonnet-4-5") and len(near) == 3
    heard = asked(served, protocol, "nobody-knows-it", prefix="")
    assert (heard.status, heard.error["availability"]["code"]) == (404, "model_not_found")
    if protocol == MESSAGES:
        assert error["type"] == "not_found_error" and error["error_type"] == "invalid_request"
    else:
        assert error["code"] == 400 and error["metadata"]["error_type"] == "invalid_request"
        assert heard.error["code"] == "model_not_found" and heard.error["metadata"]["error_type"] == "invalid_request"


@dialects
def test_a_failure_with_its_history(protocol: str, upstream: Upstream, served: Gateway) -> None:
    """Every attempt by provider, code and status, and never what an upstream's body said."""
    first, second = upstream.play(busy), upstream.play(busy)
    heard = asked(served, protocol, f"u_chat/{first}", models=[f"u_msgs/{second}"])
    error, value = heard.error, heard.json
    metadata = value["metadata"] if protocol == MESSAGES else error["metadata"]
    assert heard.status == 429
    assert {(each["provider"], each["status"]) for each in metadata["previous_errors"]} == {
        ("u_chat", 429),
        ("u_msgs", 429),
    }
    assert error["availability"]["code"] == "capacity_exhausted" and error["availability"]["retryable"]
    assert error["availability"]["affected_providers"] == ["u_chat", "u_msgs"]
    assert error["availability"]["retry_after"] == float(heard.headers["retry-after"]) == 40
    if protocol == MESSAGES:
        assert error["error_type"] == "rate_limit_exceeded"
        assert value["request_id"] == heard.headers["x-generation-id"]
    else:
        assert (error["code"], metadata["error_type"]) == (429, "rate_limit_exceeded")


@pytest.mark.parametrize(
    ("wish", "code", "excluded"),
    [
        ({"only": ["nobody"]}, "no_endpoints", ["allowed_providers"]),
        ({"zdr": True}, "privacy_restricted", ["data_policy:zdr"]),
        ({"quantizations": ["fp4"]}, "constraint_filtered", ["quantization"]),
    ],
)
def test_which_wish_left_nobody(wish: dict[str, Any], code: str, excluded: list[str], served: Gateway) -> None:
    """404, and the filters that removed whom."""
    heard = asked(served, CHAT, "u_chat/any", provider=wish)
    told = heard.error["availability"]
    assert (heard.status, told["code"], told["excluded_by"], told["affected_providers"]) == (
        404,
        code,
        excluded,
        ["u_chat"],
    )
    assert ("constraint" in told) == (code == "constraint_filtered")
    assert [each["endpoint"] for each in heard.error["metadata"]["rejected"]] == ["u_chat/any"]


def test_parameters_that_nobody_takes(upstream: Upstream, served: Gateway) -> None:
    """With `require_parameters` a 404 as there; without it the parameter is a loss."""
    model = f"u_msgs/{upstream.play(fine)}"
    heard = asked(served, CHAT, model, seed=7, provider={"require_parameters": True})
    told = heard.error["availability"]
    assert (heard.status, heard.error["code"], heard.error["metadata"]["error_type"]) == (404, 404, "not_found")
    assert (told["code"], told["excluded_by"]) == ("constraint_filtered", ["require_parameters"])
    assert told["constraint"]["field"] == "require_parameters" and "seed" in told["constraint"]["detail"]
    assert asked(served, CHAT, model, seed=7).status == 200


def test_errors_before_a_request_is_known(served: Gateway) -> None:
    """A body that is none, in OpenRouter's shape as well."""
    heard = call(served.url, "/api/v1/chat/completions", b"{")
    assert (heard.status, heard.error["code"], heard.error["metadata"]["error_type"]) == (400, 400, "invalid_request")
    assert "availability" not in heard.error


# answers


@dialects
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("hub", [False, True], ids=["verbatim", "hub"])
def test_router_metadata(protocol: str, stream: bool, hub: bool, upstream: Upstream, served: Gateway) -> None:
    """Once, at the end, for who asked for it: attempts, endpoints, who answered."""
    provider = SHORT[HUB[protocol] if hub else protocol]
    failing, model = upstream.play(down), upstream.play(fine)
    more: dict[str, Any] = {"models": [f"{provider}/{model}"], "stream": stream}
    heard = asked(served, protocol, f"{provider}/{failing}", headers={"x_openrouter_metadata": "Enabled"}, **more)
    assert heard.status == 200, heard.body
    values = said(heard) if stream else [heard.json]
    held = [value.get("response", value) for value in values]
    (noted,) = [value["openrouter_metadata"] for value in held if "openrouter_metadata" in value]
    assert noted["requested"] == f"{provider}/{failing}" and noted["strategy"] == "fallback"
    assert [(each["model"], each["status"]) for each in noted["attempts"]][-1] == (model, 200)
    assert {each["status"] for each in noted["attempts"][:-1]} == {500}
    assert noted["attempt"] == int(heard.headers["x-hexapla-attempts"])
    assert noted["endpoints"]["total"] == 2
    assert [each["model"] for each in noted["endpoints"]["available"] if each["selected"]] == [model]
    assert noted["summary"] == f"available=2, selected={provider}"
    assert "openrouter_metadata" in held[-1]
    silent = asked(served, protocol, f"{provider}/{model}", stream=stream)
    assert b"openrouter_metadata" not in silent.body


def test_router_metadata_of_a_refusal(upstream: Upstream, served: Gateway) -> None:
    """At the top of the body, with nobody selected; none for a request that cannot be read."""
    headers = {"x_openrouter_metadata": "enabled"}
    noted = asked(served, CHAT, f"u_chat/{upstream.play(busy)}", headers=headers).json["openrouter_metadata"]
    assert not any(each["selected"] for each in noted["endpoints"]["available"]) and noted["attempt"] >= 1
    assert asked(served, CHAT, "nobody", headers=headers).json["openrouter_metadata"]["attempt"] == 0
    assert "openrouter_metadata" not in call(served.url, "/api/v1/chat/completions", b"{", **headers).json


@pytest.mark.parametrize("protocol", [CHAT, RESPONSES])
@pytest.mark.parametrize("hub", [False, True], ids=["verbatim", "hub"])
def test_what_was_sent_upstream(protocol: str, hub: bool, upstream: Upstream, served: Gateway) -> None:
    """One note for each provider that was asked, before the first event; a whole answer has no place for it."""
    provider = SHORT[HUB[protocol] if hub else protocol]
    failing, model = upstream.play(down), upstream.play(fine)
    more: dict[str, Any] = {"debug": {"echo_upstream_body": True}, "models": [f"{provider}/{model}"]}
    events = said(asked(served, protocol, f"{provider}/{failing}", stream=True, **more))
    echoes = [event["debug"]["echo_upstream_body"] for event in events if "debug" in event]
    sent = [visit.asked for visit in upstream.visits]
    assert echoes == sent and [each["model"] for each in echoes][-1] == model
    assert all("debug" in event for event in events[: len(echoes)])
    if protocol == RESPONSES:
        assert events[0]["type"] == "response.debug"
    else:
        assert events[0]["choices"] == [] and events[0]["object"] == "chat.completion.chunk"
    assert b"echo_upstream_body" not in asked(served, protocol, f"{provider}/{model}", **more).body


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_who_served_and_why_it_stopped(stream: bool, upstream: Upstream, served: Gateway) -> None:
    """`provider` and `native_finish_reason` in translated answers; a stream always tells its usage."""
    model = f"u_msgs/{upstream.play(fine)}"
    heard = asked(served, CHAT, model, stream=stream)
    values = said(heard) if stream else [heard.json]
    assert {value["provider"] for value in values} == {"u_msgs"}
    natives = [
        choice["native_finish_reason"] for value in values for choice in value["choices"] if choice["finish_reason"]
    ]
    assert natives == ["end_turn"]
    assert values[-1]["usage"]["prompt_tokens"] == 3
    plain = asked(served, CHAT, model, prefix="", stream=stream)
    assert b'"provider"' not in plain.body and (b'"usage"' in plain.body) == (not stream)
    assert heard.headers["x-generation-id"] == heard.headers["x-request-id"]


def test_a_verbatim_stream_tells_its_usage(upstream: Upstream, served: Gateway) -> None:
    """It is asked for and stays in; the client need not say so."""

    async def counted(visit: Visit) -> None:
        counts = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}\n\n'
        end = ending(CHAT, "Hi.").replace(b"data: [DONE]", counts + b"data: [DONE]")
        await visit.write(STREAM + chunk(opening(CHAT) + piece(CHAT, "Hi.")) + chunk(end) + LAST)

    model = f"u_chat/{upstream.play(counted)}"
    heard = asked(served, CHAT, model, stream=True)
    assert upstream.last().asked["stream_options"] == {"include_usage": True}
    assert heard.headers["x-hexapla-lane"] == "verbatim" and b'"choices":[]' in heard.body
    assert b'"usage"' not in asked(served, CHAT, model, prefix="", stream=True).body


@dialects
def test_a_stream_that_breaks(protocol: str, upstream: Upstream, served: Gateway) -> None:
    """The error in the words that OpenRouter documents for each dialect, in the Hub lane."""
    heard = asked(served, protocol, f"{SHORT[HUB[protocol]]}/{upstream.play(breaks)}", stream=True)
    last = said(heard)[-1]
    if protocol == CHAT:
        assert last["choices"] == [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]
        assert last["error"]["code"] >= 500 and last["error"]["metadata"]["error_type"] == "provider_unavailable"
        assert last["provider"] == "u_msgs" and b"[DONE]" not in heard.body
    elif protocol == MESSAGES:
        assert (last["type"], last["error"]["error_type"]) == ("error", "provider_unavailable")
    else:
        assert last["type"] == "response.failed" and last["response"]["error_type"] == "provider_unavailable"


# fallbacks

TRIGGERS = {
    "context length": (
        400,
        {"message": "This model's maximum context length is 10 tokens.", "code": "context_length_exceeded"},
    ),
    "moderation": (400, {"message": "Flagged.", "code": "content_filter"}),
    "moderation with 403": (403, {"message": "Your input was flagged by moderation."}),
    "rate limit": (429, {"message": "Slow down."}),
    "down": (503, {"message": "Overloaded."}),
    "server error": (500, {"message": "Oops."}),
    "model gone": (404, {"message": "No such model."}),
    "parameter refused": (400, {"message": "Unknown parameter."}),
    "too large": (413, {"message": "Too much."}),
}


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_any_error_leads_to_the_next_model(trigger: str, upstream: Upstream, served: Gateway) -> None:
    """And the answer's `model` and the record are those of the one that answered."""
    status, error = TRIGGERS[trigger]

    async def fails(visit: Visit) -> None:
        await visit.write(answer(status, json.dumps({"error": error}).encode(), "retry-after: 100"))

    first, second = upstream.play(fails), upstream.play(fine)
    heard = asked(served, CHAT, f"u_chat/{first}", models=[f"u_msgs/{second}"], route="fallback")
    assert (heard.status, heard.headers["x-hexapla-model"]) == (200, second), heard.body
    assert heard.json["model"] == "m"  # as the upstream that answered calls it
    record = served.generation(heard.headers["x-generation-id"])
    assert (record["model"], [each["model"] for each in record["attempts"]]) == (second, [first, second])


# records and routes


def test_a_generation_in_openrouters_words(upstream: Upstream, served: Gateway) -> None:
    """Every attempt, times in milliseconds, and our own record beside it; at /v1 the record alone."""
    failing, model = upstream.play(down), upstream.play(fine)
    heard = asked(
        served, CHAT, f"u_msgs/{failing}", models=[f"u_msgs/{model}"], stream=True, headers={"x_session_id": "s-1"}
    )
    answer_id = heard.headers["x-generation-id"]
    found = call(served.url, f"/api/v1/generation?id={answer_id}").json["data"]
    assert (found["id"], found["model"], found["provider_name"]) == (answer_id, model, "u_msgs")
    assert (found["finish_reason"], found["native_finish_reason"]) == ("stop", "end_turn")
    assert (found["tokens_prompt"], found["tokens_completion"], found["session_id"]) == (3, 2, "s-1")
    assert found["streamed"] and not found["cancelled"] and found["upstream_id"] == "msg_1"
    assert [each["status"] for each in found["provider_responses"]][-1] == 200
    assert {each["status"] for each in found["provider_responses"][:-1]} == {500}
    assert isinstance(found["latency"], int) and found["cache_discount"] is None
    assert found["record"] == served.generation(answer_id)


@pytest.mark.parametrize("path", ["/v1/route", "/api/v1/route"])
def test_a_route_before_it_is_taken(path: str, upstream: Upstream, served: Gateway) -> None:
    """Nothing is sent; the dialect is told by the body or the query; refusals are what the request would hear."""
    model = upstream.play(fine)
    told = call(served.url, path, ask(CHAT, f"u_chat/{model}", models=[f"u_msgs/{model}"])).json
    assert [(each["provider"], each["lane"]) for each in told["candidates"]] == [
        ("u_chat", "verbatim"),
        ("u_msgs", "hub"),
    ]
    assert [each["stands_for"] for each in told["candidates"]] == [f"u_chat/{model}", f"u_msgs/{model}"]
    body = ask(MESSAGES, f"u_chat/{model}")
    assert call(served.url, path + "?dialect=anthropic_messages", body).json["candidates"][0]["lane"] == "hub"
    assert call(served.url, path, ask(RESPONSES, f"u_resp/{model}")).json["candidates"][0]["lane"] == "verbatim"
    assert call(served.url, path, b'{"model":"x"}').status == 400
    assert "body is empty" in call(served.url, path, b"").error["message"]
    assert call(served.url, path, ask(CHAT, "nobody-knows-it")).status == 404
    assert not upstream.visits


@pytest.mark.parametrize("protocol", [CHAT, RESPONSES])
@pytest.mark.parametrize("hub", [False, True], ids=["verbatim", "hub"])
def test_what_openrouters_sdk_demands(protocol: str, hub: bool, upstream: Upstream, served: Gateway) -> None:
    """Fields without which it takes a whole answer for none, as null; at /v1 an answer of the dialect's is left alone."""
    provider = SHORT[HUB[protocol] if hub else protocol]
    model = f"{provider}/{upstream.play(fine)}"
    value = asked(served, protocol, model).json
    demanded = ["system_fingerprint"] if protocol == CHAT else ["completed_at", "presence_penalty", "frequency_penalty"]
    assert [value[name] for name in demanded] == [None] * len(demanded)
    assert protocol == RESPONSES or value["provider"] == provider
    plain = asked(served, protocol, model, prefix="")
    assert hub or plain.body == whole(protocol).partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("hub", [False, True], ids=["verbatim", "hub"])
def test_what_openrouters_sdk_demands_of_a_stream(hub: bool, upstream: Upstream, served: Gateway) -> None:
    """A response in an event without these fields makes it an unknown event there."""
    provider = SHORT[HUB[RESPONSES] if hub else RESPONSES]
    heard = asked(served, RESPONSES, f"{provider}/{upstream.play(fine)}", stream=True)
    told = [event for event in said(heard) if "response" in event]
    assert {event["type"] for event in told} >= {"response.created", "response.completed"}
    for event in told:
        assert event["response"].keys() >= {"completed_at", "presence_penalty", "frequency_penalty"}


async def thinks(visit: Visit) -> None:
    """In the field that most Chat providers have for it."""
    data = b"".join(
        b'data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":%b}]}\n\n' % delta
        for delta in (b'{"reasoning_content":"h"}', b'{"reasoning_content":"m"}')
    )
    if visit.stream:
        await visit.write(STREAM + chunk(opening(CHAT)) + chunk(data) + chunk(piece(CHAT, "Hello.")))
        await visit.write(chunk(ending(CHAT, "Hello.")) + LAST)
    else:
        body = whole(CHAT).partition(b"\r\n\r\n")[2]
        await visit.write(answer(200, body.replace(b'"content":', b'"reasoning_content":"hm","content":')))


@pytest.mark.parametrize("stream", [False, True])
def test_thought_stands_where_openrouters_clients_look(stream: bool, upstream: Upstream, served: Gateway) -> None:
    """Of an upstream of the same dialect too, whose answer is left alone at /v1."""
    model = f"u_chat/{upstream.play(thinks)}"
    heard = asked(served, CHAT, model, stream=stream)
    name = "delta" if stream else "message"
    values = said(heard) if stream else [heard.json]
    told = [choice[name] for value in values for choice in value["choices"]]
    for field in ("reasoning", "reasoning_content"):
        assert "".join(each.get(field) or "" for each in told) == "hm"
    details = [entry for each in told for entry in each.get("reasoning_details", ())]
    assert "".join(entry["text"] for entry in details) == "hm" and {entry["index"] for entry in details} == {0}
    assert b'"reasoning"' not in asked(served, CHAT, model, stream=stream, prefix="").body


# prices

CURRENCIES = {"u_chat": "CNY", "u_resp": "USD", "u_msgs": "USD"}
PRICED = "".join(
    f'[[models.{name}]]\nid = "priced"\nprice = {{ currency = "{currency}", input = 10, output = 20, cached = 1 }}\n'
    for name, currency in CURRENCIES.items()
)


@pytest.fixture(scope="module")
def shop(_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that knows what some models cost."""
    settings = "[routing]\nusd = { CNY = 10 }\n" + PRICED + providers(_upstream.url)
    with gateway(tmp_path_factory.mktemp("shop"), settings) as running:
        yield running


COUNTS: dict[str, dict[str, Any]] = {
    CHAT: {"prompt_tokens": 1000, "completion_tokens": 100, "prompt_tokens_details": {"cached_tokens": 600}},
    RESPONSES: {
        "input_tokens": 1000,
        "input_tokens_details": {"cached_tokens": 600},
        "output_tokens": 100,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 1100,
    },
    MESSAGES: {"input_tokens": 400, "cache_read_input_tokens": 600, "output_tokens": 100},
}
INPUT, OUTPUT = (400 * 10 + 600 * 1) / 1e6, 100 * 20 / 1e6


def counting(**more: Any) -> Script:
    """The answer, with counts in it that are worth something, and `more` beside them."""

    async def play(visit: Visit) -> None:
        protocol = visit.protocol
        usage = json.dumps(COUNTS[protocol] | more).encode()
        if not visit.stream:
            body = json.loads(whole(protocol).partition(b"\r\n\r\n")[2])
            await visit.write(answer(200, json.dumps(body | {"usage": json.loads(usage)}).encode()))
            return
        end = re.sub(rb'(?<="usage": )\{"(?:\{.*?\}|[^{}])*\}', lambda found: usage, ending(protocol, "Hi."))
        if protocol == CHAT:
            end = end.replace(b"data: [DONE]", b'data: {"choices": [], "usage": %b}\n\ndata: [DONE]' % usage)
        await visit.write(STREAM + chunk(opening(protocol) + piece(protocol, "Hi.")) + chunk(end) + LAST)

    return play


def usages(heard: Heard, protocol: str, *, stream: bool) -> list[dict[str, Any]]:
    """Every usage that a stream or an answer tells."""
    values = said(heard) if stream else [heard.json]
    told = [value.get("response") or value.get("message") or value for value in values]
    return [value["usage"] for value in told if value.get("usage")]


@dialects
@pytest.mark.parametrize("hub", [False, True], ids=["verbatim", "hub"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_what_it_cost(protocol: str, hub: bool, stream: bool, upstream: Upstream, shop: Gateway) -> None:
    """In dollars in the last usage of an answer, as in the record, and with its two parts; at /v1 nothing is added."""
    upstream.play(counting(), "priced")
    provider = SHORT[HUB[protocol] if hub else protocol]
    heard = asked(shop, protocol, f"{provider}/priced", stream=stream)
    assert heard.headers["x-hexapla-lane"] == ("hub" if hub else "verbatim")
    *before, usage = usages(heard, protocol, stream=stream)
    assert not any("cost" in each for each in before)
    rate = 10 if CURRENCIES[provider] == "CNY" else 1
    assert (usage["cost"], usage["is_byok"]) == (pytest.approx((INPUT + OUTPUT) / rate), False)
    names = ("input", "output") if protocol == RESPONSES else ("prompt", "completions")
    details = usage["cost_details"]
    assert details.pop("upstream_inference_cost") is None  # programs add it to `cost`
    assert details == {
        f"upstream_inference_{name}_cost": pytest.approx(part / rate) for name, part in zip(names, (INPUT, OUTPUT))
    }
    found = call(shop.url, f"/api/v1/generation?id={heard.headers['x-generation-id']}").json["data"]
    assert found["total_cost"] == pytest.approx(usage["cost"])
    assert found["cache_discount"] == pytest.approx(600 * 9 / 1e6 / rate)
    assert found["cost"]["currency"] == CURRENCIES[provider]
    assert b'"cost"' not in asked(shop, protocol, f"{provider}/priced", prefix="", stream=stream).body


@dialects
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_what_upstream_says_it_cost(protocol: str, stream: bool, upstream: Upstream, shop: Gateway) -> None:
    """A bill of the provider's own stands as it is, and what nobody knows the price of has none."""
    told = {"cost": 0.25, "is_byok": True}
    upstream.play(counting(**told), "priced")
    *_, usage = usages(asked(shop, protocol, f"{SHORT[protocol]}/priced", stream=stream), protocol, stream=stream)
    assert {name: value for name, value in usage.items() if name not in COUNTS[protocol]} == told
    model = upstream.play(counting())
    assert b'"cost' not in asked(shop, protocol, f"{SHORT[protocol]}/{model}", stream=stream).body


def test_what_an_answer_of_two_cost(upstream: Upstream, shop: Gateway) -> None:
    """Who broke off is paid as well as who went on; a sum is not taken apart."""

    async def play(visit: Visit) -> None:
        if visit.protocol == RESPONSES:
            await visit.write(STREAM + chunk(opening(RESPONSES)) + chunk(piece(RESPONSES, "Once upon a time ")))
            visit.reset()
        else:
            await counting()(visit)

    upstream.play(play, "priced")
    heard = asked(
        shop,
        CHAT,
        "u_resp/priced",
        models=["u_msgs/priced"],
        stream=True,
        headers={"x_hexapla_resume": "true"},
    )
    (usage,) = usages(heard, CHAT, stream=True)
    found = call(shop.url, f"/api/v1/generation?id={heard.headers['x-generation-id']}").json["data"]
    assert len(found["provider_responses"]) == 2 and found["record"]["resumed"] == 1
    assert usage["cost"] == pytest.approx(found["total_cost"]) and usage["cost"] > INPUT + OUTPUT
    assert "cost_details" not in usage
