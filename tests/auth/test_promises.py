"""What tables of providers promise about logins, and what often does not work: each through a running gateway."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.logins import Desk, running
from server.client import call
from server.running import Gateway, environment, gateway
from server.wire import CHAT, MESSAGES, PATHS, ask

BACKEND = """
from keyring.backend import KeyringBackend

class Backend(KeyringBackend):
    priority = 1

    def get_password(self, service, username):
        return {("hexapla", "acme"): "ring-key"}.get((service, username))

    def set_password(self, service, username, password): ...
    def delete_password(self, service, username): ...
"""
MESSAGE = {
    "id": "m1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [{"type": "text", "text": "hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}


@pytest.fixture
def desk() -> Iterator[Desk]:
    with running() as found:
        yield found


def acme(desk: Desk, auth: str, name: str = "acme") -> str:
    endpoint = f'[[providers.{name}.endpoints]]\nprotocol = "openai_chat"\nbase_url = "{desk.url}/v1"\n'
    return f"[providers.{name}]\nauth = {auth}\n{endpoint}"


def chat(gate: Gateway, model: str = "acme/m") -> int:
    return call(gate.url, PATHS[CHAT], ask(CHAT, model)).status


def sent(desk: Desk) -> list[str]:
    """The secrets that the upstream saw."""
    return [each.headers["authorization"].removeprefix("Bearer ") for each in desk.asked("/v1/chat/completions")]


def application_default_credentials(folder: Path, desk: Desk) -> None:
    file = folder / ".config/gcloud/application_default_credentials.json"
    file.parent.mkdir(parents=True)
    held = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
    file.write_text(json.dumps(held | {"token_uri": f"{desk.url}/cloud/token"}))


@pytest.mark.parametrize(("stream", "verb"), [(False, "rawPredict"), (True, "streamRawPredict")])
def test_vertex_is_asked_as_vertex_wants(desk: Desk, tmp_path: Path, stream: bool, verb: str) -> None:
    """The model in the path, a Bearer and no x-api-key, anthropic_version in the body, and no model there."""
    application_default_credentials(tmp_path, desk)
    place = "/v1/projects/p1/locations/us-east5/publishers/anthropic"
    path = f"{place}/models/claude-sonnet-4@20250514:{verb}"
    desk.answers[path] = [(200, MESSAGE)]
    (tmp_path / ".env").write_text("CLOUD_ML_REGION=us-east5\nANTHROPIC_VERTEX_PROJECT_ID=p1\n")
    with gateway(tmp_path, f'[providers.vertex_anthropic]\nhost = "{desk.url}"\n') as gate:
        body = ask(MESSAGES, "vertex/claude-sonnet-4@20250514", stream=stream)
        heard = call(gate.url, PATHS[MESSAGES], body)
    assert heard.status == 200 and b"hello" in heard.body
    (asked,) = desk.asked(path)
    assert asked.headers["authorization"] == "Bearer access-1" and "x-api-key" not in asked.headers
    assert asked.fields["anthropic_version"] == "vertex-2023-10-16" and "model" not in asked.fields


def test_a_backup_has_its_own_model_and_its_own_login(desk: Desk, tmp_path: Path) -> None:
    """The first one's login has ended; the second is asked with its own token and for its own model."""
    folder = tmp_path / ".local/state/hexapla/credentials"
    folder.mkdir(parents=True)
    for name, left in (("first", -10), ("second", 3600)):
        grant = {"access": f"{name}-token", "expires": time.time() + left, "host": desk.url}
        (folder / f"{name}.json").write_text(json.dumps(grant))
    desk.good = {"second-token"}
    login = f'{{ kind = "login", login = {{ flow = "device_code", host = "{desk.url}", token = "{{host}}/token" }} }}'
    text = acme(desk, login, "first") + acme(desk, login, "second") + '[chains]\n"first/big" = ["second/small"]\n'
    with gateway(tmp_path, text) as gate:
        assert chat(gate, "first/big") == 200
    assert sent(desk) == ["second-token"]
    assert desk.asked("/v1/chat/completions")[0].fields["model"] == "small"


