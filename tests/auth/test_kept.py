"""A login that is kept in a file: renewed in time, once, with what a sibling left, and never lost on the way."""

from __future__ import annotations

import base64
import json

import pytest

from auth.playing import DOWN, Play
from fakes.logins import HTML
from hexapla.auth.formats import dump, load
from hexapla.auth.grant import Grant, Token, life
from hexapla.auth.kept import Kept, kept_token
from hexapla.catalog.login import Exchange, Login
from hexapla.errors import Kind, UpstreamError

LOGIN = Login(flow="device_code", client_id="c", host="https://login.test", token="{host}/token")
KEPT = Kept(provider="acme", login=LOGIN, path="/state/acme.json")
EXCHANGE = Exchange(
    url="{host}/exchange", headers={"authorization": "token {grant}"}, seconds="refresh_in", base="at.api"
)
NOW = 1e9
FRESH = (200, {"access_token": "new", "refresh_token": "r2", "expires_in": 3600})


def grant(access: str = "old", *, left: float = -1.0, refresh: str = "r1") -> Grant:
    """A grant that was given for an hour and has so many seconds left."""
    return Grant(access=access, refresh=refresh, expires=NOW + left, obtained=NOW + left - 3600, host=LOGIN.host)


def play(*answers: object, kept: Grant | None = None) -> Play:
    files = {} if kept is None else {KEPT.path: dump(kept, None)}
    return Play(answers, files=files, now=NOW)  # type: ignore[arg-type]


def token(world: Play, refused: str = "", kept: Kept = KEPT, exchange: Exchange | None = None) -> Token:
    return world.run(kept_token(kept, exchange, world.clock, Token(secret=refused) if refused else None))


def test_a_token_that_is_good_is_used() -> None:
    """Nothing is locked or asked."""
    world = play(kept=grant(left=1800))
    assert token(world).secret == "old" and not world.calls and not world.locked


@pytest.mark.parametrize("left", [-100.0, 0.0, 5.0, 250.0])
def test_a_token_is_renewed_before_it_ends(left: float) -> None:
    """In its last five minutes, under the lock, and on the disk before it is used."""
    world = play(FRESH, kept=grant(left=left))
    assert token(world).secret == "new"
    assert world.locked == [KEPT.path]
    assert world.fields() == {"client_id": "c", "grant_type": "refresh_token", "refresh_token": "r1"}
    written = load(world.files[KEPT.path], LOGIN)
    assert written is not None and (written.access, written.refresh, written.expires) == ("new", "r2", NOW + 3600)


def test_what_a_server_does_not_repeat_is_kept() -> None:
    """A refresh token that does not rotate stays (RFC 6749 section 6), and so do account and base."""
    old = Grant(
        access="old", refresh="r1", expires=1.0, account="me", base="https://b.test", host=LOGIN.host, scope="s"
    )
    world = play((200, {"access_token": "new", "expires_in": 60}), kept=old)
    token(world)
    new = load(world.files[KEPT.path], LOGIN)
    assert new is not None and (new.refresh, new.account, new.base, new.scope) == ("r1", "me", "https://b.test", "s")


def test_a_siblings_newer_token_is_adopted() -> None:
    """While we waited for the lock another process has refreshed: nothing is asked."""
    world = play(kept=grant())
    world.on_lock = lambda: world.files.update({KEPT.path: dump(grant("sibling", left=3600, refresh="r2"), None)})
    assert token(world).secret == "sibling" and not world.calls


def test_a_refused_token_is_renewed_although_its_clock_says_otherwise() -> None:
    """The server's clock is right by definition."""
    assert token(play(FRESH, kept=grant(left=1800)), refused="old").secret == "new"


def test_a_refused_token_gives_way_to_a_newer_one_on_the_disk() -> None:
    """Without asking anybody."""
    world = play(kept=grant("sibling", left=1800))
    assert token(world, refused="old").secret == "sibling" and not world.calls


@pytest.mark.parametrize(
    "answer",
    [
        (400, {"error": "invalid_grant"}),
        (401, {"error": {"code": "refresh_token_reused", "message": "used before"}}),
        (401, {"error": {"code": "refresh_token_expired"}}),
        (403, {"error": "access_denied"}),
    ],
)
def test_a_login_that_has_ended_says_what_to_do(answer: tuple[int, object]) -> None:
    """The command to run; the file stays, so that its owner can look."""
    world = play(answer, kept=grant())
    with pytest.raises(UpstreamError) as caught:
        token(world)
    assert caught.value.kind is Kind.UPSTREAM_AUTH and "run `hexapla login acme`" in caught.value.message
    assert load(world.files[KEPT.path], LOGIN) == grant()


def test_refresh_reuse_by_a_program_without_our_lock_is_no_end() -> None:
    """The vendor's own program was faster: its file has what it got."""
    world = play(kept=grant())

    def reused(call: object) -> tuple[int, object]:
        world.files[KEPT.path] = dump(grant("theirs", left=3600, refresh="r2"), None)
        return 400, {"error": "invalid_grant"}

    world.answers = [reused]
    assert token(world).secret == "theirs"


@pytest.mark.parametrize("answer", [DOWN, (502, HTML), (500, {}), (429, {"error": "too_many"}), (200, HTML)])
def test_a_server_that_stumbles_ends_nothing(answer: object) -> None:
    """While the token still holds it is used; afterwards the trouble is told as the server's, without its page."""
    assert token(play(answer, kept=grant(left=100))).secret == "old"
    with pytest.raises(UpstreamError) as caught:
        token(play(answer, kept=grant(left=-1)))
    assert caught.value.kind is not Kind.UPSTREAM_AUTH and "do-not-quote-me" not in str(caught.value)


