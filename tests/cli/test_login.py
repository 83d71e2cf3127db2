"""`hexapla login` and `logout` for a script that shows a person what to do."""

from __future__ import annotations

import json
from pathlib import Path

from auth.test_logins import SETTINGS
from cli.programs import Place
from fakes.logins import running


def test_a_login_is_told_step_by_step(tmp_path: Path) -> None:
    """One JSON object a line: what to open, the code, where the login is; and its end."""
    with running() as desk:
        place = Place(tmp_path, SETTINGS.format(url=desk.url, more="").replace("{{", "{").replace("}}", "}"))
        done = place.run("login", "acme", "--json")
        assert done.returncode == 0, done.stderr
        code, end = map(json.loads, done.stdout.splitlines())
        assert code["step"] == "code" and code["code"] and code["url"].startswith("http")
        assert (end["step"], end["provider"]) == ("done", "acme") and Path(end["path"]).is_file()
        assert desk.good.isdisjoint(done.stdout.split('"')), "no token is shown"
        logout = json.loads(place.run("logout", "acme", "--json").stdout)
        assert logout == {"provider": "acme", "ended": "removed", "shared": ""}
        assert not Path(end["path"]).exists()
        assert json.loads(place.run("logout", "acme", "--json").stdout)["ended"] == "none"


def test_a_login_that_is_none_is_no_json(tmp_path: Path) -> None:
    """An error is a line on standard error and an exit code, as everywhere."""
    done = Place(tmp_path, "").run("login", "nobody", "--json")
    assert (done.returncode, done.stdout) == (2, "") and "Logins exist for" in done.stderr
