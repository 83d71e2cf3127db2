"""A gateway for one program: there for the block, for its key, and silent at the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hexapla.config import Config, Key, LedgerConfig, assemble
from hexapla.errors import ConfigError
from hexapla.server.house import housed
from server.client import call
from server.wire import MESSAGES, ask

LOADED = assemble(Config(ledger=LedgerConfig(path=":memory:")), {})
OWN = Key(name="run", key="of-the-run")


def test_it_serves_whoever_has_the_key(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Requests are written to the log and nowhere else."""
    log = tmp_path / "run.log"
    with housed(LOADED, OWN, log) as url:
        assert call(url, "/v1/messages", ask(MESSAGES, "demo/echo"), x_api_key="of-the-run").status == 200
        assert call(url, "/v1/messages", ask(MESSAGES, "demo/echo"), x_api_key="guessed").status == 401
    assert [json.loads(line)["key"] for line in log.read_text().splitlines()] == ["run"]
    assert capfd.readouterr() == ("", "")


def test_it_is_gone_afterwards() -> None:
    """Its door is closed, and a second one may open at once."""
    with housed(LOADED, OWN, None) as url:
        assert call(url, "/livez").status == 200
    with pytest.raises(ConnectionRefusedError):
        call(url, "/livez")
    with housed(LOADED, OWN, None, int(url.rpartition(":")[2])) as again:
        assert again == url


def test_what_prevents_it_is_told_to_who_asked() -> None:
    """Not to a thread that nobody hears."""
    with housed(LOADED, OWN, None) as url:
        port = int(url.rpartition(":")[2])
        with pytest.raises(ConfigError, match="in use"), housed(LOADED, OWN, None, port):
            pass
