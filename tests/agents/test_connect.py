"""Lasting configuration: in, shown without its secret, and out again to the letter."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from hexapla.agents.connect import diff, plan, undo, write
from hexapla.agents.tool import Chosen, Door, Home
from hexapla.agents.tools import TOOLS
from hexapla.errors import ConfigError

KEY = "sk-secret-1"
MODEL = Chosen(name="demo/echo", context=1000)
DOOR = Door(url="http://127.0.0.1:1/p/a", key=KEY, models=dict.fromkeys(("default", "haiku"), MODEL))
OTHER = Door(url="http://127.0.0.1:2/p/b", key="sk-secret-2", models={"default": Chosen(name="demo/slow")})
EXISTING = {
    ".claude/settings.json": '{\n  // mine\n  "env": { "ANTHROPIC_MODEL": "opus" },\n  "theme": "dark"\n}\n',
    ".codex/config.toml": '# mine\nmodel = "o3" # good\n\n[tui]\nnotifications = true\n',
    ".gemini/settings.json": '{"security": {"auth": {"selectedType": "oauth-personal"}}}',
    ".gemini/.env": "GEMINI_API_KEY=own # mine\nX=1\n",
    ".config/opencode/opencode.jsonc": '{\n\t"theme": "x", // mine\n}\n',
    ".aider.conf.yml": "# mine\nmodel: sonnet  # good\nread:\n  - A.md\n",
}

tools = pytest.mark.parametrize("name", TOOLS)


class Place:
    """A home and our own folder."""

    def __init__(self, root: Path) -> None:
        self.home, self.folder = root / "home", root / "state" / "connect"

    def connect(self, name: str, door: Door = DOOR) -> str:
        """Write; the diff that was shown."""
        changes = plan(TOOLS[name].lasting(door, Home(path=self.home, environment={})), self.folder)
        write(changes, self.folder)
        return "\n".join(map(diff, changes))

    def files(self) -> dict[str, str]:
        found = sorted(file for file in self.home.rglob("*") if file.is_file())
        return {str(file.relative_to(self.home)): file.read_text() for file in found}


@pytest.fixture
def empty(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def place(empty: Place) -> Place:
    for name, text in EXISTING.items():
        file = empty.home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return empty


@tools
def test_there_and_back(name: str, place: Place) -> None:
    """Comments and everything else stay; the way back gives every byte."""
    shown = place.connect(name)
    files = place.files()
    assert KEY not in shown and "demo/echo" in shown
    assert sum("127.0.0.1:1/p/a" in text for text in files.values()) == 1
    assert all("mine" in text for text in files.values() if "selectedType" not in text)
    undo(place.folder)
    assert place.files() == EXISTING and not list(place.folder.iterdir())


@tools
def test_files_that_were_not_there_go_again(name: str, empty: Place) -> None:
    """And they were for nobody else to read, for they hold a key."""
    empty.connect(name)
    assert empty.files()
    for file in empty.home.rglob("*"):
        if file.is_file():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
    undo(empty.folder)
    assert empty.files() == {}


@tools
def test_connecting_again_keeps_the_way_back(name: str, place: Place) -> None:
    """Another profile takes the place of the first one altogether."""
    place.connect(name)
    place.connect(name, OTHER)
    text = "".join(place.files().values())
    assert "127.0.0.1:2/p/b" in text and "127.0.0.1:1" not in text and KEY not in text
    assert place.connect(name, OTHER) == "\n" * (name == "gemini")
    undo(place.folder)
    assert place.files() == EXISTING


def test_changes_made_since_stay(place: Place) -> None:
    """The program wrote a setting, the user replaced one of ours: both are theirs; the rest is taken back."""
    place.connect("claude")
    file = place.home / ".claude" / "settings.json"
    file.write_text(file.read_text().replace('"dark"', '"light"').replace(KEY, "my own"))
    undo(place.folder)
    assert file.read_text() == (
        '{\n  // mine\n  "env": { "ANTHROPIC_MODEL": "opus", "ANTHROPIC_AUTH_TOKEN": "my own" },\n  "theme": "light"\n}\n'
    )


def test_a_linked_file_stays_a_link(place: Place, tmp_path: Path) -> None:
    """Dotfiles are often kept elsewhere; and the rights of a file stay too."""
    file, real = place.home / ".codex" / "config.toml", tmp_path / "dotfiles.toml"
    file.rename(real)
    real.chmod(0o640)
    file.symlink_to(real)
    place.connect("codex")
    assert file.is_symlink() and "hexapla" in real.read_text() and stat.S_IMODE(real.stat().st_mode) == 0o640


def test_what_is_not_understood_is_left_alone(place: Place) -> None:
    """Nothing is written at all."""
    (place.home / ".gemini" / "settings.json").write_text("{ nonsense")
    before = place.files()
    with pytest.raises(ConfigError, match=r"settings\.json:1: This is not valid JSON"):
        place.connect("gemini")
    assert place.files() == before and not place.folder.exists()


def test_there_is_nothing_to_take_back(empty: Place) -> None:
    """Said, not done in silence."""
    with pytest.raises(ConfigError, match="nothing to take back"):
        undo(empty.folder)


def test_the_backup_is_a_plain_file_of_ones_own(place: Place) -> None:
    """For whoever would rather do it by hand; nobody else reads it."""
    place.connect("claude")
    backup = place.folder / "0-settings.json"
    assert backup.read_text() == EXISTING[".claude/settings.json"]
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600 and stat.S_IMODE(place.folder.stat().st_mode) == 0o700
    assert KEY not in (place.folder / "record.json").read_text()


def test_a_gateway_without_keys_needs_no_variable(empty: Place) -> None:
    """So the user has nothing to export."""
    door = Door(url="http://x", key="hexapla", open=True, models={"default": MODEL})
    for name in ("codex", "opencode"):
        text = str([lasting.values for lasting in TOOLS[name].lasting(door, Home(path=empty.home, environment={}))])
        assert "HEXAPLA_KEY" not in text
