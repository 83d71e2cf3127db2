"""The text of a foreign configuration as data, and whose it is.

claude-code-router reads its file as JSON5, and its own example has a comma too many; so comments and final commas are
forgiven.

Rules of this file: pure; mistakes are ConfigErrors with file and line.
"""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

from hexapla.errors import ConfigError
from hexapla.importers._optional import load_yaml

Data = dict[str, Any]

_TOKEN = re.compile(r'"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*.*?\*/|,(?=(?:\s|//[^\n]*|/\*.*?\*/)*[\]}])', re.DOTALL)
"""A string (kept), a comment, or a comma with nothing after it."""


def load(text: str, file: str) -> Data:
    """The data of `text`; its form is told by the file's name, else by its first letter.  Raises ConfigError."""
    ending = file.rpartition(".")[2].lower()
    if ending == "toml":
        data: Any = _toml(text, file)
    elif ending in ("json", "json5", "jsonc") or text.lstrip()[:1] in ("{", "/"):
        data = _json(text, file)
    else:
        data = load_yaml(text, file)
    if not isinstance(data, dict):
        raise ConfigError("This is no configuration: its top level is no table.", file=file, line=1)
    return data


def whose(data: Data, file: str) -> str:
    """The program whose configuration `data` is: claudex, ccr or litellm.  Raises ConfigError."""
    for program, signs in _SIGNS.items():
        if any(sign in data for sign in signs):
            return program
    raise ConfigError(
        "This is no configuration that is known here; say whose it is with --from (claudex, ccr or litellm).", file=file
    )


_SIGNS = {
    "litellm": ("model_list", "litellm_settings", "router_settings", "general_settings"),
    "ccr": ("Providers", "Router", "APIKEYS", "CUSTOM_ROUTER_PATH"),
    "claudex": ("profiles", "model_aliases", "claude_binary", "proxy_port"),
}


def _toml(text: str, file: str) -> Data:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r" \(at line (\d+)", str(error))
        line = int(found[1]) if found else None
        raise ConfigError(f"This is not valid TOML: {str(error).partition(' (at')[0]}.", file=file, line=line) from None


def _json(text: str, file: str) -> Any:
    plain = _TOKEN.sub(_without, text)
    try:
        return json.loads(plain)
    except json.JSONDecodeError as error:
        raise ConfigError(f"This is not valid JSON: {error.msg}.", file=file, line=error.lineno) from None
    except RecursionError:
        raise ConfigError("This JSON is nested too deep.", file=file) from None


def _without(found: re.Match[str]) -> str:
    """Strings stay; the rest becomes white space, so that lines keep their numbers."""
    said = found[0]
    return said if said.startswith('"') else re.sub(r"[^\n]", " ", said)
