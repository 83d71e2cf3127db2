"""`hexapla run`: a program on models of one's choice, as if it had been started by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.programs import ASK_CLAUDE, Place
from hexapla.agents.tools import TOOLS
from server.running import Gateway, gateway

CONFIG = """
[server]
port = {port}
[log]
path = "off"
[profiles.work]
provider = "demo"
model = "tools"
haiku = "echo"
environment = {{ DISABLE_TELEMETRY = "1" }}
[profiles.other]
model = "demo/slow"
[profiles.keyless]
provider = "deepseek"
model = "deepseek-chat"
"""
NOBODY = 9  # the port of `discard`: nothing answers there

tools = pytest.mark.parametrize("name", TOOLS)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path, CONFIG.format(port=NOBODY))
    (made.home / ".claude").mkdir()
    (made.home / ".claude" / "settings.json").write_text('{"env": {"ANTHROPIC_BASE_URL": "http://old"}}')
    (made.home / ".codex").mkdir()
    (made.home / ".codex" / "config.toml").write_text('model = "mine" # keep\n')
    (made.home / ".gemini").mkdir()
    (made.home / ".gemini" / "settings.json").write_text('{"security": {"auth": {"selectedType": "oauth-personal"}}}')
    (made.home / ".aider.conf.yml").write_text("model: mine\n")
    return made


@contextmanager
def running(place: Place, folder: Path, text: str = "") -> Iterator[Gateway]:
    """A gateway at the address that the place's configuration names."""
    folder.mkdir()
    with gateway(folder, text + place.config.read_text().replace('[log]\npath = "off"', "")) as found:
        port = found.url.rpartition(":")[2]
        place.config.write_text(text + CONFIG.format(port=port))
        yield found


@tools
def test_a_program_is_started_as_by_hand(name: str, place: Place) -> None:
    """Its own arguments to the letter, standard input, the working folder, the exit code; and nothing of the user's
    is changed."""
    place.program(TOOLS[name].program)
    before = place.contents()
    rest = ("-x", "a b", "--", "--profile", "c")
    done = place.run("run", name, "--profile", "work", "--", *rest, stdin="typed")
    noted = place.noted()
    assert (done.returncode, done.stdout, done.stderr) == (5, "the program's own words\n", "")
    assert noted["arguments"][-len(rest) :] == list(rest)
    assert (noted["stdin"], noted["cwd"]) == ("typed", str(place.work))
    assert noted["environment"]["DISABLE_TELEMETRY"] == "1"
    assert place.contents() == before
    assert "demo/tools" in json.dumps([noted["arguments"], noted["environment"], noted["files"]])


def test_what_is_started_as_json(place: Place, tmp_path: Path) -> None:
    """On standard error, since standard output is the program's; and no key in it."""
    place.program("claude", ASK_CLAUDE)
    done = place.run("run", "claude", "--profile", "work", "--json")
    said = json.loads(done.stderr)
    assert done.stdout == "the program's own words\n" and done.returncode == 5
    assert (said["tool"], said["gateway"], said["profile"]) == ("claude", "own", "work")
    assert said["models"]["haiku"] == "demo/echo" and said["program"] == str(place.bin / "claude")
    environment = place.noted()["environment"]
    assert said["url"] == environment["ANTHROPIC_BASE_URL"]
    assert environment["ANTHROPIC_AUTH_TOKEN"] not in done.stderr
    with running(place, tmp_path / "gate"):
        assert json.loads(place.run("run", "claude", "--profile", "work", "--json").stderr)["gateway"] == "running"


def test_a_gateway_is_there_for_the_run(place: Place) -> None:
    """It serves the profile's slots to whoever has the run's key, and to nobody else."""
    place.program("claude", ASK_CLAUDE)
    place.run("run", "claude", "--profile", "work", ANTHROPIC_API_KEY="sk-real")
    noted = place.noted()
    environment = noted["environment"]
    assert (noted["status"], noted["model"]) == (200, "echo")
    assert environment["ANTHROPIC_BASE_URL"].endswith("/p/work") and "ANTHROPIC_API_KEY" not in environment
    assert json.loads(noted["files"]["settings.json"])["env"]["ANTHROPIC_BASE_URL"] == environment["ANTHROPIC_BASE_URL"]
    place.program("claude", (ASK_CLAUDE[0], "guessed", ASK_CLAUDE[2]))
    place.run("run", "claude", "--profile", "work")
    assert place.noted()["status"] == 401


