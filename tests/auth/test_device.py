"""The device flow against everything that an authorization server may answer (RFC 8628 section 3.5)."""

from __future__ import annotations

import pytest

from auth.playing import DOWN, Play, draw
from fakes.logins import HTML, _challenge
from hexapla.auth.device import device_login
from hexapla.catalog.login import Login
from hexapla.errors import Kind, UpstreamError

LOGIN = Login(flow="device_code", client_id="c", scope="s", device="{host}/device", token="{host}/token")
HOST = "https://login.test"
BEGUN = (
    200,
    {
        "device_code": "d",
        "user_code": "AB-CD",
        "verification_uri": "https://login.test/go",
        "expires_in": 60,
        "interval": 5,
    },
)
PENDING = (400, {"error": "authorization_pending"})
SLOW = (400, {"error": "slow_down"})
DONE = (200, {"access_token": "a", "refresh_token": "r", "expires_in": 100, "scope": "s"})


def login(play: Play, with_: Login = LOGIN) -> object:
    return play.run(device_login(with_, HOST, play.clock, draw))


def test_a_person_types_the_code_while_we_poll() -> None:
    """The code is shown, the interval is kept, and what comes is good for as long as it says, by our own clock."""
    play = Play([BEGUN, PENDING, PENDING, DONE])
    grant = play.run(device_login(LOGIN, HOST, play.clock, draw))
    assert (grant.access, grant.refresh, grant.expires, grant.host) == ("a", "r", 1e9 + 15 + 100, HOST)
    assert [(prompt.kind, prompt.url, prompt.code) for prompt in play.shown] == [
        ("code", "https://login.test/go", "AB-CD")
    ]
    assert play.slept == [5, 5, 5]
    assert play.fields() == {
        "client_id": "c",
        "device_code": "d",
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
    }


def test_a_server_cannot_command_the_terminal() -> None:
    """Control characters in what it wants shown are left out."""
    play = Play([(200, BEGUN[1] | {"user_code": "AB\x1b[2J-\x07CD\n"}), DONE])
    login(play)
    assert play.shown[0].code == "AB[2J-CD"


def test_slow_down_adds_five_seconds_each_time() -> None:
    """And never takes them back; GitHub names the new interval itself, in a 200."""
    play = Play([BEGUN, SLOW, SLOW, PENDING, (200, {"error": "slow_down", "interval": 40}), DONE], now=0)
    play.answers[0] = (200, BEGUN[1] | {"expires_in": 900})
    login(play)
    assert play.slept == [5, 10, 15, 15, 40]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((400, {"error": "access_denied"}), "The login was refused on the vendor's page."),
        ((400, {"error": "expired_token"}), "The code has expired before anybody used it; log in again."),
        ((200, {"error": "access_denied"}), "The login was refused on the vendor's page."),  # GitHub
        ((400, {"error": "invalid_client"}), "login.test refused the device login (invalid_client)."),
        ((404, HTML), "login.test answered the device login with something that is not JSON (404)."),
        ((200, {"access_token": "two\nlines"}), "login.test answered the device login with no token (200)."),
    ],
)
def test_a_refusal_ends_the_polling(answer: tuple[int, object], message: str) -> None:
    """At once, in words of ours."""
    play = Play([BEGUN, PENDING, answer])
    with pytest.raises(UpstreamError) as caught:
        login(play)
    assert caught.value.message == message
    assert not play.answers


def test_a_code_that_nobody_types_expires() -> None:
    """We stop when the code is over, whether or not the server says so."""
    play = Play([BEGUN, *[PENDING] * 20])
    with pytest.raises(UpstreamError) as caught:
        login(play)
    assert caught.value.code == "expired_token" and sum(play.slept) < 60


@pytest.mark.parametrize("stumble", [DOWN, (502, HTML), (503, {"error": "server_error"}), (429, HTML)])
def test_a_server_that_stumbles_is_asked_again(stumble: object) -> None:
    """A person has perhaps just typed the code."""
    play = Play([BEGUN, stumble, DONE])  # type: ignore[list-item]
    assert login(play)


@pytest.mark.parametrize("answer", [(502, HTML), (200, HTML), (403, {"error": "unauthorized_client"}), (200, {})])
def test_a_server_that_gives_no_code_is_named(answer: tuple[int, object]) -> None:
    """Its page is not quoted."""
    with pytest.raises(UpstreamError) as caught:
        login(Play([answer]))
    assert caught.value.message.startswith("login.test ")
    assert "do-not-quote-me" not in str(caught.value)


def test_a_device_proves_itself_where_the_vendor_wants_it() -> None:
    """Qwen's flow carries PKCE."""
    play = Play([BEGUN, DONE])
    login(
        play,
        Login(flow="device_code", client_id="c", device="{host}/device", device_style="pkce", token="{host}/token"),
    )
    begun, asked = play.fields(0), play.fields(1)
    assert begun["code_challenge_method"] == "S256" and begun["code_challenge"] == _challenge(asked["code_verifier"])


def test_openais_own_device_flow() -> None:
    """The interval is a string, 403 and 404 mean "not yet", and the code that comes is redeemed with its verifier."""
    with_ = Login(
        flow="pkce", client_id="c", device="{host}/codex/device", device_style="openai", token="{host}/oauth/token"
    )
    begun = (200, {"device_auth_id": "d", "usercode": "AB-CD", "interval": "7"})
    found = (200, {"authorization_code": "code", "code_verifier": "v"})
    play = Play([begun, (403, {}), (404, HTML), found, DONE])
    grant = play.run(device_login(with_, HOST, play.clock, draw))
    assert grant.access == "a" and play.slept == [7, 7, 7]
    assert play.shown[0].url == "https://login.test/codex/device" and play.shown[0].code == "AB-CD"
    assert play.fields() == {
        "client_id": "c",
        "grant_type": "authorization_code",
        "code": "code",
        "code_verifier": "v",
        "redirect_uri": "https://login.test/deviceauth/callback",
    }


def test_kinds_of_trouble() -> None:
    """A refusal is about the login; a server's error is not."""
    for answer, kind in (((401, {"error": "invalid_client"}), Kind.UPSTREAM_AUTH), ((500, HTML), Kind.UPSTREAM_ERROR)):
        with pytest.raises(UpstreamError) as caught:
            login(Play([answer]))
        assert caught.value.kind is kind
