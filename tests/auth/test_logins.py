"""Logins through a running gateway: a refused token is renewed once and the request asked once more."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.logins import Desk, running
from server.client import Heard, call
from server.running import Gateway, gateway
from server.wire import CHAT, PATHS, ask

SETTINGS = """
[providers.acme]
[providers.acme.auth]
kind = "login"
{more}
[providers.acme.auth.login]
flow = "device_code"
host = "{url}"
client_id = "c"
device = "{{host}}/login/device/code"
token = "{{host}}/token"
[[providers.acme.endpoints]]
protocol = "openai_chat"
base_url = "{url}/v1"
"""
EXCHANGE = """
env = "GH_TOKEN"
[providers.acme.auth.exchange]
method = "GET"
url = "{{host}}/copilot_internal/v2/token"
headers = {{ authorization = "token {{grant}}" }}
seconds = "refresh_in"
base = "endpoints.api"
"""


@pytest.fixture
def desk() -> Iterator[Desk]:
    with running() as found:
        yield found


def settings(desk: Desk, more: str = "") -> str:
    return SETTINGS.format(url=desk.url, more=more.replace("{{", "{").replace("}}", "}"))


def keep(folder: Path, desk: Desk, *, left: float = 3600, known: bool = True) -> Path:
    """Put a login where `hexapla login` would have."""
    access = desk.issue()["access_token"]
    if not known:
        desk.good.discard(access)
    file = folder / ".local/state/hexapla/credentials/acme.json"
    file.parent.mkdir(parents=True)
    now = time.time()
    grant = {"access": access, "refresh": desk.refreshable, "expires": now + left, "obtained": now + left - 7200}
    file.write_text(json.dumps(grant | {"host": desk.url}))
    return file


def chat(gate: Gateway) -> Heard:
    return call(gate.url, PATHS[CHAT], ask(CHAT, "acme/m"))


def test_a_login_serves(desk: Desk, tmp_path: Path) -> None:
    """The token goes as a Bearer, and nothing is refreshed that is good."""
    keep(tmp_path, desk)
    with gateway(tmp_path, settings(desk)) as gate:
        assert [chat(gate).status, chat(gate).status] == [200, 200]
    assert not desk.asked("/token")


def test_a_401_refreshes_once_and_asks_once_more(desk: Desk, tmp_path: Path) -> None:
    """The client sees a success that took two calls; the new token is on the disk and serves the next request."""
    file = keep(tmp_path, desk, known=False)
    with gateway(tmp_path, settings(desk)) as gate:
        first, second = chat(gate), chat(gate)
    assert [first.status, second.status] == [200, 200]
    assert [first.headers["x-hexapla-attempts"], second.headers["x-hexapla-attempts"]] == ["2", "1"]
    assert len(desk.asked("/token")) == 1
    assert json.loads(file.read_text())["access"] == "access-2"
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_second_401_is_the_clients(desk: Desk, tmp_path: Path) -> None:
    """A new token that is refused as well is not renewed again, in this request or the next."""
    keep(tmp_path, desk, known=False)
    refusal = (401, {"error": {"message": "no"}})
    desk.answers["/v1/chat/completions"] = [refusal] * 8
    with gateway(tmp_path, settings(desk)) as gate:
        first, second = chat(gate), chat(gate)
    assert first.status >= 400 and second.status >= 400
    assert len(desk.asked("/v1/chat/completions")) == 3
    assert len(desk.asked("/token")) == 1


def test_many_waiters_share_one_refresh(desk: Desk, tmp_path: Path) -> None:
    """Twelve requests at once find an ended token: the login server is asked once."""
    keep(tmp_path, desk, left=-10)
    desk.delay = 0.1
    with gateway(tmp_path, settings(desk)) as gate:
        answers: list[Heard] = []
        threads = [threading.Thread(target=lambda: answers.append(chat(gate))) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [answer.status for answer in answers] == [200] * 12
    assert len(desk.asked("/token")) == 1


def test_an_ended_login_is_told_with_what_to_do(desk: Desk, tmp_path: Path) -> None:
    """Reuse was detected: the client is told to log in, the server is not hammered, and no secret shows."""
    keep(tmp_path, desk, left=-10)
    spent, desk.refreshable = desk.refreshable, "someone-else-has-it"
    with gateway(tmp_path, settings(desk)) as gate:
        answers = [chat(gate) for _ in range(3)]
        log, said = json.dumps(gate.log()), gate.complaints()
    assert all("run `hexapla login acme`" in answer.error["message"] for answer in answers)
    assert len(desk.asked("/token")) == 1 and not desk.asked("/v1/chat/completions")
    assert spent not in log + said and "access-1" not in log + said


def test_a_login_made_while_the_gateway_runs_is_found(desk: Desk, tmp_path: Path) -> None:
    """First there is none, and the error says how to make one."""
    with gateway(tmp_path, settings(desk)) as gate:
        before = chat(gate)
        keep(tmp_path, desk)
        after = chat(gate)
    assert before.status == 404 and "hexapla login acme" in before.error["message"]
    assert after.status == 200


def test_copilots_exchange_and_base(desk: Desk, tmp_path: Path) -> None:
    """A GitHub token buys a short one, requests go where the answer says, and a refused one is bought anew."""
    keep(tmp_path, desk)
    text = settings(desk, EXCHANGE).replace(f'base_url = "{desk.url}/v1"', 'base_url = "http://127.0.0.1:9/v1"')
    with gateway(tmp_path, text) as gate:
        assert chat(gate).status == 200
        desk.good -= {token for token in desk.good if token.startswith("copilot")}
        again = chat(gate)
    assert again.status == 200 and again.headers["x-hexapla-attempts"] == "2"
    assert len(desk.asked("/copilot_internal/v2/token")) == 2
    assert desk.asked("/v1/chat/completions")[0].headers["authorization"].startswith("Bearer copilot-")