def test_the_others_reach_it_in_their_own_dialect(place: Place) -> None:
    """By the address and the key that they were given."""
    place.program(
        "gemini",
        (
            "{GOOGLE_GEMINI_BASE_URL}/v1beta/models/{GEMINI_MODEL}:generateContent",
            "{GEMINI_API_KEY}",
            {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
        ),
    )
    place.run("run", "gemini", "--profile", "work", "-m", "echo")
    noted = place.noted()
    assert (noted["status"], noted["model"]) == (200, "echo")
    assert json.loads(noted["files"]["settings.json"])["security"]["auth"]["selectedType"] == "gemini-api-key"


def test_a_running_gateway_is_used(place: Place, tmp_path: Path) -> None:
    """None of our own is started; its key is taken from the configuration or the variable."""
    place.program("claude", ASK_CLAUDE)
    with running(place, tmp_path / "gateway", '[[keys]]\nkey = "plain-key"\n') as found:
        place.run("run", "claude", "--profile", "work")
        noted = place.noted()
        assert noted["environment"]["ANTHROPIC_BASE_URL"] == f"{found.url}/p/work"
        assert noted["environment"]["ANTHROPIC_AUTH_TOKEN"] == "plain-key" and noted["model"] == "echo"
        place.config.write_text(CONFIG.format(port=NOBODY))
        done = place.run("run", "claude", "--profile", "work", "--url", found.url + "/")
        assert done.returncode == 2 and "set HEXAPLA_KEY" in done.stderr
        done = place.run("run", "claude", "--profile", "work", "--url", found.url, HEXAPLA_KEY="plain-key")
        assert done.returncode == 5
    done = place.run("run", "claude", "--profile", "work", "--url", found.url)
    assert done.returncode == 2 and "No gateway answers" in done.stderr


def test_a_gateway_may_have_keys_that_we_do_not(place: Place, tmp_path: Path) -> None:
    """It runs as a service, with an environment of its own."""
    place.program("claude")
    with running(place, tmp_path / "gateway", '[providers.deepseek]\nauth = { key = "k" }\n') as found:
        place.config.write_text(CONFIG.format(port=found.url.rpartition(":")[2]))
        done = place.run("run", "claude", "--profile", "keyless")
    assert done.returncode == 5
    assert place.noted()["environment"]["ANTHROPIC_MODEL"] == "deepseek/deepseek-chat"


def test_a_gateway_of_another_configuration_is_left_alone(place: Place, tmp_path: Path) -> None:
    """It does not know the profile: that is said, and the run gets one that does."""
    place.program("claude", ASK_CLAUDE)
    with running(place, tmp_path / "gateway") as found:
        place.config.write_text(place.config.read_text() + '[profiles.new]\nmodel = "demo/slow"\n')
        done = place.run("run", "claude", "--profile", "new")
        assert "does not know the profile new" in done.stderr
        assert not place.noted()["environment"]["ANTHROPIC_BASE_URL"].startswith(found.url)
        assert place.noted()["model"] == "slow"


def test_a_model_without_a_profile(place: Place) -> None:
    """Every size of model is that one; with a profile, the main one is."""
    place.program("claude")
    place.run("run", "claude", "-m", "demo/slow")
    said = place.noted()["environment"]
    assert {said[f"ANTHROPIC_DEFAULT_{size}_MODEL"] for size in ("HAIKU", "SONNET", "OPUS", "FABLE")} == {"demo/slow"}
    assert said["ANTHROPIC_MODEL"] == "demo/slow"
    place.run("run", "claude", "--profile", "work", "-m", "slow")
    said = place.noted()["environment"]
    assert (said["ANTHROPIC_MODEL"], said["ANTHROPIC_DEFAULT_HAIKU_MODEL"]) == ("demo/slow", "demo/echo")


def test_the_only_profile_needs_no_name(place: Place) -> None:
    """With several, the one called default is taken, else none."""
    place.program("claude")
    place.run("run", "claude")
    assert "ANTHROPIC_MODEL" not in place.noted()["environment"]
    place.config.write_text(f'[server]\nport = {NOBODY}\n[profiles.one]\nmodel = "demo/echo"\n')
    place.run("run", "claude")
    assert place.noted()["environment"]["ANTHROPIC_MODEL"] == "demo/echo"


def test_a_subscription_is_its_own_programs(place: Place) -> None:
    """Claude Code with its own login: no address, no token, no gateway; no other program may have that login."""
    place.program("claude")
    place.program("codex")
    gone = {"ANTHROPIC_BASE_URL": "http://x", "ANTHROPIC_AUTH_TOKEN": "x", "ANTHROPIC_API_KEY": "x"}
    done = place.run("run", "claude", "--profile", "claude", "--", "-p", "hi", **gone)
    noted = place.noted()
    assert done.returncode == 5 and noted["arguments"][2:] == ["-p", "hi"]
    assert not gone.keys() & noted["environment"].keys() and not place.state.exists()
    settings = json.loads(noted["files"]["settings.json"])["env"]
    assert gone.keys() <= settings.keys() and not any(settings.values())
    place.run("run", "claude", "--profile", "claude", "-m", "opus")
    assert place.noted()["arguments"][2:] == ["--model", "opus"]
    done = place.run("run", "codex", "--profile", "claude")
    assert done.returncode == 2 and "own login of Claude Code" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("codex", "--profile", "work"), 2, "npm install -g @openai/codex"),
        (("claude", "--profile", "wrok"), 1, "no profile 'wrok' here; there are: claude, keyless, other, work"),
        (("claude", "--profile", "keyless"), 1, "set DEEPSEEK_API_KEY"),
        (("claude", "-m", "demo/"), 1, "is not known"),
        (("vim",), 2, "invalid choice"),
    ],
)
def test_what_cannot_work_is_told_before_anything_starts(
    arguments: tuple[str, ...], code: int, words: str, place: Place
) -> None:
    """With the remedy."""
    place.program("claude")
    done = place.run("run", *arguments, PATH=f"{place.bin}:/usr/bin:/bin")
    assert done.returncode == code and words in done.stderr and "Traceback" not in done.stderr
    assert not place.started()
