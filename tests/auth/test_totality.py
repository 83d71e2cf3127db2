"""Whatever a server says or a file holds: a login, an error of ours, or none; never a crash, never a secret."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auth.playing import Play
from hexapla.auth.exchange import exchanged
from hexapla.auth.formats import FORMS, load
from hexapla.auth.grant import claims, life
from hexapla.auth.kept import Kept, kept_token
from hexapla.auth.pkce import parsed
from hexapla.auth.quota import quota_told
from hexapla.auth.session import enterprise
from hexapla.catalog.login import Exchange, Login, Quota
from hexapla.errors import ConfigError, HexaplaError

LOGIN = Login(flow="pkce", host="https://login.test", token="{host}/token", base="at.api", account=("a", "b"))
EXCHANGE = Exchange(url="{host}/x", headers={}, seconds="s", base="at.api", headers_from="headers")
WORDS = (
    "access_token refresh_token expires_in tokens id_token oauth_token github.com expiry_date resource_url error code "
    "token s at api headers access expires"
)
KEYS = st.sampled_from(WORDS.split())
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["https://[", "a.b.c"])
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=12
)
BODIES = JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=40)
KEPT = Kept(provider="acme", login=LOGIN, path="/f")


@settings(max_examples=300, deadline=None)
@given(data=BODIES, form=st.sampled_from(sorted(FORMS)))
def test_any_file(data: bytes, form: str) -> None:
    """A login with a token that a header takes, or none."""
    grant = load(data, LOGIN, form)
    assert grant is None or (grant.access.isprintable() and isinstance(grant.expires, float))


@settings(max_examples=300, deadline=None)
@given(body=JSON | st.text(max_size=40), status=st.sampled_from([200, 201, 302, 400, 401, 429, 500]))
def test_any_answer(body: Any, status: int) -> None:
    """Of a token endpoint, an exchange and a quota's address."""
    world = Play(
        [(status, body)], files={"/f": b'{"access":"old","refresh":"r","expires":1,"host":"https://login.test"}'}
    )
    flows = (
        lambda play: kept_token(KEPT, None, play.clock, None),
        lambda play: exchanged(EXCHANGE, "grant", "https://login.test", play.clock),
        lambda play: quota_told(Quota(url="/q", shown={"x": "at.api"}), "https://b.test", "", ()),
    )
    for flow in flows:
        world.answers = [(status, body)]
        with contextlib.suppress(HexaplaError):
            world.run(flow(world))  # type: ignore[misc]


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=60) | st.sampled_from(["http://[", "https://x/?code=a#b", "a.W10.b", "\ud800"]))
def test_any_text(text: str) -> None:
    """Pasted by a person, or in a token's place."""
    parsed(text)
    claims(text)
    assert life(text, 1.0) >= 0.0
    with contextlib.suppress(ConfigError):
        assert enterprise(text).startswith("http")


@pytest.mark.parametrize(
    ("said", "host"),
    [
        ("ghe.example.com", "https://ghe.example.com"),
        ("https://git.example.com/gitlab/", "https://git.example.com/gitlab"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ],
)
def test_an_instance_of_ones_own(said: str, host: str) -> None:
    """HTTPS unless it says otherwise."""
    assert enterprise(said) == host


@pytest.mark.parametrize("said", ["", "ftp://x", "https://user@x", "https://x?y=1", "http://["])
def test_no_instance(said: str) -> None:
    """Refused with an example."""
    with pytest.raises(ConfigError, match="give one like"):
        enterprise(said)
