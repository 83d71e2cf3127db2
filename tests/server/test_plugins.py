"""Plugins of a running gateway: who searches the web, what the client hears and what is recorded; JSON; PDFs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from fakes.pdf import pdf
from fakes.search import KEY, PAGES, Service
from server.client import Heard, begin, call
from server.running import Gateway, gateway, providers
from server.test_openrouter import down, fine
from server.upstream import Upstream, Visit
from server.wire import (
    CHAT,
    DIALECTS,
    LAST,
    MESSAGES,
    PATHS,
    RESPONSES,
    STREAM,
    ask,
    chunk,
    ending,
    opening,
    piece,
    whole,
)

WEB = {"plugins": [{"id": "web"}]}
URL = PAGES[0][0]


@pytest.fixture(scope="module")
def _service() -> Iterator[Service]:
    with Service().running() as service:
        yield service


@pytest.fixture
def service(_service: Service) -> Service:
    _service.kind, _service.status = "exa", 0
    _service.asked.clear()
    return _service


@pytest.fixture(scope="module")
def searching(_upstream: Upstream, _service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with a search service, and a provider that searches itself."""
    own = providers(_upstream.url) + (
        '[providers.finder]\nauth = { kind = "api_key", key = "upstream-key" }\n'
        f'[[providers.finder.endpoints]]\nprotocol = "openai_responses"\nbase_url = "{_upstream.url}/v1"\n'
        '[providers.finder.endpoints.quirks]\nsearch = { tool = { type = "web_search" } }\n'
        '[[models.u_chat]]\nid = "heron"\ninput_modalities = ["text"]\n'
        f'[search]\nkind = "exa"\nkey = "{KEY}"\nurl = "{_service.url}"\ntimeout = 5\nresults = 2\n'
    )
    with gateway(tmp_path_factory.mktemp("searching"), own) as running:
        yield running


def asked(served: Gateway, protocol: str, model: str, **more: Any) -> Heard:
    return call(served.url, PATHS[protocol], ask(protocol, model, **more))


async def says(visit: Visit) -> None:
    """Answer with a link to the first page."""
    protocol, text = visit.protocol, f"See [it]({URL})."
    if visit.stream:
        await visit.write(
            STREAM + chunk(opening(protocol)) + chunk(piece(protocol, text)) + chunk(ending(protocol, text))
        )
        await visit.write(LAST)
    else:
        await visit.write(whole(protocol, text))


@pytest.mark.parametrize("protocol", DIALECTS)
@pytest.mark.parametrize("stream", [False, True])
def test_the_gateway_searches_where_the_endpoint_does_not(
    protocol: str, stream: bool, upstream: Upstream, searching: Gateway, service: Service
) -> None:
    """One search; the model is told what was found, the client whom it rests on, the record what it cost."""
    heard = asked(searching, protocol, f"u_chat/{upstream.play(says)}", stream=stream, **WEB)
    assert heard.status == 200 and URL.encode() in heard.body and b"herons.example.org" in heard.body
    assert len(service.asked) == 1
    body = upstream.last().body.decode()
    assert PAGES[0][2] in body and PAGES[1][0] in body and PAGES[2][0] not in body and "plugins" not in body
    record = searching.generation(heard.headers["x-request-id"])
    first = record["attempts"][0]
    assert (first["provider"], first["protocol"], first["cost"]["nanos"]) == ("exa", "search", 7_000_000)
    assert heard.headers["x-hexapla-attempts"] == "1"


def test_the_endpoint_searches_where_it_can(upstream: Upstream, searching: Gateway, service: Service) -> None:
    """Unless the request wants somebody else's search."""
    model = f"finder/{upstream.play(fine)}"
    assert asked(searching, CHAT, model, **WEB).status == 200
    assert upstream.last().asked["tools"] == [{"type": "web_search"}] and not service.asked
    assert asked(searching, CHAT, model, plugins=[{"id": "web", "engine": "exa"}]).status == 200
    assert "tools" not in upstream.last().asked and len(service.asked) == 1


def test_others_are_asked_after_a_search_when_that_fails(
    upstream: Upstream, searching: Gateway, service: Service
) -> None:
    """Only then; the client hears of both attempts."""
    bad, good = upstream.play(down), upstream.play(fine)
    heard = asked(searching, CHAT, f"finder/{bad}", models=[f"u_msgs/{good}"], **WEB)
    assert heard.status == 200 and heard.headers["x-hexapla-provider"] == "u_msgs" and len(service.asked) == 1
    assert PAGES[0][2] in upstream.last().body.decode()
    record = searching.generation(heard.headers["x-request-id"])
    assert [each["provider"] for each in record["attempts"]][-1] == "u_msgs"
    assert int(heard.headers["x-hexapla-attempts"]) == len(record["attempts"]) - 1 > 1


def test_online(upstream: Upstream, searching: Gateway, service: Service) -> None:
    """Everybody can be asked as `:online`."""
    heard = asked(searching, MESSAGES, f"u_chat/{upstream.play(fine, 'heron')}:online")
    assert heard.status == 200 and len(service.asked) == 1


