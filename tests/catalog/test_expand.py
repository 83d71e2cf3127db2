"""Variables in configured text."""

from __future__ import annotations

import pytest

from hexapla.catalog.expand import expand, missing, placed
from hexapla.catalog.schema import Endpoint, Provider

ENVIRONMENT = {"HOST": "gpu-box", "EMPTY": "", "NESTED": "${HOST}"}


@pytest.mark.parametrize(
    ("text", "expanded", "absent"),
    [
        ("plain", "plain", ()),
        ("http://${HOST}:1", "http://gpu-box:1", ()),
        ("${HOST}${HOST}", "gpu-boxgpu-box", ()),
        ("${OTHER:-http://127.0.0.1:1}/v1", "http://127.0.0.1:1/v1", ()),
        ("${HOST:-x}", "gpu-box", ()),
        ("${EMPTY:-x}", "x", ()),
        ("${OTHER}/${MORE}", "${OTHER}/${MORE}", ("OTHER", "MORE")),
        ("${EMPTY}", "${EMPTY}", ("EMPTY",)),
        ("${NESTED}", "${HOST}", ()),  # a value is not expanded again
        ("$HOST $$ ${} ${1X}", "$HOST $$ ${} ${1X}", ()),
    ],
)
def test_variables(text: str, expanded: str, absent: tuple[str, ...]) -> None:
    """Set, empty, missing and with a default; anything else is text."""
    assert expand(text, ENVIRONMENT) == expanded
    assert missing(text, ENVIRONMENT) == absent


def test_a_provider_is_placed_by_its_variables() -> None:
    """Host, path, headers and query take variables; one that is missing makes the provider unavailable."""
    endpoint = Endpoint(
        protocol="openai_chat",
        base_url="https://${REGION}.test/v1",
        path="/projects/${PROJECT}",
        headers={"x-project": "${PROJECT}"},
        query={"api-version": "${VERSION:-1}"},
    )
    provider = Provider(id="x", host="${HOST:-}", endpoints=(endpoint,))
    found = placed(replace_host(provider), {"REGION": "eu", "PROJECT": "p"})
    (made,) = found.endpoints
    assert (made.base_url, made.path) == ("https://eu.test/v1", "/projects/p")
    assert (made.headers, made.query) == ({"x-project": "p"}, {"api-version": "1"})
    assert placed(provider, {}).unavailable == "set HOST and REGION and PROJECT to say where it is"


def replace_host(provider: Provider) -> Provider:
    return Provider(id=provider.id, endpoints=provider.endpoints)


def test_a_provider_without_variables_is_the_same_object() -> None:
    """Nothing is rebuilt for nothing."""
    provider = Provider(id="x", endpoints=(Endpoint(protocol="openai_chat", base_url="https://x.test"),))
    assert placed(provider, {}) is provider
