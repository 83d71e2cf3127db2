"""A mirrored folder: the run sees ours, the user keeps theirs."""

from __future__ import annotations

import json
from pathlib import Path

from hexapla.agents.mirror import mirrored
from hexapla.agents.tool import Mirror

MIRROR = Mirror(variable="X", folder=".x", file="settings.json", values={("auth", "type"): "key"})
SETTINGS = '{\n  // mine\n  "auth": { "type": "login" },\n  "theme": "dark"\n}\n'


def test_a_run_sees_our_value_and_leaves_the_file_alone(tmp_path: Path) -> None:
    """Everything else is the user's own, by links."""
    own, copy = tmp_path / "own", tmp_path / "copy"
    own.mkdir()
    (own / "settings.json").write_text(SETTINGS)
    (own / "notes").write_text("kept")
    with mirrored(MIRROR, own, copy):
        assert (copy / "settings.json").read_text() == SETTINGS.replace('"login"', '"key"')
        assert (copy / "notes").read_text() == "kept"
        (copy / "notes").write_text("written through")
    assert (own / "settings.json").read_text() == SETTINGS
    assert (own / "notes").read_text() == "written through"


def test_what_the_program_writes_is_the_users(tmp_path: Path) -> None:
    """New files, files replaced over their link, new things in folders, changed settings without our value."""
    own, copy = tmp_path / "own", tmp_path / "copy"
    (own / "chats").mkdir(parents=True)
    (own / "settings.json").write_text(SETTINGS)
    (own / "id").write_text("1")
    with mirrored(MIRROR, own, copy):
        (copy / "fresh").write_text("2")
        (copy / "id").unlink()
        (copy / "id").write_text("3")
        (copy / "chats" / "one").write_text("4")
        said = (copy / "settings.json").read_text()
        (copy / "settings.json").write_text(said.replace("dark", "light"))
    assert (own / "settings.json").read_text() == SETTINGS.replace("dark", "light")
    assert [(own / name).read_text() for name in ("fresh", "id", "chats/one")] == ["2", "3", "4"]


def test_a_program_that_is_started_for_the_first_time(tmp_path: Path) -> None:
    """There is no folder yet; afterwards there is what it wrote, and nothing of ours."""
    own, copy = tmp_path / "own", tmp_path / "copy"
    with mirrored(MIRROR, own, copy):
        pass
    assert not own.exists()
    with mirrored(MIRROR, own, tmp_path / "second"):
        file = tmp_path / "second" / "settings.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"theme": "dark"}))
    assert json.loads((own / "settings.json").read_text()) == {"theme": "dark"}
