"""Claude Code 2.1.330 (https://code.claude.com/docs/en/env-vars, /settings, /model-config, 2026-11).

The token is ANTHROPIC_AUTH_TOKEN: it stands above a saved login and, unlike ANTHROPIC_API_KEY, is not asked about.  What
the user's settings.json says under `env` overwrites the environment, so a run brings a settings file of its own, which
stands above the user's; an empty value is none, which is how a run with its own login takes back what settings say.  A
model that Claude Code does not know is taken for one of a million tokens unless it is told.
"""

from __future__ import annotations

import json

from hexapla.agents.tool import FOLDER, Door, Home, Lasting, Launch, Tool, Values

SLOTS = {
    "default": "ANTHROPIC_MODEL",
    "haiku": "ANTHROPIC_DEFAULT_HAIKU_MODEL",
    "sonnet": "ANTHROPIC_DEFAULT_SONNET_MODEL",
    "opus": "ANTHROPIC_DEFAULT_OPUS_MODEL",
    "fable": "ANTHROPIC_DEFAULT_FABLE_MODEL",
}
ELSEWHERE = (
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_SMALL_FAST_MODEL",
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_VERTEX",
    "CLAUDE_CODE_USE_FOUNDRY",
)
"""Variables that send Claude Code to another place or to another model."""


def variables(door: Door) -> dict[str, str]:
    """The environment that points Claude Code at `door`."""
    said = {"ANTHROPIC_BASE_URL": door.url, "ANTHROPIC_AUTH_TOKEN": door.key}
    for slot, variable in SLOTS.items():
        if chosen := door.models.get(slot):
            said[variable] = chosen.name
    if door.main and door.main.context:
        said["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] = str(door.main.context)
    if door.main and not door.main.name.startswith("anthropic/"):
        # it would stand before the prompt and change with every request, so that no other provider could cache that
        # (https://github.com/ollama/ollama/pull/14918, 2026-03)
        said["CLAUDE_CODE_ATTRIBUTION_HEADER"] = "0"
    return said


def launch(door: Door) -> Launch:
    return _with_settings(variables(door), ELSEWHERE)


def own_login() -> Launch:
    """A run that nothing leads away from the user's own login."""
    return _with_settings({}, ("ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN", *ELSEWHERE, *SLOTS.values()))


def _with_settings(said: dict[str, str], unset: tuple[str, ...]) -> Launch:
    settings = {"env": said | dict.fromkeys(unset, "")}
    return Launch(
        environment=said,
        unset=unset,
        arguments=("--settings", f"{FOLDER}/settings.json"),
        files={"settings.json": json.dumps(settings)},
    )


def lasting(door: Door, home: Home) -> tuple[Lasting, ...]:
    file = home.folder("CLAUDE_CONFIG_DIR", ".claude") / "settings.json"
    values: Values = {("env", name): value for name, value in variables(door).items()}
    return (Lasting(file=file, format="json", values=values, secret=("env", "ANTHROPIC_AUTH_TOKEN")),)


TOOL = Tool(
    name="claude",
    title="Claude Code",
    program="claude",
    install="npm install -g @anthropic-ai/claude-code",
    protocol="anthropic_messages",
    launch=launch,
    lasting=lasting,
    own_login=own_login(),
)
