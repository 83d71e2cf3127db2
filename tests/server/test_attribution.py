"""Whose answer it was: the record names who served, also when heartbeats of somebody else came before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from server.client import call
from server.running import Gateway, gateway
from server.upstream import Upstream, Visit
from server.wire import DIALECTS, LAST, PATHS, STREAM, ask, chunk, ending, opening, piece

FIRST = 0.6  # seconds; a heartbeat comes before

SETTINGS = f"""
[timeouts]
beat = 0.05
first = {FIRST}
"""


def provider(name: str, protocol: str, url: str) -> str:
    return (
        f'[providers.{name}-{protocol}]\nauth = {{ kind = "none" }}\n[[providers.{name}-{protocol}.endpoints]]\n'
        f'protocol = "{protocol}"\nbase_url = "{url}/v1"\n'
    )


@pytest.fixture(scope="module")
def beating(_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway whose heartbeats come soon."""
    both = "".join(provider(name, protocol, _upstream.url) for name in ("dumb", "able") for protocol in DIALECTS)
    with gateway(tmp_path_factory.mktemp("beating"), SETTINGS + both) as running:
        yield running


@pytest.mark.parametrize("protocol", DIALECTS)
def test_heartbeats_do_not_make_an_answer(protocol: str, upstream: Upstream, beating: Gateway) -> None:
    """The first endpoint is silent while the client hears heartbeats; the second one's answer is recorded as its own."""

    async def silent(visit: Visit) -> None:
        await visit.until_gone()

    async def speaks(visit: Visit) -> None:
        said = opening(visit.protocol) + piece(visit.protocol, "Hello") + ending(visit.protocol, "Hello")
        await visit.write(STREAM + chunk(said) + LAST)

    first, second = upstream.play(silent), upstream.play(speaks)
    models = [f"dumb-{protocol}/{first}", f"able-{protocol}/{second}"]
    heard = call(beating.url, PATHS[protocol], ask(protocol, models[0], stream=True, models=models))
    assert b"Hello" in heard.body
    record = beating.generation(heard.headers["x-request-id"])
    assert (record["provider"], record["outcome"]) == (f"able-{protocol}", "ok")
    assert [attempt["outcome"] for attempt in record["attempts"]] == ["timeout", "ok"]
    assert record["first"] >= FIRST  # and not when the first heartbeat went out


@pytest.mark.parametrize("protocol", DIALECTS)
def test_an_error_after_heartbeats_is_no_content(protocol: str, upstream: Upstream, beating: Gateway) -> None:
    """The client's response has begun, but nothing was said in it: no time of a first content, and no use by estimate."""

    async def silent(visit: Visit) -> None:
        await visit.until_gone()

    heard = call(beating.url, PATHS[protocol], ask(protocol, f"dumb-{protocol}/{upstream.play(silent)}", stream=True))
    assert heard.status == 200 and b"did not answer in time" in heard.body
    record = beating.generation(heard.headers["x-request-id"])
    assert record["outcome"] == "timeout"
    assert record["first"] is None and record["usage"]["output"] is None and not record["estimated"]
