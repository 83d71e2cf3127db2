"""Codex 0.169.0 (https://developers.openai.com/codex/config-reference, 2026-11).

A run's settings are `-c` arguments, which stand above config.toml.  A provider names the variable that holds its key, so
the key stands in no file.  A model that Codex does not know is taken for one of 272,000 tokens unless it is told.
"""

from __future__ import annotations

import json

from hexapla.agents.tool import KEY_VARIABLE, Door, Home, Lasting, Launch, Tool, Values

PROVIDER = "hexapla"


def settings(door: Door) -> Values:
    """What config.toml has to say."""
    provider: Values = {
        ("model_providers", PROVIDER, "name"): "Hexapla",
        ("model_providers", PROVIDER, "base_url"): f"{door.url}/v1",
        ("model_providers", PROVIDER, "wire_api"): "responses",
    }
    if not door.open:
        provider["model_providers", PROVIDER, "env_key"] = KEY_VARIABLE
    said: Values = {("model_provider",): PROVIDER}
    if door.main:
        said["model",] = door.main.name
        if door.main.context:
            said["model_context_window",] = door.main.context
    return {**said, **provider}


def launch(door: Door) -> Launch:
    # a JSON string or number is one of TOML
    pairs = (f"{'.'.join(place)}={json.dumps(value)}" for place, value in settings(door).items())
    arguments = tuple(part for pair in pairs for part in ("-c", pair))
    return Launch(environment={KEY_VARIABLE: door.key}, arguments=arguments)


def lasting(door: Door, home: Home) -> tuple[Lasting, ...]:
    file = home.folder("CODEX_HOME", ".codex") / "config.toml"
    return (Lasting(file=file, format="toml", values=settings(door)),)


TOOL = Tool(
    name="codex",
    title="Codex",
    program="codex",
    install="npm install -g @openai/codex",
    protocol="openai_responses",
    launch=launch,
    lasting=lasting,
    exports=True,
)
