"""aider 0.86.2 (https://aider.chat/docs/config/options.html, /docs/llms/openai-compat.html, 2026-11).

Whatever stands behind `openai/` is the model's name at the gateway.  Arguments stand above .env files, which aider lets
overwrite the environment; the key stays out of them, since every process may read another one's arguments.
"""

from __future__ import annotations

import json

from hexapla.agents.tool import FOLDER, Chosen, Door, Home, Lasting, Launch, Tool, Values

OPENAI = "openai/"


def launch(door: Door) -> Launch:
    arguments = ["--openai-api-base", f"{door.url}/v1"]
    files: dict[str, str] = {}
    if door.main and door.small:
        arguments += ["--model", OPENAI + door.main.name, "--weak-model", OPENAI + door.small.name]
        if known := _metadata(door.main, door.small):
            arguments += ["--model-metadata-file", f"{FOLDER}/models.json"]
            files = {"models.json": json.dumps(known)}
    environment = {"OPENAI_API_KEY": door.key, "AIDER_OPENAI_API_KEY": door.key}
    return Launch(environment=environment, arguments=tuple(arguments), files=files)


def _metadata(*models: Chosen) -> dict[str, object]:
    """The limits of models that aider has never heard of."""
    return {
        OPENAI + each.name: {
            "max_input_tokens": each.context,
            "max_output_tokens": each.max_output or each.context,
            "litellm_provider": "openai",
            "mode": "chat",
        }
        for each in models
        if each.context
    }


def lasting(door: Door, home: Home) -> tuple[Lasting, ...]:
    values: Values = {("openai-api-base",): f"{door.url}/v1", ("openai-api-key",): door.key}
    if door.main and door.small:
        values |= {("model",): OPENAI + door.main.name, ("weak-model",): OPENAI + door.small.name}
    return (Lasting(file=home.path / ".aider.conf.yml", format="yaml", values=values, secret=("openai-api-key",)),)


TOOL = Tool(
    name="aider",
    title="aider",
    program="aider",
    install="uv tool install aider-chat",
    protocol="openai_chat",
    launch=launch,
    lasting=lasting,
)
