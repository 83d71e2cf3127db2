"""`hexapla run TOOL`: a program on the models of one's choice, through a gateway that is there as long as it is needed."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from hexapla.agents.probe import probe
from hexapla.agents.start import environment_of, find, start
from hexapla.agents.tool import Door, Tool
from hexapla.agents.tools import TOOLS
from hexapla.catalog.profile import Profile
from hexapla.cli.pointing import address, chosen_profile, inside, key_of, known_profile, models_of
from hexapla.cli.words import Say
from hexapla.config import Key, Loaded, load_config
from hexapla.errors import ConfigError
from hexapla.ledger import default_path
from hexapla.server.house import housed

LOG = "run.log"
GROWN = 10_000_000  # bytes


def run(arguments: argparse.Namespace, say: Say) -> int:
    tool = TOOLS[arguments.tool]
    program = find(tool, os.environ)
    loaded = load_config(arguments.config)
    name = chosen_profile(loaded, arguments.profile)
    profile = known_profile(loaded, name, elsewhere=bool(arguments.url))
    if profile.subscription:
        return _own_login(tool, program, name, profile, arguments, say)
    with _gateway(loaded, name, arguments, say) as (url, key, elsewhere):
        models = models_of(loaded, name, arguments.model, elsewhere=elsewhere)
        door = Door(url=inside(url, name), key=key, models=models)
        launch = tool.launch(door)
        model = door.main.name if door.main else say("own-names")
        if arguments.json:
            place = "running" if elsewhere else "own"
            _tell_json(tool=tool.name, program=program, gateway=place, url=door.url, profile=name, models=door.names)
        else:
            _tell(say("started", tool=tool.title, model=model, url=door.url))
        return start(program, launch, arguments.rest, environment_of(launch, os.environ, profile.environment))


def _own_login(tool: Tool, program: str, name: str, profile: Profile, arguments: argparse.Namespace, say: Say) -> int:
    """A vendor's subscription belongs to the vendor's own program: it starts as it would without us."""
    if tool.own_login is None or profile.subscription != tool.name:
        raise ConfigError(say("not-its-login", profile=name, owner=TOOLS[profile.subscription].title))
    model = arguments.model or profile.model
    rest = ["--model", model, *arguments.rest] if model else arguments.rest
    if arguments.json:
        _tell_json(tool=tool.name, program=program, gateway="none", url="", profile=name, models={})
    else:
        _tell(say("own-login", tool=tool.title))
    launch = tool.own_login
    return start(program, launch, rest, environment_of(launch, os.environ, profile.environment))


@contextmanager
def _gateway(loaded: Loaded, profile: str, arguments: argparse.Namespace, say: Say) -> Iterator[tuple[str, str, bool]]:
    """The gateway that serves this run, its key, and whether it is another process; else it is one of our own."""
    url = arguments.url.rstrip("/") or address(loaded)
    key = key_of(loaded, profile, os.environ)
    found = probe(url, profile, key)
    if found == "ready":
        yield url, key, True
        return
    if found == "locked":
        raise ConfigError(say("gateway-locked", url=url))
    if arguments.url:
        word = "gateway-refuses" if found == "unknown" else "gateway-absent"
        raise ConfigError(say(word, url=url, profile=profile))
    if found == "unknown":
        print(say("gateway-unaware", url=url, profile=profile), file=sys.stderr)
    own = Key(name=f"run-{arguments.tool}", key=secrets.token_urlsafe(24), profile=profile)
    with housed(loaded, own, _log()) as started:
        yield started, own.key, False


def _log() -> Path | None:
    """A file beside the ledger; when it has grown, a fresh one."""
    file = default_path().with_name(LOG)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.exists() and file.stat().st_size > GROWN:
            file.replace(file.with_suffix(".old.log"))
    except OSError:
        return None
    return file


def _tell_json(**facts: object) -> None:
    """What is started, for a script: standard output is the program's."""
    print(msgspec.json.encode(facts).decode(), file=sys.stderr, flush=True)


def _tell(line: str) -> None:
    """A word to the person at the terminal; scripts read nothing but the program's own words."""
    if sys.stderr.isatty():
        print(f"hexapla: {line}", file=sys.stderr)
