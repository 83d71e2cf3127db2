"""A list of models as Codex wants it: GET /v1/models?client_version=…

Codex asks a provider for its models where that provider's login is a command's (codex 0.169, seen 2026-11-28), and takes
from the answer how long a context is, which efforts there are, and *what the model is told to be*: instructions that
stand in the list replace its own.  So every entry carries some, and OpenAI's models, which Codex knows better than any
list, are left out of it: for those it keeps what it has, and they can be asked for all the same.

Source of the fields: https://github.com/openai/codex codex-rs/protocol/src/openai_models.rs (2026-11).

Rules of this file: pure; a field that Codex requires is never missing, or it drops the whole list.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from hexapla.catalog.listing import Listed
from hexapla.server.shapes import Json

KNOWN = re.compile(r"(^|/)(gpt-[5-9]|codex)")
"""Ids of the models that Codex brings instructions of its own for."""

LEVELS = {
    "none": "no thought",
    "minimal": "hardly any thought",
    "low": "little thought, quick answers",
    "medium": "some thought",
    "high": "much thought",
    "xhigh": "very much thought",
    "max": "as much thought as the model has",
}
USUAL = ("low", "medium", "high")
CUT = 10_000  # bytes of a tool's output that Codex passes on: its own figure for models that it does not know

INSTRUCTIONS = """\
You are a coding agent in the user's terminal. You work in their repository with the tools that you are given.

Work until the task is done. Find out before you act: list and search files (rg where it exists), read what you are about
to change and what calls it, and look for instructions in AGENTS.md files; the nearest one to a file wins. Prefer the
smallest change that solves the cause, in the style of the code around it. Do not mend what you were not asked to mend;
mention it instead.

Change files by patches where you have a tool for them. Never undo changes that you did not make, never rewrite the
repository's history, and do not commit unless you are asked to. Commands that destroy something, reach the network or
leave the workspace need the user's consent; where the sandbox refuses a command that you need, ask for it with a reason.

When there is more than one step, keep a short plan and update it as you go. Check what you did: run the tests or the
build that cover the change, the narrow ones first, and read their output. Say so when you could not check something.

Answer briefly and plainly. End with what you changed and where (path:line), what you ran and what came of it, and what
is left to decide. Do not repeat whole files.
"""


def codex(rows: Sequence[Listed]) -> Json:
    """Codex's ModelsResponse: the models that call tools, in the order in which they are offered."""
    able = [row for row in rows if "tools" in row.model.capabilities and not KNOWN.search(row.model.id.lower())]
    return {"models": [_entry(row, place) for place, row in enumerate(able)]}


def _entry(row: Listed, place: int) -> Json:
    model = row.model
    thinks = "reasoning" in model.capabilities
    levels = tuple(model.target.get("effort_levels") or USUAL) if thinks else ()
    return {
        "slug": row.name,
        "display_name": model.name or row.name,
        "description": row.provider.name or row.provider.id,
        "default_reasoning_level": "medium" if "medium" in levels else None,
        "supported_reasoning_levels": [{"effort": level, "description": LEVELS.get(level, level)} for level in levels],
        "shell_type": "shell_command",
        "visibility": "list",
        "supported_in_api": True,
        "priority": place,
        "availability_nux": None,
        "upgrade": None,
        "base_instructions": INSTRUCTIONS,
        "supports_reasoning_summaries": thinks,
        "default_reasoning_summary": "auto",
        "support_verbosity": False,
        "default_verbosity": None,
        "apply_patch_tool_type": None,
        "web_search_tool_type": "text",
        "truncation_policy": {"mode": "bytes", "limit": CUT},
        "supports_parallel_tool_calls": "tools" in model.capabilities,
        "supports_image_detail_original": False,
        "context_window": model.context,
        "max_context_window": model.context,
        "auto_compact_token_limit": None,
        "effective_context_window_percent": 95,
        "experimental_supported_tools": [],
        "input_modalities": [word for word in ("text", "image") if word in (model.input_modalities or ("text",))],
    }
