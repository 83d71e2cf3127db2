"""The browser flow: what the authorization page is told, what comes back, and who may bring it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from auth.playing import Play, draw
from fakes.logins import Desk, _challenge, running
from hexapla.auth import driver
from hexapla.auth.formats import load
from hexapla.auth.grant import Grant
from hexapla.auth.kept import Kept
from hexapla.auth.loopback import Loopback
from hexapla.auth.oauth import filled
from hexapla.auth.pkce import browser_login, parsed
from hexapla.auth.session import log_in
from hexapla.auth.steps import Prompt
from hexapla.catalog.login import Login
from hexapla.errors import ConfigError, UpstreamError
from hexapla.upstream.http1 import Http1Transport
from hexapla.upstream.login import sender

LOGIN = Login(
    flow="pkce",
    client_id="c",
    scope="a b",
    authorize="{host}/authorize",
    token="{host}/token",
    redirect="http://127.0.0.1:{port}/back",
)
DONE = (200, {"access_token": "a", "refresh_token": "r", "expires_in": 60})


def asked(prompt: Prompt) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(prompt.url).query).items()}


def come_back(prompt: Prompt) -> dict[str, str]:
    return {"code": "the-code", "state": asked(prompt)["state"]}


def login(play: Play, with_: Login = LOGIN, *, headless: bool = False) -> Grant:
    return play.run(browser_login(with_, "https://login.test", play.clock, draw, headless=headless))


def test_a_browser_comes_back_with_a_code() -> None:
    """S256 of a long verifier, a state, a loopback redirect; the code is redeemed with the verifier."""
    play = Play([DONE])
    play.brought = come_back
    assert login(play).access == "a"
    page, fields = asked(play.shown[0]), play.fields()
    assert page["code_challenge"] == _challenge(fields["code_verifier"]) and len(fields["code_verifier"]) >= 43
    assert page["code_challenge_method"] == "S256" and len(page["state"]) >= 22
    assert page["redirect_uri"] == fields["redirect_uri"] == "http://127.0.0.1:4711/back"
    assert "scope=a%20b" in play.shown[0].url
    assert fields["code"] == "the-code" and fields["grant_type"] == "authorization_code"


@pytest.mark.parametrize("brought", [{"error": "access_denied", "state": "s"}, {}, {"code": ""}])
def test_a_browser_comes_back_without_a_code(brought: dict[str, str]) -> None:
    """Nothing is redeemed."""
    play = Play(())
    play.brought = brought
    with pytest.raises(UpstreamError, match="was not completed"):
        login(play)


def test_without_a_browser_the_address_is_pasted() -> None:
    """Whole, as a query, as `code#state`, or the code alone."""
    for form in (
        "http://127.0.0.1:8400/back?code=the-code&state={}",
        "code=the-code&state={}",
        "the-code#{}",
        " the-code\n",
    ):
        play = Play([DONE])
        play.brought = lambda prompt, form=form: form.format(asked(prompt)["state"])
        assert login(play, headless=True).access == "a"
        assert play.fields()["code"] == "the-code"


def test_what_is_pasted_belongs_to_this_login() -> None:
    """Another login's address is refused."""
    play = Play(())
    play.brought = "http://127.0.0.1:8400/back?code=x&state=another"
    with pytest.raises(UpstreamError, match="another login"):
        login(play, headless=True)


@pytest.mark.parametrize("text", ["", "http://", "code=", "http://x?y", "#"])
def test_nonsense_is_no_code(text: str) -> None:
    """It is answered like a login that was not completed."""
    assert not parsed(text).get("code")


async def _visit(url: str) -> int:
    def get() -> int:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            with contextlib.closing(error):
                return error.code

    return await asyncio.to_thread(get)


def test_the_loopback_takes_our_redirect_only() -> None:
    """Other paths, other states and other requests are refused and waited past."""

    async def scene() -> tuple[list[int], dict[str, str]]:
        loopback = Loopback("/back", "our-state")
        port = await loopback.open((0,))
        base = f"http://127.0.0.1:{port}"
        wrong = ["/favicon.ico", "/back", "/back?code=x", "/back?code=x&state=other", "/other?code=x&state=our-state"]
        codes = [await _visit(base + path) for path in wrong]
        codes.append(await _visit(f"{base}/back?code=right&state=our-state"))
        found = await loopback.caught(5)
        await loopback.aclose()
        return codes, found

    codes, found = asyncio.run(scene())
    assert codes == [400] * 5 + [200]
    assert found == {"code": "right", "state": "our-state"}


def test_a_busy_port_gives_way_to_the_next() -> None:
    """And when none is free, the way out is named."""

    async def scene() -> tuple[int, int]:
        first, second, third = Loopback("/", ""), Loopback("/", ""), Loopback("/", "")
        taken = await first.open((0,))
        other = await second.open((taken, 0))
        with pytest.raises(ConfigError, match="--headless"):
            await third.open((taken, other))
        await first.aclose()
        await second.aclose()
        return taken, other

    taken, other = asyncio.run(scene())
    assert taken != other


def test_nobody_comes_back() -> None:
    """The wait has an end."""

    async def scene() -> None:
        loopback = Loopback("/", "")
        await loopback.open((0,))
        try:
            await loopback.caught(0.01)
        finally:
            await loopback.aclose()

    with pytest.raises(UpstreamError, match="Nobody came back"):
        asyncio.run(scene())


class Browser:
    """A person whose browser is sent back at once, after a stray visit to another path."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.seen: list[int] = []
        self._visits: list[asyncio.Task[None]] = []

    def show(self, prompt: Prompt) -> None:
        self._visits.append(asyncio.get_running_loop().create_task(self._go(asked(prompt))))

    def paste(self, prompt: Prompt) -> str:
        raise AssertionError("there is a browser")

    async def _go(self, page: dict[str, str]) -> None:
        self.desk.challenges["the-code"] = page["code_challenge"]
        self.seen.append(await _visit(page["redirect_uri"] + "?code=stolen&state=wrong"))
        self.seen.append(await _visit(f"{page['redirect_uri']}?code=the-code&state={page['state']}"))


def test_the_whole_way_over_real_sockets(tmp_path: Path) -> None:
    """Browser, loopback, token endpoint that checks the proof, and the file at the end."""
    with running() as desk:
        browser = Browser(desk)
        kept = Kept(provider="acme", login=LOGIN, path=str(tmp_path / "credentials/acme.json"))

        async def scene() -> Grant:
            transport = Http1Transport()
            steps = log_in(kept, desk.url, time.time, os.urandom, headless=False)
            try:
                return await driver.run(steps, sender(transport), browser)
            finally:
                await transport.aclose()

        grant = asyncio.run(scene())
    assert browser.seen == [400, 200]
    assert load(Path(kept.path).read_bytes(), LOGIN) == grant and grant.host == desk.url


@pytest.mark.parametrize(
    ("template", "host", "url"),
    [
        ("{host}/login/device/code", "https://github.com", "https://github.com/login/device/code"),
        ("https://api.{domain}/v2/token", "https://github.com", "https://api.github.com/v2/token"),
        ("https://api.{domain}/v2/token", "https://acme.ghe.com/", "https://api.acme.ghe.com/v2/token"),
        ("{host}/oauth/token", "https://git.test/gitlab", "https://git.test/gitlab/oauth/token"),
    ],
)
def test_addresses_follow_the_host_of_the_login(template: str, host: str, url: str) -> None:
    """An enterprise's own host moves all of them."""
    assert filled(template, host) == url
