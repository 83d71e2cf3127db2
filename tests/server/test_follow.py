"""A gateway follows its files: good changes are in force, bad ones are told and change nothing."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import watchfiles

from hexapla.config import load_config
from hexapla.engine.assemble import open_gateway
from hexapla.engine.gateway import Gateway
from hexapla.errors import ClientError, Kind, UpstreamError
from hexapla.observe.exposition import Exposition
from hexapla.server import follow
from hexapla.server.follow import RESTART, Follower
from hexapla.server.keys import KeyRing
from server.client import begin, call, hear
from server.running import gateway, providers
from server.upstream import Upstream, Visit
from server.wire import CHAT, LAST, PATHS, STREAM, ask, chunk, ending, opening, piece

BASE = """\
keys = ["old-key"]
aliases = { mine = "local/one" }
ledger = { path = ":memory:" }

[providers.local]
auth = { key = "${LOCAL_KEY}" }
[[providers.local.endpoints]]
protocol = "openai_chat"
base_url = "http://127.0.0.1:9/v1"
"""


class Place:
    """A folder with a configuration that somebody edits while a gateway follows it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "hexapla.toml"
        self.dotenv = folder / ".env"
        self.file.write_text(BASE)
        self.dotenv.write_text("LOCAL_KEY=first\n")

    def edit(self, old: str, new: str) -> None:
        text = self.file.read_text()
        assert old in text
        self.file.write_text(text.replace(old, new))


@pytest.fixture(autouse=True)
def _logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "hexapla")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.delenv("LOCAL_KEY", raising=False)
    monkeypatch.setattr(follow, "SETTLE", 0)
    return Place(tmp_path)


Story = Callable[[Follower, Gateway, KeyRing], Any]


def followed(place: Place, story: Story, address: str = "127.0.0.1") -> None:
    """Tell a story about a gateway that follows `place`."""

    async def tell() -> None:
        loaded = load_config(place.file)
        opened = open_gateway(loaded)
        keys = KeyRing(loaded.config.key_names())
        try:
            await story(Follower(opened, keys, loaded, address), opened, keys)
        finally:
            await opened.aclose()

    asyncio.run(tell())


def secret(opened: Gateway) -> str:
    """The key that a request of today would carry."""
    return opened.routes.credentials("local")[0].secret


