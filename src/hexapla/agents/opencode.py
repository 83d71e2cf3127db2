"""opencode 1.18.33 (https://opencode.ai/docs/config, /providers, 2026-11).

The configuration of a run is one variable, which is merged over every file.  Messages is the dialect that carries the most
here: thought comes back with its signature, whoever's it is.  In Chat (`@ai-sdk/openai-compatible`) its text comes back
alone, which Claude, Gemini and Responses models cannot take up again.  A model without a `limit` is never compacted.
"""

from __future__ import annotations

import json
from pathlib import Path

from hexapla.agents.tool import KEY_VARIABLE, Chosen, Door, Home, Lasting, Launch, Tool, Values

PROVIDER = "hexapla"
OUTPUT = 32_000  # tokens; opencode's own default where it knows no limit


def settings(door: Door) -> dict[str, object]:
    """What opencode.json has to say."""
    said: dict[str, object] = {"provider": {PROVIDER: _provider(door)}}
    if door.main and door.small:
        said |= {"model": f"{PROVIDER}/{door.main.name}", "small_model": f"{PROVIDER}/{door.small.name}"}
    return said


def _provider(door: Door) -> dict[str, object]:
    chosen = {each.name: each for each in door.models.values()}
    key = door.key if door.open else f"{{env:{KEY_VARIABLE}}}"
    return {
        "npm": "@ai-sdk/anthropic",
        "name": "Hexapla",
        "options": {"baseURL": f"{door.url}/v1", "apiKey": key},
        "models": {name: _model(each) for name, each in chosen.items()},
    }


def _model(chosen: Chosen) -> dict[str, object]:
    said: dict[str, object] = {"name": chosen.title or chosen.name}
    if chosen.context:
        said["limit"] = {"context": chosen.context, "output": chosen.max_output or min(OUTPUT, chosen.context)}
    return said


def launch(door: Door) -> Launch:
    return Launch(
        environment={"OPENCODE_CONFIG_CONTENT": json.dumps(settings(door)), KEY_VARIABLE: door.key},
    )


def lasting(door: Door, home: Home) -> tuple[Lasting, ...]:
    said = settings(door)
    provider = said.pop("provider")
    assert isinstance(provider, dict)
    values: Values = {("provider", PROVIDER): provider[PROVIDER]}
    values |= {(name,): str(value) for name, value in said.items()}
    return (Lasting(file=_file(home), format="json", values=values),)


def _file(home: Home) -> Path:
    """The file that is there, else the one to make."""
    folder = home.folder("XDG_CONFIG_HOME", ".config") / "opencode"
    names = ("opencode.jsonc", "opencode.json")
    return next((folder / name for name in names if (folder / name).exists()), folder / "opencode.json")


TOOL = Tool(
    name="opencode",
    title="opencode",
    program="opencode",
    install="npm install -g opencode-ai",
    protocol="anthropic_messages",
    launch=launch,
    lasting=lasting,
    exports=True,
)