def test_a_key_in_the_systems_keyring_reaches_the_provider(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read when the first request needs it."""
    pytest.importorskip("keyring")
    (tmp_path / "ringback.py").write_text(BACKEND)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "ringback.Backend")
    desk.good = {"ring-key"}
    with gateway(tmp_path, acme(desk, '{ keyring = "hexapla/acme" }')) as gate:
        assert chat(gate) == 200
    assert sent(desk) == ["ring-key"]


def test_a_key_that_was_changed_in_its_file_is_read_anew(desk: Desk, tmp_path: Path) -> None:
    """The old one is refused, the file is read again, and the same request succeeds."""
    file = tmp_path / "key"
    file.write_text("old-key\n")
    desk.good = {"old-key"}
    with gateway(tmp_path, acme(desk, f'{{ file = "{file}" }}')) as gate:
        assert chat(gate) == 200
        file.write_text("new-key\n")
        desk.good = {"new-key"}
        assert chat(gate) == 200
    assert sent(desk) == ["old-key", "old-key", "new-key"]


def test_the_order_of_keys_is_their_priority(desk: Desk, tmp_path: Path) -> None:
    """Always the first, as long as it serves."""
    desk.good = {"one", "two"}
    with gateway(tmp_path, acme(desk, '{ keys = ["one", "two"] }')) as gate:
        assert {chat(gate) for _ in range(6)} == {200}
    assert sent(desk) == ["one"] * 6


def test_weights_share_the_traffic(desk: Desk, tmp_path: Path) -> None:
    """Both are used, and a key that is refused gives its share to the other."""
    desk.good = {"one", "two"}
    keys = '{ keys = [{ key = "one", weight = 1, name = "a" }, { key = "two", weight = 1, name = "b" }] }'
    with gateway(tmp_path, acme(desk, keys)) as gate:
        assert {chat(gate) for _ in range(24)} == {200}
        both = set(sent(desk))
        desk.good = {"two"}
        assert {chat(gate) for _ in range(8)} == {200}
        shown = call(gate.url, "/v1/credentials").json["data"]
    assert both == {"one", "two"}
    assert sent(desk)[24:].count("one") <= 1
    acmes = {each["name"]: each for each in shown if each["provider"] == "acme"}
    if "one" in sent(desk)[24:]:
        assert acmes["a"]["benched"][0]["why"] == "upstream_auth"
    assert acmes["b"]["benched"] == [] and "two" not in json.dumps(shown)


def test_status_tells_who_sits_out(desk: Desk, tmp_path: Path) -> None:
    """The command line asks the gateway that runs at the configured address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    desk.good = {"two"}
    text = acme(desk, '{ keys = ["one", "two"] }') + f"[server]\nport = {port}\n"
    with gateway(tmp_path, text, "--port", str(port)) as gate:
        assert chat(gate) == 200
        command = [sys.executable, "-m", "hexapla", "auth", "status", "--config", "hexapla.toml"]
        env = environment(tmp_path) | {"HEXAPLA_LANG": "en"}
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=True)
    assert "sits out: upstream_auth 5 min" in done.stdout and "in use" in done.stdout


def test_what_is_off_until_allowed_is_not_asked(desk: Desk, tmp_path: Path) -> None:
    """A login of the vendor's own program alone does not turn an undocumented interface on."""
    file = tmp_path / ".codex/auth.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"tokens": {"access_token": "a", "refresh_token": "r"}}))
    endpoint = f'[[providers.chatgpt_codex.endpoints]]\nprotocol = "openai_chat"\nbase_url = "{desk.url}/v1"\n'
    with gateway(tmp_path, endpoint) as gate:
        heard = call(gate.url, PATHS[CHAT], ask(CHAT, "codex/gpt-5.3-codex"))
    assert heard.status == 404 and "enabled = true" in heard.error["message"]
    assert not desk.heard


def test_a_streams_login_is_renewed_too(desk: Desk, tmp_path: Path) -> None:
    """A 401 before the first byte: renewed, asked again, and the client sees one stream."""
    folder = tmp_path / ".local/state/hexapla/credentials"
    folder.mkdir(parents=True)
    desk.issue()
    desk.good.clear()
    grant = {"access": "access-1", "refresh": desk.refreshable, "expires": time.time() + 3600, "host": desk.url}
    (folder / "acme.json").write_text(json.dumps(grant | {"obtained": time.time() - 10}))
    login = f'{{ kind = "login", login = {{ flow = "device_code", host = "{desk.url}", token = "{{host}}/token" }} }}'
    with gateway(tmp_path, acme(desk, login)) as gate:
        heard = call(gate.url, PATHS[CHAT], ask(CHAT, "acme/m", stream=True))
    assert heard.status == 200 and b"[DONE]" in heard.body and heard.headers["x-hexapla-attempts"] == "2"
    assert sent(desk) == ["access-1", "access-2"]


def test_no_secret_shows_anywhere(desk: Desk, tmp_path: Path) -> None:
    """Not in the log, the ledger's record, an error or what is told of credentials."""
    folder = tmp_path / ".local/state/hexapla/credentials"
    folder.mkdir(parents=True)
    grant = {"access": "hush-access", "refresh": "hush-refresh", "expires": time.time() - 1, "host": desk.url}
    (folder / "acme.json").write_text(json.dumps(grant))
    login = f'{{ kind = "login", login = {{ flow = "device_code", host = "{desk.url}", token = "{{host}}/token" }} }}'
    desk.answers["/token"] = [(400, {"error": "hush-refresh", "error_description": "hush-refresh hush-access"})] * 9
    with gateway(tmp_path, acme(desk, login)) as gate:
        heard = call(gate.url, PATHS[CHAT], ask(CHAT, "acme/m"))
        shown = call(gate.url, "/v1/credentials").body.decode()
        record = json.dumps(gate.generation(heard.headers["x-request-id"]))
        said = gate.complaints() + json.dumps(gate.log())
    for text in (heard.body.decode(), shown, record, said):
        assert "hush" not in text
