"""Gemini CLI 0.61.0 (https://geminicli.com/docs/reference/configuration, 2026-11).

The key alone does not do: a saved choice of Google's login stands above it, and where none is saved, a base URL means a
kind of login that is not accepted without a terminal.  Only settings say it, and a settings file above the user's must
belong to root; so a run sees the user's folder with that one value changed.
"""

from __future__ import annotations

from hexapla.agents.tool import Door, Home, Lasting, Launch, Mirror, Tool, Values

FOLDER = ".gemini"
ELSEWHERE = ("GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GENAI_USE_GCA", "GOOGLE_VERTEX_BASE_URL")
AUTH: Values = {("security", "auth", "selectedType"): "gemini-api-key"}


def variables(door: Door) -> dict[str, str]:
    """The environment that points Gemini CLI at `door`."""
    said = {"GOOGLE_GEMINI_BASE_URL": door.url, "GEMINI_API_KEY": door.key}
    return said | ({"GEMINI_MODEL": door.main.name} if door.main else {})


def launch(door: Door) -> Launch:
    mirror = Mirror(variable="GEMINI_CLI_HOME", folder=FOLDER, file="settings.json", values=AUTH)
    return Launch(environment=variables(door), unset=ELSEWHERE, mirror=mirror)


def lasting(door: Door, home: Home) -> tuple[Lasting, ...]:
    folder = home.folder("GEMINI_CLI_HOME", "") / FOLDER
    values: Values = {(name,): value for name, value in variables(door).items()}
    return (
        Lasting(file=folder / "settings.json", format="json", values=AUTH),
        Lasting(file=folder / ".env", format="env", values=values, secret=("GEMINI_API_KEY",)),
    )


TOOL = Tool(
    name="gemini",
    title="Gemini CLI",
    program="gemini",
    install="npm install -g @google/gemini-cli",
    protocol="gemini_generate",
    launch=launch,
    lasting=lasting,
    own_login=Launch(unset=("GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL", "GEMINI_MODEL", *ELSEWHERE)),
)