def test_a_good_change_is_in_force(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """Aliases, providers and client keys are the new ones, together; the old ones are gone."""

    async def story(follower: Follower, opened: Gateway, keys: KeyRing) -> None:
        place.edit('["old-key"]', '["new-key"]')
        place.edit("local/one", "local/two")
        place.edit("127.0.0.1:9/", "127.0.0.1:10/")
        await follower.look()
        (candidate,) = opened.routes.candidates("mine")
        assert candidate.model == "two" and candidate.endpoint.base_url == "http://127.0.0.1:10/v1"
        assert keys.name([(b"x-api-key", b"new-key")]) == "key-1"
        with pytest.raises(ClientError):
            keys.name([(b"x-api-key", b"old-key")])
        assert (follower.taken, follower.refused, follower.stale) == (1, 0, False)
        assert "in force." in caplog.text and "restart" not in caplog.text

    followed(place, story)


def test_the_dotenv_is_followed(place: Place) -> None:
    """A new key in `.env` is sent from the next request on, and who was benched with the old one plays again."""

    async def story(follower: Follower, opened: Gateway, keys: KeyRing) -> None:
        assert secret(opened) == "first"
        refused = UpstreamError(Kind.UPSTREAM_AUTH, "The key is refused.")
        opened.routes.traffic.bench.heard(opened.routes.first("mine"), refused, opened.books.clock())
        sessions = opened.routes.traffic.affinity
        place.dotenv.write_text("LOCAL_KEY=second\n")
        await follower.look()
        assert secret(opened) == "second" and not opened.routes.traffic.bench.sitting
        assert opened.routes.traffic.affinity is sessions, "a conversation stays where its prompt is cached"

    followed(place, story)


BAD = {
    "unknown key": ("aliases = {", "alises = {", ":2: There is no key 'alises' here.", "Did you mean 'aliases'?"),
    "wrong type": ('["old-key"]', "7", ":1: keys: Expected `array`, got `int`.", "`array`"),
    "duplicate provider": ("[providers.local]\n", "[providers.local]\n[providers.local]\n", ":6:", "a second time"),
    "twin provider": (
        "[[providers.local.end",
        "[providers.Local]\nendpoints = [{protocol='openai_chat', base_url='http://h'}]\n[[providers.local.end",
        "The provider 'Local' stands here a second time, as 'local'.",
        ":7: providers.Local: ",
    ),
    "missing variable": (
        "${LOCAL_KEY}",
        "${LOCAL_KEI}",
        ":6:",
        "providers.local.auth.key: The environment variable LOCAL_KEI is not set. Did you mean 'LOCAL_KEY'?",
    ),
    "not TOML": ("[providers.local]\n", "[providers.local\n", ":5: This is not valid TOML", ""),
    "key that no header takes": ("${LOCAL_KEY}", "schlüssel", "holds characters that no header takes", ""),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_change_is_told_and_changes_nothing(place: Place, case: str, caplog: pytest.LogCaptureFixture) -> None:
    """The log names file, line, key and what was probably meant; the gateway serves as before, and recovers."""
    old, new, where, hint = BAD[case]

    async def story(follower: Follower, opened: Gateway, keys: KeyRing) -> None:
        before = opened.config, opened.routes
        place.edit(old, new)
        await follower.look()
        assert (opened.config, opened.routes) == before
        assert keys.name([(b"x-api-key", b"old-key")]) == "key-1"
        assert where in caplog.text and hint in caplog.text
        assert "first" not in caplog.text and "old-key" not in caplog.text
        counts = Exposition(opened.books.metrics).render().decode()
        assert "hexapla_config_refusals_total 1.0" in counts and "hexapla_config_stale 1.0" in counts
        place.file.write_text(BASE)
        await follower.look()
        assert opened.routes is not before[1]
        counts = Exposition(opened.books.metrics).render().decode()
        assert "hexapla_config_reloads_total 1.0" in counts and "hexapla_config_stale 0.0" in counts

    followed(place, story)


def test_a_file_that_is_gone_is_a_bad_change(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """No other configuration is looked for: the file that was found at the start stays the file."""

    async def story(follower: Follower, opened: Gateway, keys: KeyRing) -> None:
        place.file.unlink()
        await follower.look()
        assert opened.config.file == str(place.file) and follower.stale
        assert "does not exist" in caplog.text

    followed(place, story)


def test_the_last_key_cannot_go_while_the_network_listens(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """What the start refuses, a change is refused as well."""

    async def story(follower: Follower, opened: Gateway, keys: KeyRing) -> None:
        place.edit('["old-key"]', "[]")
        await follower.look()
        assert not keys.open and follower.refused == 1
        assert "would open every provider" in caplog.text

    followed(place, story, "0.0.0.0")


def test_what_did_not_change_is_not_loaded(place: Place) -> None:
    """Contents decide: a file that was saved as it was is no change."""

    async def story(follower: Follower, opened: Gateway, keys: KeyRing) -> None:
        before = opened.routes
        place.file.write_text(BASE)
        await follower.look()
        assert opened.routes is before and follower.taken == 0

    followed(place, story)


def test_a_half_written_file_is_waited_for(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """An editor empties a file before it fills it: the empty one would open the gateway to everybody."""

    async def story(follower: Follower, opened: Gateway, keys: KeyRing) -> None:
        waits = iter([lambda: place.file.write_text(BASE + "[aliases]"), lambda: place.file.write_text(BASE + "\n#")])

        async def sleep(seconds: float) -> None:
            next(waits, lambda: None)()

        monkeypatch.setattr(follow.asyncio, "sleep", sleep)
        place.file.write_text("")
        await follower.look()
        assert (follower.taken, follower.refused) == (1, 0) and not keys.open

    followed(place, story)


def test_what_waits_for_a_restart_is_named(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """The rest of the change is in force at once."""

    async def story(follower: Follower, opened: Gateway, keys: KeyRing) -> None:
        place.edit("local/one", "local/two")
        place.file.write_text("server = { port = 7777 }\nlog = { path = 'off' }\n" + place.file.read_text())
        await follower.look()
        assert "Changes of server.port, log.path wait for a restart." in caplog.text
        assert opened.routes.candidates("mine")[0].model == "two"

    followed(place, story)


def test_settings_that_wait_exist() -> None:
    """Every name of the table is a setting."""
    assert all(follow.attrgetter(name)(load_config(environment={}).config) is not ... for name in RESTART)


def test_a_system_without_watches_does_not_end_the_gateway(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """When nothing more can be watched, that is told, and the gateway goes on."""

    async def awatch(*folders: Path, **how: Any) -> AsyncIterator[None]:
        raise OSError("OS file watch limit reached.")
        yield

    async def story(follower: Follower, opened: Gateway, keys: KeyRing) -> None:
        monkeypatch.setattr(watchfiles, "awatch", awatch)
        await follower.run()
        assert "not followed: OS file watch limit reached." in caplog.text

    followed(place, story)


@pytest.fixture
def held() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_a_running_gateway_follows(upstream: Upstream, tmp_path: Path, held: threading.Event) -> None:
    """Seen from outside: a stream outlives its provider, the next request knows the new file, a bad file harms nobody."""

    async def slow(visit: Visit) -> None:
        await visit.write(STREAM + chunk(opening(visit.protocol) + piece(visit.protocol, "first")))
        await asyncio.to_thread(held.wait, 20)
        await visit.write(chunk(piece(visit.protocol, " last") + ending(visit.protocol, "first last")) + LAST)

    text = providers(upstream.url)
    with gateway(tmp_path, text) as running:
        file = tmp_path / "hexapla.toml"
        known = ask(CHAT, f"u_chat/{upstream.play(slow)}", stream=True)
        sock = begin(running.url, PATHS[CHAT], known)
        heard = hear(sock, b"first")
        good = file.read_text()
        file.write_text(good.replace("u_chat", "renamed"))
        wait(lambda: "in force" in running.complaints())
        assert call(running.url, PATHS[CHAT], known).status == 404
        file.write_text(good.replace("[log]", "[logg]"))
        wait(lambda: "Did you mean 'log'?" in running.complaints())
        ready = call(running.url, "/readyz")
        assert (ready.status, ready.json["status"]) == (200, "ready")
        assert b"hexapla_config_stale 1.0" in call(running.url, "/metrics").body
        assert call(running.url, PATHS[CHAT], known).status == 404
        held.set()
        assert b"first" in heard and b" last" in hear(sock, b"[DONE]")
        sock.close()


def wait(condition: Callable[[], bool]) -> None:
    """Wait for something that another process does."""
    event = threading.Event()
    for _ in range(400):
        if condition():
            return
        event.wait(0.05)
    raise AssertionError("it did not happen within 20 seconds")
