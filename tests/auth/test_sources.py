"""Where keys and logins are found, in which order, and that nothing is read before it is needed."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from auth.playing import Play
from hexapla.auth import driver
from hexapla.auth.api_key import Credential
from hexapla.auth.sources import Found, Source, find_sources
from hexapla.auth.steps import Call, Reply
from hexapla.catalog.login import Auth, Exchange, KeySource, Login
from hexapla.catalog.schema import Provider
from hexapla.config import builtin_providers, parse_config
from hexapla.errors import ConfigError, HexaplaError, UpstreamError

LOGIN = Login(flow="device_code", host="https://login.test", token="{host}/token")


def provider(**auth: object) -> Provider:
    return Provider(id="acme", name="Acme", auth=Auth(**auth))  # type: ignore[arg-type]


def found(environment: dict[str, str] | None = None, **auth: object) -> tuple[Found, ...]:
    return find_sources(provider(**auth), environment or {})


def names(environment: dict[str, str] | None = None, **auth: object) -> list[str]:
    return [f"{type(each).__name__} {each.name}" for each in found(environment, **auth)]


async def nobody(call: Call) -> Reply:
    raise AssertionError("nobody is asked")


def secret(source: Found, clock: float = 1000.0) -> str:
    """The key that a source gives, by really reading and running."""
    assert isinstance(source, Source)
    token = asyncio.run(driver.run(source.obtain(lambda: clock, None), nobody))
    assert not token.bearer
    return token.secret


def kept(home: Path, name: str = "acme") -> dict[str, str]:
    """An environment whose home holds a login."""
    file = home / ".local/state/hexapla/credentials" / f"{name}.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"access":"a"}')
    return {"HOME": str(home)}


def test_the_order(tmp_path: Path) -> None:
    """Configured keys hide the environment's; a login comes after keys; a cloud only where there is nothing else."""
    home = kept(tmp_path)
    azure = {f"AZURE_{name}": "x" for name in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET")}
    assert names({"A": "k"}, env="A", key="own") == ["Credential key 1"]
    assert names(home | {"A": "k"}, env="A", login=LOGIN) == ["Credential A", "Source login"]
    assert names(home | azure, login=LOGIN, cloud="entra") == ["Source login"]
    assert names(azure, login=LOGIN, cloud="entra") == ["Source entra (AZURE_CLIENT_SECRET)"]
    assert names(azure | {"A": "k"}, env="A", cloud="entra") == ["Credential A"]
    assert names(home, kind="elsewhere", login=LOGIN) == names(home, kind="none", login=LOGIN) == []


def test_keys_of_every_kind_in_their_order(tmp_path: Path) -> None:
    """Text, variable, file, keyring and command, each with a name of its own or the place's."""
    keys = (
        KeySource(file="~/key", name="mounted"),
        KeySource(env="A"),
        KeySource(env="NOWHERE"),
        KeySource(keyring="service/me"),
        "own",
        KeySource(command="pass show acme"),
        KeySource(env="A"),
    )
    assert names({"A": "k"}, keys=keys) == [
        "Source mounted",
        "Credential A",
        "Source keyring 4",
        "Credential key 5",
        "Source command 6",
        "Credential A 7",
    ]


def test_a_key_in_a_file(tmp_path: Path) -> None:
    """White space around it is nobody's; a new content is seen at the next look."""
    file = tmp_path / "key"
    file.write_text("  sk-1\n")
    (source,) = found({"HOME": str(tmp_path)}, file="~/key")
    assert secret(source) == "sk-1"
    file.write_text("sk-2")
    assert secret(source) == "sk-2"


def test_a_key_that_a_command_prints() -> None:
    """As a line, split like a shell's and run without one, or as words."""
    line = f"{sys.executable} -c \"print('sk-' + 'x' * 3)\""
    words = (sys.executable, "-c", "print('$HOME;sk')")
    assert secret(found(command=line)[0]) == "sk-xxx"
    assert secret(found(command=words)[0]) == "$HOME;sk"


@pytest.mark.parametrize(
    ("auth", "message"),
    [
        ({"command": (sys.executable, "-c", "import sys; sys.exit('sesame')")}, "failed with exit code 1"),
        ({"command": "/nowhere/program"}, "cannot be run: No such file or directory"),
        ({"command": (sys.executable, "-c", "pass")}, "gives no key"),
        ({"command": (sys.executable, "-c", "print('two\\nlines')")}, "no key that a header takes"),
        ({"keys": (KeySource(command=(sys.executable, "-c", "input() or time"), timeout=5),)}, "exit code 1"),
        ({"keys": (KeySource(command=("sleep", "9"), timeout=0.05),)}, "took longer than 0.05 seconds"),
        ({"file": "/nowhere/key"}, "The file /nowhere/key gives no key"),
    ],
)
def test_a_place_without_a_key_is_named(auth: dict[str, object], message: str) -> None:
    """What was tried and what went wrong; what a command says to stderr or stdout is not quoted."""
    with pytest.raises(UpstreamError) as caught:
        secret(found(**auth)[0])
    assert message in caught.value.message and "sesame" not in str(caught.value)


def test_what_was_read_is_good_for_a_while() -> None:
    """A command's key for its cache time, a file's for a minute at most; 0 keeps it until it is refused."""
    for auth, lasts in (
        ({"keys": (KeySource(command="x", cache=120),)}, 120),
        ({"keys": (KeySource(command="x", cache=0),)}, None),
        ({"file": "/x"}, 60),
    ):
        play = Play(files={"/x": b"key"})
        play.printed = "key"
        source = found(**auth)[0]  # type: ignore[arg-type]
        assert isinstance(source, Source)
        token = play.run(source.obtain(play.clock, None))
        assert token.expires == (play.now + lasts if lasts else 0.0)


def test_a_key_in_the_systems_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """Service and user, as `keyring set service user` took them; a keyring that is locked or empty is told."""
    keyring = pytest.importorskip("keyring")
    held = {("hexapla", "acme"): "sk-ring"}
    monkeypatch.setattr(keyring, "get_password", lambda service, user: held.get((service, user)))
    assert secret(found(keyring="hexapla/acme")[0]) == "sk-ring"
    with pytest.raises(UpstreamError, match="gives no key"):
        secret(found(keyring="hexapla/other")[0])

    def locked(service: str, user: str) -> str:
        raise keyring.errors.KeyringLocked("sesame")

    monkeypatch.setattr(keyring, "get_password", locked)
    with pytest.raises(HexaplaError) as caught:
        secret(found(keyring="hexapla/acme")[0])
    assert "KeyringLocked" in str(caught.value) and "sesame" not in str(caught.value)


def test_without_the_extra_the_keyring_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a service account's key likewise."""
    for name in ("keyring", "cryptography.hazmat.primitives"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigError, match=r"pip install hexapla\[keyring\]"):
        secret(found(keyring="hexapla/acme")[0])


def test_exchanged_keys_are_not_sent() -> None:
    """A token of GitHub's or GitLab's is bought with, in whichever place it was found."""
    exchange = Exchange(url="https://x.test", headers={"authorization": "Bearer {grant}"})
    assert names({"A": "k"}, env="A", exchange=exchange) == ["Source A"]
    assert names({}, key="own", exchange=exchange) == ["Source key 1"]
    (source,) = found({}, file="/grant", exchange=exchange)
    assert isinstance(source, Source)
    world = Play([(200, {"token": "short"})], files={"/grant": b"long\n"})
    assert world.run(source.obtain(world.clock, None)).secret == "short"
    assert dict(world.calls[0].headers)["authorization"] == "Bearer long"


def test_the_vendors_file_is_used_where_its_table_says_so(tmp_path: Path) -> None:
    """Read where there is no login of our own; not at all without `share`."""
    file = tmp_path / "apps.json"
    file.write_text(json.dumps({"github.com": {"oauth_token": "gho"}}))
    host = "https://github.com"
    shared = Login(flow="device_code", host=host, files=("/nowhere", str(file)), format="github_copilot", share="read")
    home = {"HOME": str(tmp_path)}
    (source,) = found(home, login=shared)
    assert isinstance(source, Source) and source.kind == "shared" and source.kept is not None and not source.kept.ours
    assert found(home, login=Login(flow="device_code", files=(str(file),), format="github_copilot")) == ()
    (own,) = found(kept(tmp_path), login=shared)
    assert isinstance(own, Source) and own.kind == "login"


def test_nothing_is_found_without_a_home() -> None:
    """An empty environment finds nothing of this machine's."""
    assert found({}, login=LOGIN, cloud="google") == () or "metadata" in names({}, login=LOGIN, cloud="google")[0]


def test_sources_do_not_show_secrets() -> None:
    """Neither keys nor what they are exchanged with."""
    exchange = Exchange(url="https://x.test", headers={})
    for each in found({"A": "sesame"}, env="A") + found({"A": "sesame"}, env="A", exchange=exchange):
        assert "sesame" not in repr(each)
    assert isinstance(found({"A": "sesame"}, env="A")[0], Credential)


PAGES = (Path(__file__).parents[2] / "docs/credentials.md", Path(__file__).parents[2] / "docs/zh/credentials.md")


@pytest.mark.parametrize("page", PAGES, ids=["en", "zh"])
def test_every_login_stands_on_the_page(page: Path) -> None:
    """Whoever takes a login, a cloud's credentials or neither from other programs is explained, in both languages."""
    text = page.read_text(encoding="utf-8")
    for each in builtin_providers().values():
        if each.auth.login is not None or each.auth.cloud or each.auth.kind == "elsewhere":
            assert f"`{each.id}`" in text, each.id


@pytest.mark.parametrize("keys", ["{ weight = 1 }", '{ key = "a", file = "/b" }'])
def test_a_key_stands_in_exactly_one_place(keys: str) -> None:
    """None and two are mistakes with a line."""
    text = f"[providers.openai.auth]\nkeys = [{keys}]\n"
    with pytest.raises(ConfigError, match=r"hexapla\.toml:2: .*A key stands in exactly one place"):
        parse_config(text, "hexapla.toml", {})


def test_a_login_can_be_changed_field_by_field() -> None:
    """An application of one's own at an instance of one's own; the rest stays the vendor's."""
    text = '[providers.gitlab_duo.auth.login]\nclient_id = "mine"\n'
    changed = parse_config(text, "hexapla.toml", {}).providers["gitlab_duo"].auth
    vendors = builtin_providers()["gitlab_duo"].auth
    assert changed.login is not None and vendors.login is not None
    assert changed.login.client_id == "mine" and changed.login.token == vendors.login.token
    assert changed.exchange == vendors.exchange and changed.env == vendors.env


def test_kimis_file_and_lock_can_be_shared(tmp_path: Path) -> None:
    """Asked for, the CLI's file is ours as well: renewed under its own lock, written in its own shape."""
    login = Login(flow="device_code", host="https://login.test", token="{host}/token", format="kimi", share="write")
    file = tmp_path / "kimi-code.json"
    said = {"access_token": "old", "refresh_token": "r1", "expires_at": 5.0, "expires_in": 900, "more": 1}
    file.write_text(json.dumps(said))
    (source,) = found({"HOME": str(tmp_path)}, login=replace(login, files=(str(file),)))
    assert isinstance(source, Source)
    world = Play([(200, {"access_token": "new", "refresh_token": "r2", "expires_in": 900})])
    world.files[str(file)] = file.read_bytes()
    assert world.run(source.obtain(world.clock, None)).secret == "new"
    assert world.locked == [str(file)]
    written = json.loads(world.files[str(file)])
    assert written["refresh_token"] == "r2" and written["expires_at"] == world.now + 900 and written["more"] == 1


def test_qwens_file_says_where_requests_go(tmp_path: Path) -> None:
    """resource_url is a host, with or without a path; milliseconds become seconds."""
    file = tmp_path / "oauth_creds.json"
    file.write_text(
        json.dumps({"access_token": "a", "resource_url": "portal.qwen.ai/v1", "expiry_date": 2_000_000_000_000})
    )
    login = Login(flow="device_code", host="https://chat.qwen.ai", files=(str(file),), format="qwen", share="read")
    (source,) = found({"HOME": str(tmp_path)}, login=login)
    assert isinstance(source, Source)
    world = Play(files={str(file): file.read_bytes()})
    token = world.run(source.obtain(world.clock, None))
    assert (token.base, token.expires) == ("https://portal.qwen.ai", 2_000_000_000)