@pytest.mark.parametrize(
    "content", [None, b"", b"{", b"[]", b'{"access":""}', b'{"access":"line\\nbreak"}', b"\xff\xfe"]
)
def test_a_file_without_a_login(content: bytes | None) -> None:
    """Missing, cut or nonsense: the same as none."""
    world = Play(files={} if content is None else {KEPT.path: content})
    with pytest.raises(UpstreamError) as caught:
        token(world)
    assert "run `hexapla login acme`" in caught.value.message


def test_the_vendors_file_is_read_and_not_written() -> None:
    """Where only reading is right, whoever's login has ended makes one of their own."""
    theirs = Kept(provider="acme", login=LOGIN, path=KEPT.path, ours=False)
    assert token(play(kept=grant(left=100)), kept=theirs).secret == "old"
    with pytest.raises(UpstreamError) as caught:
        token(play(kept=grant()), kept=theirs)
    assert "run `hexapla login acme`" in caught.value.message


def test_a_login_is_exchanged_and_says_where_requests_go() -> None:
    """The lifetime counts from now, whatever the server's clock says."""
    long = Grant(access="gh", host=LOGIN.host)
    said = {"token": "short", "refresh_in": 1500, "expires_at": 1, "at": {"api": "https://api.business.test/x"}}
    world = play((200, said), kept=long)
    got = token(world, exchange=EXCHANGE)
    assert (got.secret, got.base, got.expires) == ("short", "https://api.business.test", NOW + 1500)
    assert dict(world.calls[0].headers)["authorization"] == "token gh"


@pytest.mark.parametrize("place", ["http://evil.test", "ftp://x.test", "https://user@evil.test", 7, "", None])
def test_a_token_goes_nowhere_unsafe(place: object) -> None:
    """Plain HTTP, or an address with a user in it, is not taken from an answer."""
    world = play((200, {"token": "short", "at": {"api": place}}), kept=Grant(access="gh", host=LOGIN.host))
    assert token(world, exchange=EXCHANGE).base in ("", "https://7")


def test_a_login_that_the_exchange_refuses_is_renewed_once() -> None:
    """An OAuth token that has ended early is refreshed, then exchanged again."""
    world = play((401, {"message": "no"}), FRESH, (200, {"token": "short"}), kept=grant(left=1800))
    assert token(world, exchange=EXCHANGE).secret == "short"
    assert [call.url.rpartition("/")[2] for call in world.calls] == ["exchange", "token", "exchange"]


def test_an_exchange_that_refuses_for_good_is_told() -> None:
    """Once, and not by quoting."""
    world = play((403, {"message": "do-not-quote-me"}), kept=Grant(access="gh", host=LOGIN.host))
    with pytest.raises(UpstreamError) as caught:
        token(world, exchange=EXCHANGE)
    assert caught.value.kind is Kind.UPSTREAM_AUTH and "do-not-quote-me" not in str(caught.value)


def test_nothing_shows_a_secret() -> None:
    """Neither grants, tokens nor commands."""
    world = play(FRESH, kept=grant())
    got = token(world)
    shown = f"{got!r} {grant('sesame')!r} {world.calls!r} {world.locked!r}"
    assert "new" not in shown and "sesame" not in shown and "r1" not in shown


def test_codexs_file_keeps_what_else_is_in_it() -> None:
    """Tokens and last_refresh change; an API key, a mode and fields of the future stay."""
    old = {
        "auth_mode": "chatgpt",
        "OPENAI_API_KEY": "sk-own",
        "tokens": {"id_token": "i", "access_token": "a", "refresh_token": "r", "account_id": "acct", "more": 1},
        "last_refresh": "2026-01-01T00:00:00Z",
        "new": {"x": 1},
    }
    data = json.dumps(old).encode()
    held = load(data, LOGIN, "codex")
    assert held is not None and (held.access, held.refresh, held.account) == ("a", "r", "acct")
    new = json.loads(dump(Grant(access="b", refresh="s", obtained=NOW), data, "codex"))
    assert new == old | {
        "tokens": old["tokens"] | {"access_token": "b", "refresh_token": "s"},  # type: ignore[operator]
        "last_refresh": "2001-09-09T01:46:40Z",
    }


def test_an_editors_file_holds_copilots_login() -> None:
    """apps.json by host and client, hosts.json by host; other hosts' accounts are not taken."""
    login = Login(flow="device_code", host="https://github.com")
    for name in ("github.com:Iv1.x", "github.com"):
        said = {"ghe.test:Iv1.x": {"oauth_token": "other"}, name: {"user": "me", "oauth_token": "gho"}}
        held = load(json.dumps(said).encode(), login, "github_copilot")
        assert held is not None and (held.access, held.account) == ("gho", "me")


def jwt(**claims: object) -> str:
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{part}.sig"


@pytest.mark.parametrize("skew", [-400_000_000, 0, 400_000_000])
def test_a_servers_clock_may_be_years_off(skew: int) -> None:
    """What a new token says of its own life counts from now, by our clock: it is neither ended nor eternal."""
    fresh = jwt(iat=int(NOW) + skew, exp=int(NOW) + skew + 3600)
    world = play((200, {"access_token": fresh, "refresh_token": "r2"}), kept=grant())
    assert token(world).expires == NOW + 3600
    assert token(world).secret == fresh and len(world.calls) == 1


def test_what_a_token_says_cannot_break_anything() -> None:
    """Cut, foreign or absurd tokens have no known end."""
    for text in ("a.b.c", "a.b", "e30.W10.x", jwt(exp="soon"), jwt(exp=-1), jwt(exp=True), "e30.\u2603.x"):
        assert life(text, NOW) == 0.0
