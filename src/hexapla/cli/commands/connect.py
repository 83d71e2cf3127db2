"""`hexapla connect TOOL`: a program's own configuration, so that it comes here whenever it is started."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from hexapla.agents.connect import Change, diff, plan, undo, write
from hexapla.agents.probe import Found, probe
from hexapla.agents.tool import KEY_VARIABLE, Door, Home, Tool
from hexapla.agents.tools import TOOLS
from hexapla.cli.console import Screen
from hexapla.cli.pointing import ANY_KEY, address, chosen_profile, inside, key_of, known_profile, models_of
from hexapla.cli.words import Say
from hexapla.config import Key, Loaded, load_config
from hexapla.errors import ConfigError
from hexapla.ledger import Generation, Ledger, default_path
from hexapla.server.house import housed

NOT_READY: dict[Found, str] = {
    "absent": "no-gateway-yet",
    "stranger": "no-gateway-yet",
    "locked": "gateway-locked",
    "unknown": "gateway-refuses",
}
OFTEN = 0.3  # seconds between looks at the ledger


def run(arguments: argparse.Namespace, say: Say) -> int:
    tool = TOOLS[arguments.tool]
    folder = default_path().parent / "connect" / tool.name
    told = Told(say, as_json=arguments.json)
    if arguments.undo:
        undone = undo(folder)
        told.note(tool=tool.name, undone=[{"file": str(file), "exact": exact} for file, exact in undone.items()])
        for file, exact in undone.items():
            told.say("undone" if exact else "undone-partly", file=file)
        return told.end(0)
    loaded = load_config(arguments.config)
    name = chosen_profile(loaded, arguments.profile)
    url = arguments.url.rstrip("/") or address(loaded)
    key = key_of(loaded, name, os.environ)
    found = probe(url, name, key)
    door = _door(loaded, name, url, key, arguments, say, elsewhere=bool(arguments.url) or found == "ready")
    changes = plan(tool.lasting(door, Home(path=Path.home(), environment=os.environ)), folder)
    differences = [{"file": str(each.lasting.file), "diff": text} for each in changes if (text := diff(each))]
    told.note(tool=tool.name, profile=name, url=door.url, gateway=found, models=door.names, changes=differences)
    if not arguments.json:
        _show(changes, say)
    told.note(written=arguments.write)
    if arguments.write:
        write(changes, folder)
        told.say("written", folder=folder)
    elif differences:
        told.say("not-written")
    if tool.exports and not door.open:
        told.note(export=KEY_VARIABLE)
        told.say("export", tool=tool.title, variable=KEY_VARIABLE)
    if arguments.wait is not None:
        return told.end(_wait(loaded, tool, name, door, arguments, say, told))
    if found != "ready":
        told.say(NOT_READY[found], url=url, profile=name)
    return told.end(0)


class Told:
    """What is said while something is done, or, as JSON, what is known at its end."""

    def __init__(self, say: Say, *, as_json: bool) -> None:
        self._say = say
        self._as_json = as_json
        self._facts: dict[str, object] = {}

    def say(self, word: str, **values: object) -> None:
        if not self._as_json:
            print(self._say(word, **values), flush=True)

    def note(self, **facts: object) -> None:
        self._facts |= facts

    def end(self, code: int) -> int:
        """The exit code."""
        if self._as_json:
            print(msgspec.json.encode(self._facts).decode())
        return code


def _door(
    loaded: Loaded, name: str, url: str, key: str, arguments: argparse.Namespace, say: Say, *, elsewhere: bool
) -> Door:
    profile = known_profile(loaded, name, elsewhere=bool(arguments.url))
    if profile.subscription:
        raise ConfigError(say("own-login", tool=TOOLS[profile.subscription].title))
    if loaded.config.keys and key == ANY_KEY and not arguments.url:
        raise ConfigError(say("gateway-locked", url=url))
    models = models_of(loaded, name, arguments.model, elsewhere=elsewhere)
    return Door(url=inside(url, name), key=key, open=key == ANY_KEY, models=models)


def _show(changes: Sequence[Change], say: Say) -> None:
    console = Screen(soft_wrap=True, highlight=False)
    colors = {"+": "green", "-": "red", "@": "cyan"}
    lines = [line for change in changes for line in diff(change).splitlines()]
    for line in lines or [say("no-change")]:
        console.print(line, style=colors.get(line[:1]), markup=False)


def _wait(
    loaded: Loaded, tool: Tool, profile: str, door: Door, arguments: argparse.Namespace, say: Say, told: Told
) -> int:
    """The proof: a request in the program's dialect that began after now.  Exit code 1 where none comes."""
    if arguments.url or loaded.config.ledger.path == ":memory:":
        raise ConfigError(say("wait-here-only"))
    since = time.time()
    with _serving(loaded, tool, profile, door, told):
        told.say("waiting", tool=tool.title)
        found = _heard(loaded, tool, since, arguments.wait)
    if found is None:
        told.note(heard=None)
        told.say("not-heard", tool=tool.title, seconds=arguments.wait)
        return 1
    model = f"{found.provider}/{found.model}"
    said = {"requested": found.requested, "model": model, "outcome": found.outcome, "seconds": found.latency}
    told.note(heard=said)
    told.say("heard", tool=tool.title, **said)
    return 0 if found.outcome == "ok" else 1


@contextmanager
def _serving(loaded: Loaded, tool: Tool, profile: str, door: Door, told: Told) -> Iterator[None]:
    """The configured gateway: the one that runs, else one of our own in its place."""
    url = address(loaded)
    if probe(url, profile, door.key) != "absent":
        yield
        return
    told.say("housed", url=url)
    key = Key(name=f"connect-{tool.name}", key=door.key, profile=profile)
    with housed(loaded, key, None, loaded.config.server.port):
        yield


def _heard(loaded: Loaded, tool: Tool, since: float, patience: float) -> Generation | None:
    """The first request of the program that is over, as the ledger tells."""
    ledger = Ledger.open(loaded.config.ledger.path or None)
    try:
        while time.time() < since + patience:
            for one in reversed(ledger.recent(20)):
                if one.created >= since and one.client_protocol == tool.protocol:
                    return one
            time.sleep(OFTEN)
    finally:
        ledger.close()
    return None