def test_the_only_tool_is_another_vendors(upstream: Upstream, searching: Gateway, service: Service) -> None:
    """What Claude Code sends to search the web, at a model that has never heard of the tool."""
    tool = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8, "blocked_domains": ["example.org"]}
    choice = {"type": "auto"}  # it is the only tool there is
    heard = asked(searching, MESSAGES, f"u_chat/{upstream.play(fine)}", tools=[tool], tool_choice=choice)
    kinds = [block["type"] for block in heard.json["content"]]
    assert kinds == ["server_tool_use", "web_search_tool_result", "text"]
    assert heard.status == 200 and "tools" not in upstream.last().asked and "tool_choice" not in upstream.last().asked
    assert json.loads(service.asked[0][1])["excludeDomains"] == ["example.org"]
    assert PAGES[1][0] in upstream.last().body.decode() and PAGES[0][0] not in upstream.last().body.decode()


@pytest.mark.parametrize("protocol", DIALECTS)
@pytest.mark.parametrize(
    ("status", "heard_status", "word"), [(401, 502, "key"), (429, 429, "limit"), (500, 502, "failed")]
)
def test_a_search_that_fails(
    protocol: str, status: int, heard_status: int, word: str, upstream: Upstream, searching: Gateway, service: Service
) -> None:
    """Is said to the client in its dialect, before anybody was asked, without the service's own words or our key."""
    model = f"u_chat/{upstream.play(fine)}"
    service.status = status
    heard = asked(searching, protocol, model, **WEB)
    assert heard.status == heard_status and "The search service exa did not answer" in heard.error["message"]
    assert word in heard.error["message"] and not upstream.visits
    assert KEY.encode() not in heard.body and b"herons" not in heard.body
    record = searching.generation(heard.headers["x-request-id"])
    assert record["outcome"] != "ok" and record["status"] == heard_status


def test_a_client_that_leaves_ends_the_search(upstream: Upstream, searching: Gateway, service: Service) -> None:
    service.status = -1
    service.stuck.clear()
    service.gone.clear()
    with begin(searching.url, PATHS[RESPONSES], ask(RESPONSES, f"u_chat/{upstream.play(fine)}", **WEB)):
        assert service.stuck.wait(5)
    assert service.gone.wait(5) and not upstream.visits


@pytest.mark.parametrize("protocol", DIALECTS)
def test_where_nobody_searches(protocol: str, upstream: Upstream, served: Gateway) -> None:
    """An explicit wish is refused with what to configure; a request without one is served as ever."""
    model = f"u_chat/{upstream.play(fine)}"
    heard = asked(served, protocol, model, **WEB)
    assert heard.status == 404 and "[search] in hexapla.toml" in heard.error["message"]
    assert asked(served, protocol, model).status == 200


def test_a_pdf_for_a_model_that_reads_none(upstream: Upstream, searching: Gateway) -> None:
    """Its text; whoever may read it gets it as it is."""
    name, other = upstream.play(fine, "heron"), upstream.play(fine)
    file = {"filename": "herons.pdf", "file_data": f"data:application/pdf;base64,{pdf('Three herons.')}"}
    talk = [{"role": "user", "content": [{"type": "text", "text": "Herons?"}, {"type": "file", "file": file}]}]
    parser = {"messages": talk, "plugins": [{"id": "file-parser"}]}
    assert asked(searching, CHAT, f"u_chat/{name}", **parser).status == 200
    assert "[herons.pdf]\\nThree herons." in upstream.last().body.decode()
    assert asked(searching, CHAT, f"u_chat/{other}", **parser).status == 200
    assert upstream.last().asked["messages"] == talk
    file["file_data"] = "data:application/pdf;base64,bm8="
    heard = asked(searching, CHAT, f"u_chat/{name}", **parser)
    assert heard.status == 400 and "'herons.pdf' cannot be read" in heard.error["message"]


def test_mended_json(upstream: Upstream, searching: Gateway) -> None:
    async def almost(visit: Visit) -> None:
        await visit.write(whole(visit.protocol, "{herons: 3,}"))

    wish = {"response_format": {"type": "json_object"}, "plugins": [{"id": "response-healing"}]}
    heard = asked(searching, CHAT, f"u_msgs/{upstream.play(almost)}", **wish)
    assert heard.json["choices"][0]["message"]["content"] == '{"herons":3}'


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_the_pipeline_is_told(stream: bool, upstream: Upstream, service: Service, searching: Gateway) -> None:
    """What was done beside the answer stands in the router's metadata; nothing does where nothing was."""
    model = upstream.play(says)
    for more, names in (
        (WEB, ["web"]),
        ({"plugins": [{"id": "response-healing"}], "response_format": {"type": "json_object"}}, ["response-healing"]),
        ({}, None),
    ):
        body = ask(CHAT, f"u_chat/{model}", stream=stream, **more)
        heard = call(searching.url, "/api/v1/chat/completions", body, x_openrouter_metadata="enabled")
        lines = [line[6:] for line in heard.body.splitlines() if b"openrouter_metadata" in line]
        noted = json.loads(lines[-1] if stream else heard.body)["openrouter_metadata"]
        if stream and names == ["response-healing"]:
            names = None  # only whole answers are mended
        assert [stage["name"] for stage in noted["pipeline"]] == names if names else "pipeline" not in noted
